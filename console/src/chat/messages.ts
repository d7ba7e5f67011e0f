import { useInfiniteQuery, type InfiniteData, type Query, type QueryClient } from '@tanstack/react-query';
import type { Client, Message, MessagePage } from '../api/client';
import { Problem } from '../api/problem';
import { useClient } from '../api/server';
import { recent } from './recent';
import { erase, MAX_PAGES, merge, newerThan, olderThan, parametersOf, placed, settle, type Anchor, type PageParam } from './window';

export type WindowData = InfiniteData<MessagePage, PageParam>;

/** The key of a window. `visit` tells two visits of one place apart: the second one begins anew. */
export function keyOf(conversation: number, anchor: Anchor, visit: number) {
    return ['messages', conversation, anchor, visit] as const;
}

/** Reads a page. Where a window begins, what hot has is better than nothing; a page beside it is whole or comes later. */
async function read(client: Client, conversation: number, param: PageParam, signal: AbortSignal): Promise<MessagePage> {
    const parameters = parametersOf(param);
    try {
        return placed(await client.messages(conversation, parameters, { signal }), param);
    } catch (error) {
        const isColdAway = error instanceof Problem && error.kind === 'tier-unavailable' && error.tier === 'cold';
        if (!isColdAway || param.kind === 'before' || param.kind === 'after') throw error;
        // A partial page cannot be counted.
        const partial = { ...parameters, partial: 'allow', count: undefined };
        return await client.messages(conversation, partial, { signal });
    }
}

/** A window of messages that begins at `anchor` and grows at both ends. */
export function useMessages(conversation: number, anchor: Anchor, visit: number) {
    const client = useClient();
    return useInfiniteQuery({
        queryKey: keyOf(conversation, anchor, visit),
        initialPageParam: anchor as PageParam,
        queryFn: ({ pageParam, signal }) => read(client, conversation, pageParam, signal),
        // In a list that is shown oldest first, the next page is the older one.
        getNextPageParam: olderThan,
        getPreviousPageParam: newerThan,
        maxPages: MAX_PAGES,
        staleTime: Infinity,
        refetchOnMount: false,
        refetchOnWindowFocus: false,
        refetchOnReconnect: false,
        retry: false,
    });
}

/**
 * Brings the changes that arrive while a page is on its way into its window: the answer may be older than they are, and it is
 * put beside the pages as they were when it was asked for. Returns how to end it.
 */
export function keepChanges(queries: QueryClient): () => void {
    const asked = new WeakMap<Query, number>();
    return queries.getQueryCache().subscribe((event) => {
        if (event.type !== 'updated' || event.query.queryKey[0] !== 'messages') return;
        const { query, action } = event;
        if (action.type === 'fetch') asked.set(query, recent.position());
        if (action.type !== 'success' || action.manual) return;
        const since = asked.get(query) ?? recent.position();
        const messages = recent.since(since, query.queryKey[1] as number);
        const erased = recent.erasedSince(since);
        if (messages.length === 0 && erased.length === 0) return;
        queries.setQueryData<WindowData>(query.queryKey, (data) => {
            return data && { ...data, pages: erased.reduce(erase, merge(data.pages, messages).pages) };
        });
    });
}

/** Changes the windows of a conversation that are loaded. */
function change(queries: QueryClient, conversation: number, changed: (pages: MessagePage[]) => MessagePage[]) {
    queries.setQueriesData<WindowData>({ queryKey: ['messages', conversation] }, (data) => {
        return data && { ...data, pages: changed(data.pages) };
    });
}

/** Brings changed messages into the windows of their conversation. */
export function bring(queries: QueryClient, conversation: number, messages: readonly Message[]) {
    change(queries, conversation, (pages) => merge(pages, messages).pages);
}

export function takeOut(queries: QueryClient, conversation: number, id: number) {
    change(queries, conversation, (pages) => erase(pages, id));
}

/** Asks once for rows newer than a window that ends with the newest one, and brings them in. */
export async function poll(client: Client, queries: QueryClient, key: ReturnType<typeof keyOf>) {
    const conversation = key[1];
    for (;;) {
        const first = queries.getQueryData<WindowData>(key)?.pages[0];
        if (!first?.prev || first.has_newer) return;
        const page = await client.messages(conversation, parametersOf({ kind: 'after', cursor: first.prev }));
        queries.setQueryData<WindowData>(key, (data) => {
            if (!data) return data;
            const pages = merge(data.pages, page.messages).pages;
            return { ...data, pages: pages.map((old, index) => (index === 0 ? { ...old, prev: page.prev } : old)) };
        });
        if (!page.has_newer) return;
    }
}

/**
 * Asks again for the pages at the boundary of the tiers: rows move while they are shown, and no change tells of it. A page
 * that has not changed costs a 304.
 */
export async function surface(client: Client, queries: QueryClient, key: ReturnType<typeof keyOf>) {
    const data = queries.getQueryData<WindowData>(key);
    const oldest = data?.pages.findLastIndex((page) => page.messages.some((row) => !row.from_archive)) ?? -1;
    for (let at = oldest; data && at >= 0; at -= 1) {
        const { messages } = await client.messages(key[1], parametersOf(data.pageParams[at]!));
        const archived = new Set(messages.flatMap((row) => (row.from_archive ? [row.id] : [])));
        change(queries, key[1], (pages) => settle(pages, archived));
        if (archived.size < messages.length) return;
    }
}
