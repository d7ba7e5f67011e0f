import { connection } from '../api/connection';
import { tierTimes, viewOf, type Exchange, type View } from '../api/exchange';
import { Store } from '../store';
import { latencies } from '../tiers/latency';

/** The exchanges that are kept for display. */
const KEPT = 200;

/** The requests of this page, newest first. */
class RequestLog extends Store {
    private exchanges: readonly Exchange[] = [];
    private next = 1;

    readonly all = () => this.exchanges;

    /** Returns the newest request of a view. */
    readonly newest = (view: View) => this.exchanges.find((exchange) => exchange.view === view);

    clear() {
        this.exchanges = [];
        this.tell();
    }

    /** `fetch`, with a note of each request to this server. */
    readonly fetch: typeof fetch = async (input, init) => {
        const url = input instanceof Request ? input.url : String(input);
        const headers = new Headers(init?.headers);
        const begun = performance.now();
        const note = (status: number, answer?: Response) =>
            this.add({
                number: this.next++,
                at: Date.now() - (performance.now() - begun),
                view: viewOf(new URL(url).pathname),
                url,
                accept: headers.get('accept'),
                status,
                ms: performance.now() - begun,
                tiers: tierTimes(answer?.headers.get('server-timing') ?? null),
                requestId: answer?.headers.get('x-request-id') ?? null,
            });
        try {
            const answer = await fetch(input, init);
            note(answer.status, answer);
            connection.note(true);
            // Probes say nothing of reading.
            if (viewOf(new URL(url).pathname) !== 'tiers') {
                latencies.add(Date.now(), tierTimes(answer.headers.get('server-timing')), performance.now() - begun);
            }
            return answer;
        } catch (error) {
            if (!init?.signal?.aborted) {
                note(0);
                connection.note(false);
            }
            throw error;
        }
    };

    private add(exchange: Exchange) {
        this.exchanges = [exchange, ...this.exchanges.slice(0, KEPT - 1)];
        this.tell();
    }
}

export const requests = new RequestLog();
