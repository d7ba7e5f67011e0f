import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useSyncExternalStore } from 'react';
import { client } from '../api/server';
import { noteMessage, readAnew } from './conversations';
import { Feed, type FeedState } from './feed';
import { bring, keepChanges, keyOf, poll, surface, takeOut } from './messages';
import { recent } from './recent';

/** The time between two questions without a feed, in milliseconds. */
const POLL_EVERY = 3_000;
/** The time after a change until the list of conversations is read anew, for its counts. */
const SETTLED = 1_500;

/** The time between two looks at the boundary of the tiers, in milliseconds. */
const SURFACE_EVERY = 15_000;

const feed = new Feed(client);

/** Keeps what is loaded up to date while the page is shown. */
export function useFeed(): FeedState {
    const queries = useQueryClient();
    useEffect(() => {
        let settled: ReturnType<typeof setTimeout> | undefined;
        const stopListening = feed.listen({
            message(message) {
                recent.add(message);
                bring(queries, message.conversation_id, [message]);
                noteMessage(queries, message);
                clearTimeout(settled);
                settled = setTimeout(() => readAnew(queries), SETTLED);
            },
            erased(id, conversation) {
                recent.addErased(id);
                takeOut(queries, conversation, id);
                readAnew(queries);
            },
            lost() {
                readAnew(queries);
                void queries.resetQueries({ queryKey: ['messages'] });
            },
        });
        const stopKeeping = keepChanges(queries);
        const stop = feed.start();
        return () => {
            clearTimeout(settled);
            stopListening();
            stopKeeping();
            stop();
        };
    }, [queries]);
    return useSyncExternalStore(feed.subscribe, feed.current);
}

/** Keeps the line between the tiers where it is while rows move. */
export function useSurface(key: ReturnType<typeof keyOf>) {
    const queries = useQueryClient();
    const [, conversation, anchor, visit] = key;
    const anchored = JSON.stringify(anchor);
    useEffect(() => {
        const timer = setInterval(() => {
            if (document.hidden) return;
            surface(client, queries, keyOf(conversation, JSON.parse(anchored), visit)).catch(() => undefined);
        }, SURFACE_EVERY);
        return () => clearInterval(timer);
    }, [queries, conversation, anchored, visit]);
}

/** Without a feed, asks for news of the window that is shown. */
export function usePolling(state: FeedState, key: ReturnType<typeof keyOf>) {
    const queries = useQueryClient();
    const [, conversation, anchor, visit] = key;
    const anchored = JSON.stringify(anchor);
    useEffect(() => {
        if (state !== 'polling') return;
        let isAsking = false;
        const timer = setInterval(() => {
            if (isAsking || document.hidden) return;
            isAsking = true;
            poll(client, queries, keyOf(conversation, JSON.parse(anchored), visit))
                .catch(() => undefined)
                .finally(() => { isAsking = false; });
        }, POLL_EVERY);
        const list = setInterval(() => document.hidden || readAnew(queries), POLL_EVERY * 4);
        return () => {
            clearInterval(timer);
            clearInterval(list);
        };
    }, [state, queries, conversation, anchored, visit]);
}
