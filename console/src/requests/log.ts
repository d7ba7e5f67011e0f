import { connection } from '../api/connection';
import { isChange, isProbe, tierTimes, viewOf, type Exchange, type View } from '../api/exchange';
import { Store } from '../store';

/** The exchanges that are kept for display. */
const KEPT = 200;
/** The time for which a change is the request behind its view, while the view goes on reading. */
const CHANGE_FOR = 30_000;

/** The requests of this page, newest first. */
class RequestLog extends Store {
    private exchanges: readonly Exchange[] = [];
    private next = 1;

    readonly all = () => this.exchanges;

    /** Returns the request behind a view: a change of the last seconds, or the newest that is no probe. */
    readonly newest = (view: View) => {
        const own = this.exchanges.filter((exchange) => exchange.view === view);
        const change = own.find((exchange) => isChange(exchange) && exchange.at > Date.now() - CHANGE_FOR);
        return change ?? own.find(({ url }) => !isProbe(new URL(url).pathname)) ?? own[0];
    };

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
                method: init?.method ?? 'GET',
                url,
                accept: headers.get('accept'),
                body: typeof init?.body === 'string' ? init.body : null,
                status,
                ms: performance.now() - begun,
                tiers: tierTimes(answer?.headers.get('server-timing') ?? null),
                requestId: answer?.headers.get('x-request-id') ?? null,
            });
        try {
            const answer = await fetch(input, init);
            note(answer.status, answer);
            connection.note(true);
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
