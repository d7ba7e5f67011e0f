// The state of both tiers, as the server tells it.
import { useQuery } from '@tanstack/react-query';
import type { ArchiveStatus } from '../api/client';
import { useClient } from '../api/server';
import { tableBytes } from './metrics';

/** The time between two looks, in milliseconds: while rows move, and otherwise. */
const EVERY = { moving: 2_500, idle: 5_000 };

export function useArchiveStatus() {
    const client = useClient();
    return useQuery({
        queryKey: ['archive'],
        queryFn: ({ signal }) => client.archiveStatus({ signal }),
        staleTime: 0,
        retry: false,
        refetchInterval: ({ state }) => (!state.error && isMoving(state.data) ? EVERY.moving : EVERY.idle),
    });
}

export function useHealth() {
    const client = useClient();
    return useQuery({
        queryKey: ['health'],
        queryFn: ({ signal }) => client.health({ signal }),
        staleTime: 0,
        retry: false,
        refetchInterval: EVERY.idle,
    });
}

/** The sizes of cold's tables, where the server's metrics tell them. They may be served at another address. */
export function useColdBytes(): number | null {
    const client = useClient();
    const query = useQuery({
        queryKey: ['metrics'],
        queryFn: async ({ signal }) => tableBytes(await client.metrics({ signal })),
        retry: false,
        refetchInterval: 30_000,
    });
    return query.data ?? null;
}

function isMoving(status: ArchiveStatus | undefined): boolean {
    return status?.resources.some((resource) => resource.cold?.mover) ?? false;
}
