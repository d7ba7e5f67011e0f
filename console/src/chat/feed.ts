// The changes of the caller's conversations, in the order of their commits. The client resumes the stream where it broke.
import type { Client, Message } from '../api/client';
import { Problem } from '../api/problem';
import { Store } from '../store';

/** `polling`: the server has no feed, so the page asks for news itself. */
export type FeedState = 'connecting' | 'live' | 'polling' | 'disconnected';

export interface FeedListener {
    message: (message: Message) => void;
    erased: (id: number, conversation: number) => void;
    /** Changes may have been missed: what is shown has to be read anew. */
    lost: () => void;
}

/** The feed of the page. */
export class Feed extends Store {
    private state: FeedState = 'connecting';
    private readonly followers = new Set<FeedListener>();

    constructor(private readonly client: Client) {
        super();
    }

    readonly current = () => this.state;

    listen(listener: FeedListener): () => void {
        this.followers.add(listener);
        return () => this.followers.delete(listener);
    }

    /** Begins to follow; returns how to end it. */
    start(): () => void {
        const running = new AbortController();
        void this.follow(running.signal);
        return () => running.abort();
    }

    private async follow(signal: AbortSignal) {
        while (!signal.aborted) {
            try {
                await this.changes(signal);
            } catch (failure) {
                const error = Problem.of(failure);
                if (signal.aborted) return;
                if (!(error instanceof Problem)) throw error;
                if (error.kind !== 'changes-expired') return this.set(error.status === 404 ? 'polling' : 'disconnected');
                this.followers.forEach((listener) => listener.lost());
            }
        }
    }

    private async changes(signal: AbortSignal) {
        const onState = ({ status }: { status: string }) => this.set(status === 'connected' ? 'live' : 'disconnected');
        for await (const change of this.client.api.changes({ signal, onState })) {
            if (change.type === 'message') this.followers.forEach((listener) => listener.message(change.message));
            else this.followers.forEach((listener) => listener.erased(change.erased.id, change.erased.conversation_id));
        }
    }

    private set(state: FeedState) {
        if (state === this.state) return;
        this.state = state;
        this.tell();
    }
}
