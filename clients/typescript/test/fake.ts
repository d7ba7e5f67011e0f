// A server in the process of the test, and surroundings that neither wait nor draw.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { type ClientOptions, type IdMode, Thermocline } from '../src/index.js';
import type { Surroundings } from '../src/surroundings.js';

/** How long a test waits for something that should happen at once. */
export const BOUND = { timeout: 20_000 };

export type Handler = (
    request: IncomingMessage & { path: string; query: URLSearchParams },
    response: ServerResponse,
) => void;

/** Requests as they arrived: path with query. */
export interface Fake {
    url: string;
    requests: string[];
}

/** Starts a server that answers the n-th request with the n-th handler, and all later ones with the last. Ends with the test. */
export async function fake(test: TestContext, ...handlers: Handler[]): Promise<Fake> {
    const requests: string[] = [];
    const server = createServer((request, response) => {
        const url = new URL(request.url ?? '/', 'http://fake');
        const handler = handlers[Math.min(requests.length, handlers.length - 1)];
        requests.push(decodeURIComponent(url.pathname + url.search));
        handler?.(Object.assign(request, { path: url.pathname, query: url.searchParams }), response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    test.after(() => {
        server.closeAllConnections();
        server.close();
    });
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

/** An answer to a request with these headers, as `fetch` gives it. */
export type Answer = (headers: Headers, signal: AbortSignal) => Response | Promise<Response>;

/**
 * Answers the n-th request with the n-th answer, and all later ones with the last. Without a network, so that a body breaks
 * off exactly behind the piece that was read last.
 */
export function script(...answers: Answer[]): Fake & { fetch: typeof fetch } {
    const requests: string[] = [];
    return {
        url: 'http://fake',
        requests,
        async fetch(input, options) {
            const answer = answers[Math.min(requests.length, answers.length - 1)];
            requests.push(decodeURIComponent(String(input).replace('http://fake', '')));
            const signal = options?.signal ?? new AbortController().signal;
            signal.throwIfAborted();
            return (answer as Answer)(new Headers(options?.headers), signal);
        },
    };
}

/** A stream of these pieces, which then ends, breaks off, or stays until the request is ended. */
export function body(
    pieces: string[],
    then: 'end' | 'break' | 'stay',
    signal: AbortSignal,
): ReadableStream<Uint8Array> {
    const bytes = pieces.map((piece) => new TextEncoder().encode(piece));
    return new ReadableStream<Uint8Array>(
        {
            start(controller) {
                signal.addEventListener('abort', () => controller.error(signal.reason));
            },
            pull(controller) {
                const next = bytes.shift();
                if (next) controller.enqueue(next);
                else if (then === 'end') controller.close();
                else if (then === 'break') controller.error(new TypeError('terminated'));
            },
        },
        { highWaterMark: 0 },
    );
}

/** Surroundings whose clock the test moves, and in which every wait is noted and over at once. */
export function still(): Surroundings & { waits: number[]; time: number } {
    return {
        waits: [],
        time: 0,
        random: () => 0.5,
        now() {
            return this.time;
        },
        async sleep(milliseconds, signal) {
            this.waits.push(milliseconds);
            signal?.throwIfAborted();
        },
    };
}

export function clientOf<Mode extends IdMode = 'number'>(
    { url, fetch }: Fake & { fetch?: typeof globalThis.fetch },
    options: ClientOptions<Mode> = {},
    surroundings: Surroundings = still(),
): Thermocline<Mode> {
    return new Thermocline({ url, fetch, token: 'secret', ...options }, surroundings);
}

export const json =
    (body: unknown, status = 200, headers: Record<string, string> = {}): Handler =>
    (_, response) => {
        response.writeHead(status, { 'content-type': 'application/json', ...headers });
        response.end(JSON.stringify(body));
    };

export function problem(kind: string, status: number, headers: Record<string, string> = {}): Handler {
    const type = { 'content-type': 'application/problem+json' };
    return json(problemBody(kind, status), status, { ...type, ...headers });
}

export function problemBody(kind: string, status: number) {
    const detail = `The detail of ${kind}.`;
    const common = { success: false, request_id: 'r-1' };
    return { type: `/problems/${kind}`, title: kind, status, detail, message: detail, ...common };
}

/** A page of messages with these ids, the newest first. */
export function page(ids: number[], more: object = {}) {
    const messages = ids.map((id) => message(id));
    const cursors = { next: `older-than-${ids.at(-1)}`, prev: `newer-than-${ids[0]}` };
    return { success: true, messages, total: null, has_more: false, has_newer: false, ...cursors, ...more };
}

export function message(id: number, content = `text ${id}`, from_archive = false) {
    const created_at = '2026-01-01T00:00:00.000000Z';
    return { id, conversation_id: 7, sender_id: 1, content, created_at, is_read: true, from_archive };
}

export async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
    const all: T[] = [];
    for await (const value of values) all.push(value);
    return all;
}
