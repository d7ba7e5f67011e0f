// The changes of the caller's conversations, in the order of their commits, by one stream that is resumed where it broke.
import type { Client, Message } from '../api/client';
import { Problem } from '../api/problem';
import { EventParser, type StreamEvent } from './events';

/** `polling`: the server has no feed, and whoever wants news has to ask. */
export type FeedState = 'connecting' | 'live' | 'polling' | 'disconnected';

export interface FeedListener {
    message: (message: Message) => void;
    erased: (id: number, conversation: number) => void;
    /** Changes were missed: what is shown has to be read anew. */
    lost: () => void;
}

/** The first and the longest pause before another try, in milliseconds. */
const PAUSES = [500, 8_000] as const;
/** A server comments every 15 seconds; a stream that says nothing for longer is dead. */
const SILENCE = 40_000;
/** The answers of a server that has no feed. */
const WITHOUT_FEED = ['not-found', 'http-404', 'forbidden', 'not-acceptable'];

/** The feed of the page. A store for `useSyncExternalStore`. */
export class Feed {
    private state: FeedState = 'connecting';
    private readonly stores = new Set<() => void>();
    private readonly listeners = new Set<FeedListener>();
    private token: string | null = null;
    private running: AbortController | null = null;

    constructor(private readonly client: Client) {}

    readonly subscribe = (listener: () => void) => {
        this.stores.add(listener);
        return () => this.stores.delete(listener);
    };

    readonly current = () => this.state;

    listen(listener: FeedListener): () => void {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
    }

    /** Begins to follow; returns how to end it. */
    start(): () => void {
        const running = new AbortController();
        this.running?.abort();
        this.running = running;
        const wake = () => this.wake?.();
        addEventListener('online', wake);
        void this.follow(running.signal);
        return () => {
            running.abort();
            removeEventListener('online', wake);
        };
    }

    private wake: (() => void) | null = null;

    private async follow(signal: AbortSignal) {
        let pause: number = PAUSES[0];
        while (!signal.aborted) {
            try {
                this.token ??= await this.now(signal);
                await this.stream(signal, () => { pause = PAUSES[0]; });
                this.set('connecting');
            } catch (error) {
                if (signal.aborted) return;
                if (!(error instanceof Problem)) throw error;
                if (error.kind === 'changes-expired' || error.status === 410) {
                    this.token = null;
                    this.listeners.forEach((listener) => listener.lost());
                    continue;
                }
                if (error.status === 401) return this.set('disconnected');
                if (error.status === 404 || WITHOUT_FEED.includes(error.kind)) return this.set('polling');
                this.set('disconnected');
            }
            await this.wait(pause, signal);
            pause = Math.min(pause * 2, PAUSES[1]);
        }
    }

    /** Returns the token of now. */
    private async now(signal: AbortSignal): Promise<string> {
        const answer = await this.client.json<{ next: string }>('api/changes', {}, { signal });
        return answer.next;
    }

    /** Reads one stream to its end. */
    private async stream(signal: AbortSignal, onEvent: () => void) {
        const own = new AbortController();
        const end = () => own.abort();
        signal.addEventListener('abort', end, { once: true });
        let silence = setTimeout(end, SILENCE);
        try {
            const ask = { signal: own.signal, accept: 'text/event-stream' };
            const answer = await this.client.answer('api/changes', { since: this.token }, ask);
            this.set('live');
            const parser = new EventParser();
            const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
            for (;;) {
                const { value, done } = await reader.read();
                if (done) return;
                clearTimeout(silence);
                silence = setTimeout(end, SILENCE);
                for (const event of parser.push(value)) {
                    this.take(event);
                    onEvent();
                }
            }
        } catch (error) {
            if (error instanceof Problem || signal.aborted) throw error;
            // The connection broke, or was silent for too long.
            throw Problem.unreachable(error);
        } finally {
            clearTimeout(silence);
            signal.removeEventListener('abort', end);
        }
    }

    private take({ id, event, data }: StreamEvent) {
        if (event === 'message') {
            const message = JSON.parse(data) as Message;
            this.listeners.forEach((listener) => listener.message(message));
        } else if (event === 'erased') {
            const erased = JSON.parse(data) as { id: number; conversation_id: number };
            this.listeners.forEach((listener) => listener.erased(erased.id, erased.conversation_id));
        }
        if (id) this.token = id;
    }

    private wait(pause: number, signal: AbortSignal): Promise<void> {
        return new Promise((resolve) => {
            const done = () => {
                clearTimeout(timer);
                this.wake = null;
                resolve();
            };
            const timer = setTimeout(done, pause);
            this.wake = done;
            signal.addEventListener('abort', done, { once: true });
        });
    }

    private set(state: FeedState) {
        if (state === this.state) return;
        this.state = state;
        this.stores.forEach((listener) => listener());
    }
}
