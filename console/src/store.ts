/** Something that changes and tells its listeners: the base of the stores for `useSyncExternalStore`. */
export class Store {
    private readonly listeners = new Set<() => void>();

    readonly subscribe = (listener: () => void) => {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
    };

    protected tell() {
        this.listeners.forEach((listener) => listener());
    }
}
