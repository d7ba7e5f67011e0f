/** Whether the server can be reached: `offline` without a network, `unreachable` when it does not answer. */
export type Connection = 'online' | 'offline' | 'unreachable';

/** What the last requests told. A store for `useSyncExternalStore`. */
class ConnectionStore {
    private answers = true;
    private readonly listeners = new Set<() => void>();

    constructor() {
        for (const event of ['online', 'offline']) addEventListener(event, () => this.tell());
    }

    readonly subscribe = (listener: () => void) => {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
    };

    readonly current = (): Connection => {
        if (!navigator.onLine) return 'offline';
        return this.answers ? 'online' : 'unreachable';
    };

    note(answered: boolean) {
        if (answered === this.answers) return;
        this.answers = answered;
        this.tell();
    }

    private tell() {
        this.listeners.forEach((listener) => listener());
    }
}

export const connection = new ConnectionStore();
