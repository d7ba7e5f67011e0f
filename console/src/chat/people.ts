import type { Conversation } from '../api/client';

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

/** Returns the names of the users of conversations. */
export function namesOf(conversations: readonly Conversation[]): Names {
    return new Map(conversations.flatMap(({ users }) => users.map(({ id, username }) => [id, username] as const)));
}
