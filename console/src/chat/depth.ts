import { useSyncExternalStore } from 'react';
import { Store } from '../store';
import { PER_PAGE } from './window';

/** Where the reader is: how many messages are newer than the lowest one on the screen, and how many there are. */
export interface Depth {
    position: number | null;
    total: number | null;
}

/** The depth of the list on the screen. It changes while the list scrolls, and only what shows it is drawn again. */
export class DepthStore extends Store {
    private depth: Depth = { position: null, total: null };

    readonly current = () => this.depth;

    set(depth: Depth) {
        if (depth.position === this.depth.position && depth.total === this.depth.total) return;
        this.depth = depth;
        this.tell();
    }
}

export interface PagePlace {
    page: number | null;
    pages: number | null;
}

export function pageOf({ position, total }: Depth): PagePlace {
    return {
        page: position === null ? null : Math.floor(position / PER_PAGE) + 1,
        pages: total === null ? null : Math.max(1, Math.ceil(total / PER_PAGE)),
    };
}

export function useDepth(store: DepthStore): Depth {
    return useSyncExternalStore(store.subscribe, store.current);
}
