// The state of both tiers, as the server tells it.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { ArchiveControl, ArchiveStatus } from '../api/client';
import { useClient } from '../api/server';
import { withControls } from './control';
import { figuresOf, type Figures } from './metrics';

/** The time between two looks, in milliseconds: while rows move, and otherwise. */
const EVERY = { moving: 2_500, idle: 5_000 };
const STATUS = ['archive'];

export function useArchiveStatus() {
    const client = useClient();
    return useQuery({
        queryKey: STATUS,
        queryFn: ({ signal }) => client.archiveStatus({ signal }),
        staleTime: 0,
        retry: false,
        refetchInterval: ({ state }) => (!state.error && isMoving(state.data) ? EVERY.moving : EVERY.idle),
    });
}

/** Asks something of the movers, and shows what they are asked now. */
export function useControl() {
    const client = useClient();
    const queries = useQueryClient();
    return useMutation({
        networkMode: 'always',
        mutationFn: (control: ArchiveControl) => client.controlArchive(control),
        onSuccess: (answer) => queries.setQueryData<ArchiveStatus>(STATUS, (status) => status && withControls(status, answer)),
        onSettled: () => queries.invalidateQueries({ queryKey: STATUS }),
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

/** Figures of the server's metrics; empty where they are served at another address. */
export function useFigures(): Figures {
    const client = useClient();
    const query = useQuery({
        queryKey: ['metrics'],
        queryFn: async ({ signal }) => figuresOf(await client.metrics({ signal })),
        retry: false,
        refetchInterval: 10_000,
    });
    return query.data ?? NONE;
}

const NONE = figuresOf('');

function isMoving(status: ArchiveStatus | undefined): boolean {
    return status?.resources.some((resource) => resource.cold?.mover) ?? false;
}
