import { useSyncExternalStore } from 'react';
import { Store } from '../store';

/** Whether the request of a view is unfolded. */
class DrawerState extends Store {
    private isOpen = false;

    readonly current = () => this.isOpen;

    open() {
        this.set(true);
    }

    set(isOpen: boolean) {
        this.isOpen = isOpen;
        this.tell();
    }
}

export const drawer = new DrawerState();

export function useDrawer(): boolean {
    return useSyncExternalStore(drawer.subscribe, drawer.current);
}
