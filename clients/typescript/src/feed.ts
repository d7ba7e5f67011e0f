// The change feed: a stream that is opened again after every break, from the last event that arrived.

import { ConnectionError, isTemporary } from './errors.js';
import { eventsOf, type ServerEvent } from './events.js';
import { failureOf, type Http, type QueryParameters } from './http.js';
import { linesOf } from './lines.js';
import type { ChangePage, ErasedMessage, IdMode, Message } from './types.js';

/** A message that is new, or that was changed: here as it is now. */
export interface MessageChange<Mode extends IdMode = 'number'> {
    type: 'message';
    message: Message<Mode>;
    /** Kept by the caller, it continues the feed after this change. */
    token: string;
}

/** A message that was erased for good. */
export interface ErasedChange<Mode extends IdMode = 'number'> {
    type: 'erased';
    erased: ErasedMessage<Mode>;
    token: string;
}

export type Change<Mode extends IdMode = 'number'> = MessageChange<Mode> | ErasedChange<Mode>;

/** The connection of a feed. */
export type FeedState =
    | { status: 'connected' }
    | {
          /** There is no connection; the next try follows in `milliseconds`. */
          status: 'waiting';
          milliseconds: number;
          /** Missing when the server ended the stream in good order. */
          error?: unknown;
      };

export interface FeedOptions<Mode extends IdMode = 'number'> {
    /** A token: `changes` of a page, `token` of a change. By default the feed begins now. */
    since?: string;
    /** Ends the feed, without an error. */
    signal?: AbortSignal;
    /** Called when the connection is there, and when it is lost. */
    onState?: (state: FeedState) => void;
    /** Milliseconds without a sign of life after which a connection counts as lost; 45,000 by default. */
    silence?: number;
    /** Rows the caller already has, which are not repeated as they are. */
    known?: Iterable<Message<Mode>>;
}

/** A connection that lasted this long (milliseconds) was a good one, also without an event. */
const LASTING = 5_000;

/** How many rows are remembered to recognise a repeated one. */
const REMEMBERED = 10_000;

/**
 * Follows the feed at `path`. Ends when `signal` is aborted. Throws what no waiting cures, above all the problem
 * `changes-expired`: changes may have been missed, and the list has to be read anew.
 */
export async function* follow<Mode extends IdMode>(
    http: Http,
    path: string,
    options: FeedOptions<Mode>,
): AsyncGenerator<Change<Mode>, void, void> {
    const { signal } = options;
    const known = new Known<Mode>(options.known);
    let token = options.since;
    let failures = 0;
    while (!signal?.aborted) {
        const connection = new Connection(http, signal, options.silence ?? 45_000);
        let failure: unknown;
        try {
            // The token of now is fetched first: a stream that breaks before its first event could not be resumed.
            token ??= (await http.json<ChangePage>(path, http.ids, signal)).next;
            for await (const event of connection.events(path, http.ids, token, options.onState)) {
                token = event.id ?? token;
                failures = 0;
                const change = known.changeOf(event, token);
                if (change) yield change;
            }
        } catch (error) {
            if (signal?.aborted) return;
            if (!isTemporary(error)) throw error;
            failure = error;
        } finally {
            connection.close();
        }
        if (connection.lasted >= LASTING) failures = 0;
        await untilNextTry(http, failures, failure, options);
        failures += 1;
    }
}

/** Waits after the failure with this number, from 0, and tells `onState`. An aborted signal ends the wait without an error. */
export async function untilNextTry(
    http: Http,
    failures: number,
    failure: unknown,
    { signal, onState }: Pick<FeedOptions, 'signal' | 'onState'>,
): Promise<void> {
    const milliseconds = http.waitAfter(failures, failure);
    const state: FeedState = { status: 'waiting', milliseconds };
    onState?.(failure === undefined ? state : { ...state, error: failure });
    const untilOnline = failure instanceof ConnectionError;
    await http.surroundings.sleep(milliseconds, signal, untilOnline).catch(() => undefined);
}

/** One stream, from its opening to its end. */
class Connection {
    readonly #http: Http;
    readonly #silence: number;
    readonly #controller = new AbortController();
    readonly #signal: AbortSignal;
    #timer: ReturnType<typeof setTimeout> | undefined;
    #opened: number | undefined;

    constructor(http: Http, signal: AbortSignal | undefined, silence: number) {
        this.#http = http;
        this.#silence = silence;
        this.#signal = signal ? AbortSignal.any([signal, this.#controller.signal]) : this.#controller.signal;
    }

    /** Milliseconds since the stream was opened; 0 when it was not. */
    get lasted(): number {
        return this.#opened === undefined ? 0 : this.#http.surroundings.now() - this.#opened;
    }

    async *events(
        path: string,
        query: QueryParameters,
        token: string,
        onState: FeedOptions['onState'],
    ): AsyncGenerator<ServerEvent, void, void> {
        this.#alive();
        const response = await this.#http.open(path, query, {
            accept: 'text/event-stream',
            signal: this.#signal,
            headers: { 'last-event-id': token },
        });
        const { body } = response;
        if (!body) throw new ConnectionError('The stream has no body');
        this.#opened = this.#http.surroundings.now();
        onState?.({ status: 'connected' });
        try {
            yield* eventsOf(linesOf(this.#watched(body)));
        } catch (cause) {
            throw failureOf(cause, this.#signal, 'The stream broke off');
        }
    }

    close(): void {
        clearTimeout(this.#timer);
        this.#controller.abort();
    }

    /** Passes bytes on, each of them a sign of life. */
    #watched(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
        const alive = () => this.#alive();
        return body.pipeThrough(
            new TransformStream<Uint8Array, Uint8Array>({
                transform(bytes, controller) {
                    alive();
                    controller.enqueue(bytes);
                },
            }),
        );
    }

    /** Gives the connection up when nothing arrives until the next call. */
    #alive(): void {
        clearTimeout(this.#timer);
        const silent = new ConnectionError(`Nothing arrived for ${this.#silence} ms`);
        this.#timer = setTimeout(() => this.#controller.abort(silent), this.#silence);
    }
}

/** Remembers rows by what they hold, because a restore repeats rows that have not changed. */
class Known<Mode extends IdMode> {
    readonly #rows = new Map<string, string>();

    constructor(rows: Iterable<Message<Mode>> = []) {
        for (const row of rows) this.#isNew(row);
    }

    /** The change in an event; undefined for a row as it is known, and for events of a newer server. */
    changeOf(event: ServerEvent, token: string): Change<Mode> | undefined {
        if (event.data === undefined) return undefined;
        if (event.event === 'message') {
            const message = JSON.parse(event.data) as Message<Mode>;
            return this.#isNew(message) ? { type: 'message', message, token } : undefined;
        }
        if (event.event === 'erased') {
            const erased = JSON.parse(event.data) as ErasedMessage<Mode>;
            this.#rows.delete(String(erased.id));
            return { type: 'erased', erased, token };
        }
        return undefined;
    }

    #isNew(row: Message<Mode>): boolean {
        const id = String(row.id);
        // The tier is no part of a row: a row that came back from the archive is the same.
        const content = JSON.stringify({ ...row, from_archive: undefined });
        const before = this.#rows.get(id);
        // Deleted and set again, the row is the youngest of the map.
        this.#rows.delete(id);
        this.#rows.set(id, content);
        if (this.#rows.size > REMEMBERED) this.#rows.delete(this.#rows.keys().next().value as string);
        return before !== content;
    }
}
