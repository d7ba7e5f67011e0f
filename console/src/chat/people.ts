import { useQuery } from '@tanstack/react-query';
import type { Client, Conversation, User } from '../api/client';
import { useClient } from '../api/server';

/** Ids that one request may name. */
const MOST = 100;

export type Names = ReadonlyMap<number, string>;

/** Returns the ids of the users of conversations. */
export function participants(conversations: readonly Conversation[]): number[] {
    const ids = conversations.flatMap(({ user1_id, user2_id }) => [user1_id, user2_id ?? null]);
    return [...new Set(ids.filter((id) => id !== null))].sort((a, b) => a - b);
}

/** Returns the caller: the subject of the token if it is one of the users, and otherwise the one in every conversation. */
export function callerOf(subject: string | null, conversations: readonly Conversation[]): number | null {
    const id = subject !== null && /^[0-9]{1,15}$/.test(subject) ? Number(subject) : null;
    const isIn = (user: number) => conversations.every(({ user1_id, user2_id }) => user === user1_id || user === user2_id);
    if (id !== null && (conversations.length === 0 || isIn(id))) return id;
    const everywhere = participants(conversations).filter(isIn);
    return everywhere.length === 1 ? everywhere[0]! : id;
}

async function read(client: Client, ids: number[], signal: AbortSignal): Promise<User[]> {
    const users: User[] = [];
    for (let at = 0; at < ids.length; at += MOST) users.push(...(await client.users(ids.slice(at, at + MOST), { signal })));
    return users;
}

/** The names of the users of conversations: those that come with them, and those that are asked for. */
export function useNames(conversations: readonly Conversation[]): Names {
    const client = useClient();
    const known = new Map(conversations.flatMap(({ users }) => (users ?? []).map((user) => [user.id, user.username] as const)));
    const missing = participants(conversations).filter((id) => !known.has(id));
    const asked = useQuery({
        queryKey: ['users', missing],
        queryFn: ({ signal }) => read(client, missing, signal),
        enabled: missing.length > 0,
        staleTime: 10 * 60_000,
    });
    for (const user of asked.data ?? []) known.set(user.id, user.username);
    return known;
}
