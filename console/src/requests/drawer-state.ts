import { useSyncExternalStore } from 'react';

/** Whether the request of a view is unfolded. */
class DrawerState {
    private isOpen = false;
    private readonly listeners = new Set<() => void>();

    readonly subscribe = (listener: () => void) => {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
    };

    readonly current = () => this.isOpen;

    open() {
        this.set(true);
    }

    set(isOpen: boolean) {
        this.isOpen = isOpen;
        this.listeners.forEach((listener) => listener());
    }
}

export const drawer = new DrawerState();

export function useDrawer(): boolean {
    return useSyncExternalStore(drawer.subscribe, drawer.current);
}
