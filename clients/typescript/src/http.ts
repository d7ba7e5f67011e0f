// One request: address, token, retries, and failures as errors.

import { ConnectionError, isProblem, isTemporary, problemOf } from './errors.js';
import { backoff, REAL, type Surroundings } from './surroundings.js';
import type { IdMode } from './types.js';

/**
 * Gives the bearer token of a request. After a 401 it is called once more with the token that was refused; the request is
 * repeated if the new one is another.
 */
export type TokenSource = (refused?: string) => string | Promise<string>;

/** An answer as `onResponse` sees it. */
export interface Exchange {
    url: string;
    response: Response;
    /** Milliseconds until the headers of the answer had arrived. */
    milliseconds: number;
}

export interface ClientOptions<Mode extends IdMode = 'number'> {
    /** The address of the server, with its base path if it has one. By default the origin of the page. */
    url?: string;
    /** The bearer token, or a function that gives one. None where prices are public. */
    token?: string | TokenSource;
    /** `string`: every id is a string. The default, `number`, is exact up to 2^53. */
    ids?: Mode;
    /** How often a request is repeated after a failure that may pass; 2 by default. */
    retries?: number;
    /** Milliseconds after which a request for JSON is given up; 60,000 by default. */
    timeout?: number;
    /** Used instead of the global `fetch`. */
    fetch?: typeof fetch;
    /** Called with every answer, also with those that are problems. */
    onResponse?: (exchange: Exchange) => void;
}

export type QueryValue = string | number | bigint | boolean | Date | undefined | null;
/** Parameters by name. Those that are undefined or null are left out; an array stands for a repeated one. */
export type QueryParameters = { [name: string]: QueryValue | string[] };

interface OpenOptions {
    accept: string;
    signal?: AbortSignal | undefined;
    headers?: Record<string, string>;
    /** Sent as JSON by POST; without it the request is a GET. */
    body?: unknown;
}

/** Seconds of `Retry-After` beyond which a request fails at once instead of waiting. */
const PATIENCE = 30;

export class Http {
    readonly #base: string;
    readonly #options: ClientOptions<IdMode>;
    readonly surroundings: Surroundings;

    constructor(options: ClientOptions<IdMode>, surroundings: Surroundings = REAL) {
        this.#base = (options.url ?? '').replace(/\/+$/, '');
        this.#options = options;
        this.surroundings = surroundings;
    }

    /** The address of a request, as it is sent. */
    url(path: string, query: QueryParameters = {}): string {
        const parameters = new URLSearchParams();
        for (const [name, values] of Object.entries(query)) {
            for (const value of Array.isArray(values) ? values : [values]) {
                if (value === undefined || value === null) continue;
                parameters.append(name, value instanceof Date ? value.toISOString() : String(value));
            }
        }
        const text = parameters.toString();
        return `${this.#base}${path}${text && `?${text}`}`;
    }

    /** The parameter that asks for ids as strings, if the client was told so. */
    get ids(): { ids?: 'string' } {
        return this.#options.ids === 'string' ? { ids: 'string' } : {};
    }

    /** Asks for JSON, and again after failures that may pass. */
    json<T>(path: string, query: QueryParameters = {}, signal?: AbortSignal): Promise<T> {
        return this.#read(path, query, 'application/json', signal, (response) => response.json());
    }

    /** Asks for text of the media type `accept`, and again after failures that may pass. */
    text(path: string, query: QueryParameters, accept: string, signal?: AbortSignal): Promise<string> {
        return this.#read(path, query, accept, signal, (response) => response.text());
    }

    async #read<T>(
        path: string,
        query: QueryParameters,
        accept: string,
        signal: AbortSignal | undefined,
        read: (response: Response) => Promise<T>,
    ): Promise<T> {
        const retries = this.#options.retries ?? 2;
        for (let failure = 0; ; failure += 1) {
            try {
                return await this.#once(path, query, { accept, signal }, read);
            } catch (error) {
                if (signal?.aborted || !isTemporary(error) || failure >= retries) throw error;
                if (isProblem(error) && (error.retryAfter ?? 0) > PATIENCE) throw error;
                await this.surroundings.sleep(this.waitAfter(failure, error), signal);
            }
        }
    }

    /** Sends JSON and reads JSON. Not repeated after a failure: the change may have been made. */
    post<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
        return this.#once(path, {}, { accept: 'application/json', signal, body }, (response) =>
            response.json(),
        );
    }

    /** One request and its whole answer, within the time limit. */
    async #once<T>(
        path: string,
        query: QueryParameters,
        options: OpenOptions,
        read: (response: Response) => Promise<T>,
    ): Promise<T> {
        const limit = AbortSignal.timeout(this.#options.timeout ?? 60_000);
        const signal = options.signal ? AbortSignal.any([options.signal, limit]) : limit;
        const response = await this.open(path, query, { ...options, signal });
        return read(response).catch((cause) => {
            throw failureOf(cause, signal, 'The answer broke off');
        });
    }

    /** Milliseconds to wait after `error`, the failure with this number from 0. */
    waitAfter(failure: number, error: unknown): number {
        return backoff(failure, this.surroundings.random(), isProblem(error) ? error.retryAfter : 0);
    }

    /** Sends a request and gives the answer once its headers are there. Not repeated after a failure. */
    async open(path: string, query: QueryParameters, options: OpenOptions): Promise<Response> {
        const { token: source } = this.#options;
        const token = typeof source === 'function' ? await source() : source;
        const response = await this.#send(path, query, options, token);
        if (response.status === 401 && typeof source === 'function') {
            const other = await source(token);
            if (other !== token) {
                await response.body?.cancel();
                return this.#checked(await this.#send(path, query, options, other));
            }
        }
        return this.#checked(response);
    }

    async #checked(response: Response): Promise<Response> {
        if (!response.ok) throw await problemOf(response);
        return response;
    }

    async #send(
        path: string,
        query: QueryParameters,
        { accept, signal, headers, body }: OpenOptions,
        token: string | undefined,
    ): Promise<Response> {
        const url = this.url(path, query);
        const begun = this.surroundings.now();
        const send = this.#options.fetch ?? fetch;
        const authorization: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
        const content: Record<string, string> =
            body === undefined ? {} : { 'content-type': 'application/json' };
        const response = await send(url, {
            ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
            headers: { accept, ...content, ...authorization, ...headers },
            signal: signal ?? null,
        }).catch((cause: unknown) => {
            throw failureOf(cause, signal, `No answer from ${url}`);
        });
        this.#options.onResponse?.({ url, response, milliseconds: this.surroundings.now() - begun });
        return response;
    }
}

/** The error of a request that ended without an answer: the caller's own reason to end it, or a failed connection. */
export function failureOf(cause: unknown, signal: AbortSignal | undefined, message: string): unknown {
    const timedOut = signal?.reason instanceof DOMException && signal.reason.name === 'TimeoutError';
    if (signal?.aborted && !timedOut) return signal.reason;
    return new ConnectionError(message, { cause });
}
