// A list that keeps itself up to date: its newest page, then every change; a page again when changes may have been missed.

import { isProblem, isTemporary } from './errors.js';
import { type Change, type FeedOptions, follow, untilNextTry } from './feed.js';
import type { Http } from './http.js';
import type { IdMode, MessagePage } from './types.js';

/** The newest page, read when the list begins, and anew when changes may have been missed: it replaces all rows shown. */
export interface Reset<Mode extends IdMode = 'number'> {
    type: 'reset';
    page: MessagePage<Mode>;
}

export type LiveOptions<Mode extends IdMode = 'number'> = Omit<FeedOptions<Mode>, 'since' | 'known'> & {
    /** Rows of the page; 100 by default. */
    limit?: number;
};

/** Yields the newest page of `list`, then its changes. Ends when the signal is aborted. */
export async function* live<Mode extends IdMode>(
    http: Http,
    list: string,
    options: LiveOptions<Mode>,
): AsyncGenerator<Reset<Mode> | Change<Mode>, void, void> {
    const { limit = 100, signal, ...rest } = options;
    while (!signal?.aborted) {
        const page = await untilRead(http, list, limit, options);
        if (!page) return;
        yield { type: 'reset', page };
        try {
            const since = page.changes;
            yield* follow<Mode>(http, `${list}/changes`, { ...rest, signal, since, known: page.messages });
        } catch (error) {
            if (!isProblem(error, 'changes-expired')) throw error;
        }
    }
}

/** Reads the newest page, also while there is no connection. Undefined when the signal was aborted. */
async function untilRead<Mode extends IdMode>(
    http: Http,
    list: string,
    limit: number,
    options: LiveOptions<Mode>,
): Promise<MessagePage<Mode> | undefined> {
    for (let failures = 0; ; failures += 1) {
        try {
            return await http.json<MessagePage<Mode>>(list, { limit, ...http.ids }, options.signal);
        } catch (error) {
            if (options.signal?.aborted) return undefined;
            if (!isTemporary(error)) throw error;
            await untilNextTry(http, failures, error, options);
        }
    }
}
