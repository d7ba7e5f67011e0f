import { Thermocline } from 'thermocline-client';
import type { components } from 'thermocline-client/openapi';
import { address, SERVER } from './place';
import { Problem } from './problem';

export type Schemas = components['schemas'];
export type Message = Schemas['Message'];
export type MessagePage = Schemas['MessagePage'];
export type Conversation = Schemas['Conversation'];
export type ConversationPage = Schemas['ConversationPage'];
export type Stock = Schemas['Stock'];
export type PriceInterval = Schemas['PriceInterval'];
export type PriceColumns = Schemas['PriceColumnRange'];
export type Health = Schemas['Health'];

/** The status of a resource that moves. */
export type ResourceStatus = Schemas['ResourceStatus'];
export type ArchiveStatus = Schemas['ArchiveStatus'];
/** Requests to the movers, and what is asked of them after a change. */
export type ArchiveControl = Schemas['ArchiveControl'];
export type ArchiveControlled = Schemas['ArchiveControlled'];
/** How long the answers of the last hour took that asked the same tiers. */
export type Latency = Schemas['Latency'];

export type Parameters = Record<string, string | number | boolean | null | undefined>;

export interface Ask {
    signal?: AbortSignal;
}

/** The address of a path of the server with these parameters; those without a value are left out. */
export function withParameters(path: string, parameters: Parameters = {}): string {
    const url = new URL(address(path));
    for (const [name, value] of Object.entries(parameters)) {
        if (value !== null && value !== undefined && value !== '') url.searchParams.set(name, String(value));
    }
    return url.href;
}

/** The failure of a request as the page shows it. One that the caller wanted stays as it is. */
async function told<T>(answer: Promise<T>, { signal }: Ask = {}): Promise<T> {
    try {
        return await answer;
    } catch (error) {
        throw signal?.aborted ? error : Problem.of(error);
    }
}

/** The client of this server, and what only this page asks for. `send` is `fetch`, or a function around it. */
export class Client {
    readonly api: Thermocline;

    constructor(
        private readonly send: typeof fetch,
        token: () => string | null,
    ) {
        // Queries have retries of their own.
        this.api = new Thermocline({ url: SERVER.href, token: () => token() ?? '', retries: 0, fetch: send });
    }

    conversations(parameters: Parameters, ask?: Ask): Promise<ConversationPage> {
        return told(this.api.conversationPage(parameters, ask), ask);
    }

    messages(conversation: number, parameters: Parameters, ask?: Ask): Promise<MessagePage> {
        return told(this.api.messagePage(conversation, parameters, ask), ask);
    }

    search(conversation: number, q: string, parameters: Parameters, ask?: Ask): Promise<MessagePage> {
        return told(this.api.searchPage(conversation, q, parameters, ask), ask);
    }

    stocks(parameters: Parameters, ask?: Ask): Promise<Schemas['StockPage']> {
        return told(this.api.stockPage(parameters, ask), ask);
    }

    latest(symbols: string[], ask?: Ask): Promise<Schemas['LatestPrices']> {
        return told(this.api.latestPrices(symbols, ask), ask);
    }

    prices(symbol: string, parameters: Parameters, ask?: Ask): Promise<PriceColumns> {
        return told(this.api.priceColumns(symbol, parameters, ask), ask);
    }

    csv(symbol: string, parameters: Parameters): Promise<string> {
        return told(this.api.priceCsv(symbol, parameters));
    }

    archiveStatus(ask?: Ask): Promise<ArchiveStatus> {
        return this.get('/api/archive/status', {}, ask);
    }

    controlArchive(control: ArchiveControl): Promise<ArchiveControlled> {
        return told(this.api.send('/api/archive/control', control));
    }

    /** Any other path that answers with JSON. */
    get<T>(path: string, parameters: Parameters = {}, ask?: Ask): Promise<T> {
        return told(this.api.get<T>(path, parameters, ask), ask);
    }

    /** The health report, which comes with status 503 too. */
    async health(ask?: Ask): Promise<Health> {
        const answer = await told(this.send(address('health'), { headers: { Accept: 'application/json' }, ...ask }), ask);
        return (await answer.json()) as Health;
    }

    /** The metrics; empty where they are served at another address. */
    async metrics(ask?: Ask): Promise<string> {
        const answer = await told(this.send(address('metrics'), { headers: { Accept: 'text/plain' }, ...ask }), ask);
        return answer.ok ? await answer.text() : '';
    }
}
