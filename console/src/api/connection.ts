import { Store } from '../store';

/** Whether the server can be reached: `offline` without a network, `unreachable` when it does not answer. */
export type Connection = 'online' | 'offline' | 'unreachable';

/** The outcome of the last requests. */
class ConnectionStore extends Store {
    private answers = true;

    constructor() {
        super();
        for (const event of ['online', 'offline']) addEventListener(event, () => this.tell());
    }

    readonly current = (): Connection => {
        if (!navigator.onLine) return 'offline';
        return this.answers ? 'online' : 'unreachable';
    };

    note(answered: boolean) {
        if (answered === this.answers) return;
        this.answers = answered;
        this.tell();
    }
}

export const connection = new ConnectionStore();
