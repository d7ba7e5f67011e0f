import { address } from './place';
import { Problem } from './problem';
import type { components } from './schema';

export type Schemas = components['schemas'];
export type Message = Schemas['Message'];
export type MessagePage = Schemas['MessagePage'] & { changes?: string };
export type User = Schemas['User'];
/** A conversation; servers of an earlier version give neither names nor the last message. */
export type Conversation = Schemas['Conversation'] & {
    users?: User[];
    last_message?: Message | null;
    unread_count?: number;
};
export type ConversationPage = Omit<Schemas['ConversationPage'], 'conversations'> & { conversations: Conversation[] };
export type Stock = Schemas['Stock'];
export type PriceInterval = Schemas['PriceInterval'];
export type PriceColumns = Schemas['PriceColumnRange'];
export type Health = Schemas['Health'];

/** The status of a resource that moves. */
export type ResourceStatus = Schemas['ResourceStatus'];
export type ArchiveStatus = Schemas['ArchiveStatus'];

export type Parameters = Record<string, string | number | boolean | null | undefined>;

export interface Ask {
    signal?: AbortSignal | undefined;
    accept?: string;
    headers?: Record<string, string>;
}

/** The address of a path of the server with these parameters; those without a value are left out. */
export function withParameters(path: string, parameters: Parameters = {}): string {
    const url = new URL(address(path));
    for (const [name, value] of Object.entries(parameters)) {
        if (value !== null && value !== undefined && value !== '') url.searchParams.set(name, String(value));
    }
    return url.href;
}

/** A client of this server. `send` is `fetch`, or a function around it. */
export class Client {
    constructor(
        private readonly send: typeof fetch,
        private readonly token: () => string | null,
    ) {}

    /** Returns the answer to a request that succeeded; throws a `Problem` otherwise. */
    async answer(path: string, parameters: Parameters = {}, ask: Ask = {}): Promise<Response> {
        const headers = new Headers({ Accept: ask.accept ?? 'application/json', ...ask.headers });
        const token = this.token();
        if (token) headers.set('Authorization', `Bearer ${token}`);
        let answer: Response;
        try {
            answer = await this.send(withParameters(path, parameters), { headers, signal: ask.signal ?? null });
        } catch (error) {
            if (ask.signal?.aborted) throw error;
            throw Problem.unreachable(error);
        }
        if (!answer.ok) throw await Problem.of(answer);
        return answer;
    }

    async json<T>(path: string, parameters: Parameters = {}, ask: Ask = {}): Promise<T> {
        const answer = await this.answer(path, parameters, ask);
        try {
            return (await answer.json()) as T;
        } catch (error) {
            if (ask.signal?.aborted) throw error;
            throw Problem.unreachable(error);
        }
    }

    conversations(parameters: Parameters, ask?: Ask) {
        return this.json<ConversationPage>('api/conversations', parameters, ask);
    }

    messages(conversation: number, parameters: Parameters, ask?: Ask) {
        return this.json<MessagePage>(`api/conversations/${conversation}/messages`, parameters, ask);
    }

    search(conversation: number, parameters: Parameters, ask?: Ask) {
        return this.json<MessagePage>(`api/conversations/${conversation}/messages/search`, parameters, ask);
    }

    async users(ids: number[], ask?: Ask): Promise<User[]> {
        const answer = await this.json<Schemas['UserList']>('api/users', { ids: ids.join(',') }, ask);
        return answer.users;
    }

    stocks(parameters: Parameters, ask?: Ask) {
        return this.json<Schemas['StockPage']>('api/stocks', parameters, ask);
    }

    latest(symbols: string[], ask?: Ask) {
        return this.json<Schemas['LatestPrices']>('api/stocks/prices/latest', { symbols: symbols.join(',') }, ask);
    }

    prices(symbol: string, parameters: Parameters, ask?: Ask) {
        const path = `api/stocks/symbols/${encodeURIComponent(symbol)}/prices`;
        return this.json<PriceColumns>(path, { ...parameters, format: 'columns' }, ask);
    }

    archiveStatus(ask?: Ask) {
        return this.json<ArchiveStatus>('api/archive/status', {}, ask);
    }

    /** The health report comes with status 503 too. */
    async health(ask: Ask = {}): Promise<Health> {
        let answer: Response;
        try {
            answer = await this.send(address('health'), { headers: { Accept: 'application/json' }, signal: ask.signal ?? null });
        } catch (error) {
            throw Problem.unreachable(error);
        }
        if (!answer.ok && answer.status !== 503) throw await Problem.of(answer);
        return (await answer.json()) as Health;
    }
}
