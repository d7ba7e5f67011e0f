// One method for each thing that the API answers.

import { type Change, type FeedOptions, follow } from './feed.js';
import { type ClientOptions, failureOf, Http, type QueryParameters } from './http.js';
import { linesOf } from './lines.js';
import { List, type Step } from './list.js';
import { type LiveOptions, live, type Reset } from './live.js';
import type { Surroundings } from './surroundings.js';
import type {
    BehaviorParameters,
    ChangePage,
    Comment,
    CommentPage,
    CommentParameters,
    Conversation,
    ConversationPage,
    ConversationParameters,
    CursorPage,
    Health,
    Id,
    IdMode,
    LatestPrices,
    Message,
    MessagePage,
    MessageParameters,
    Post,
    PostPage,
    PostParameters,
    PriceColumnRange,
    PriceLine,
    PriceParameters,
    PriceRange,
    RequestOptions,
    SearchParameters,
    SeveralColumnRanges,
    SeveralRanges,
    SpanWalk,
    Stock,
    StockKey,
    StockPage,
    StockParameters,
    User,
    UserBehavior,
    Walk,
} from './types.js';

/** A client of one server. It keeps no state, so that one is enough for a program. */
export class Thermocline<Mode extends IdMode = 'number'> {
    readonly #http: Http;

    constructor(options: ClientOptions<Mode> = {}, surroundings?: Surroundings) {
        this.#http = new Http(options, surroundings);
    }

    // Conversations and messages

    /**
     * The caller's conversations, most recently active first. With `order: 'begun'` by when they began, which does not change
     * while the list is walked.
     */
    conversations({
        order,
        ...walk
    }: SpanWalk & Pick<ConversationParameters, 'order'> = {}): List<
        Conversation<Mode>,
        ConversationPage<Mode>
    > {
        return this.#list('/api/conversations', walk, (page) => page.conversations, { order });
    }

    /** A page of the caller's conversations. */
    conversationPage(
        parameters: ConversationParameters = {},
        options?: RequestOptions,
    ): Promise<ConversationPage<Mode>> {
        return this.#get('/api/conversations', parameters, options);
    }

    /** The messages of a conversation. */
    messages(conversation: Id, walk: SpanWalk = {}): List<Message<Mode>, MessagePage<Mode>> {
        return this.#list(messagesOf(conversation), walk, (page) => page.messages);
    }

    /** A page of messages: by number, by rows, by cursor, or around a row or a time. */
    messagePage(
        conversation: Id,
        parameters: MessageParameters = {},
        options?: RequestOptions,
    ): Promise<MessagePage<Mode>> {
        return this.#get(messagesOf(conversation), parameters, options);
    }

    /** One message. */
    async message(conversation: Id, message: Id, options?: RequestOptions): Promise<Message<Mode>> {
        const path = `${messagesOf(conversation)}/${segment(message)}`;
        return (await this.#get<{ message: Message<Mode> }>(path, {}, options)).message;
    }

    /** The messages that contain `text`, found literally. */
    search(conversation: Id, text: string, walk: Walk = {}): List<Message<Mode>, MessagePage<Mode>> {
        const path = `${messagesOf(conversation)}/search`;
        return this.#list(path, walk, (page) => page.messages, { q: text });
    }

    /** A page of the messages that contain `text`. */
    searchPage(
        conversation: Id,
        text: string,
        parameters: SearchParameters = {},
        options?: RequestOptions,
    ): Promise<MessagePage<Mode>> {
        return this.#get(`${messagesOf(conversation)}/search`, { ...parameters, q: text }, options);
    }

    // Changes

    /**
     * Follows the messages that are new, changed or erased: of one conversation, or of all that the caller is part of. The
     * stream is opened again after every break and goes on after the last change. Throws the problem `changes-expired` when
     * changes may have been missed: read the list anew.
     */
    changes(
        options: FeedOptions<Mode> & { conversation?: Id } = {},
    ): AsyncGenerator<Change<Mode>, void, void> {
        return follow(this.#http, changesOf(options.conversation), options);
    }

    /** Some changes in one answer, for callers that poll. Without `since`: no rows, and the token of now. */
    changePage(
        { conversation, ...parameters }: { conversation?: Id; since?: string; limit?: number } = {},
        options?: RequestOptions,
    ): Promise<ChangePage<Mode>> {
        return this.#get(changesOf(conversation), parameters, options);
    }

    /** The newest page of a conversation, then its changes; the newest page again when changes may have been missed. */
    live(
        conversation: Id,
        options: LiveOptions<Mode> = {},
    ): AsyncGenerator<Reset<Mode> | Change<Mode>, void, void> {
        return live(this.#http, messagesOf(conversation), options);
    }

    // Posts and users

    /** Posts, of one author if one is named. */
    posts({ author_id, ...walk }: SpanWalk & { author_id?: Id } = {}): List<Post<Mode>, PostPage<Mode>> {
        return this.#list('/api/posts', walk, (page) => page.posts, { author_id });
    }

    /** A page of posts. */
    postPage(parameters: PostParameters = {}, options?: RequestOptions): Promise<PostPage<Mode>> {
        return this.#get('/api/posts', parameters, options);
    }

    /** One post. */
    async post(post: Id, options?: RequestOptions): Promise<Post<Mode>> {
        return (await this.#get<{ post: Post<Mode> }>(`/api/posts/${segment(post)}`, {}, options)).post;
    }

    /** The comments of a post. */
    comments(post: Id, walk: SpanWalk = {}): List<Comment<Mode>, CommentPage<Mode>> {
        return this.#list(`/api/posts/${segment(post)}/comments`, walk, (page) => page.comments);
    }

    /** A page of comments. */
    commentPage(
        post: Id,
        parameters: CommentParameters = {},
        options?: RequestOptions,
    ): Promise<CommentPage<Mode>> {
        return this.#get(`/api/posts/${segment(post)}/comments`, parameters, options);
    }

    /** The users with these ids, in this order, without those that do not exist. Asks for a hundred at a time. */
    async users(ids: Iterable<Id>, options?: RequestOptions): Promise<User<Mode>[]> {
        const distinct = [...new Set([...ids].map(String))];
        const users: User<Mode>[] = [];
        // The style of the ids in the answer stands beside the list, under the same name.
        const style = Object.values(this.#http.ids);
        for (let first = 0; first < distinct.length; first += 100) {
            const query = { ids: [distinct.slice(first, first + 100).join(','), ...style] };
            const answer = await this.#http.json<{ users: User<Mode>[] }>(
                '/api/users',
                query,
                options?.signal,
            );
            users.push(...answer.users);
        }
        return users;
    }

    /** The activity of a user by day and action. */
    behavior(
        user: Id,
        parameters: BehaviorParameters = {},
        options?: RequestOptions,
    ): Promise<UserBehavior<Mode>> {
        return this.#get(`/api/users/${segment(user)}/behavior`, parameters, options);
    }

    // Stocks and prices

    /** Stocks by symbol, those whose symbol or name contains `q` if it is given. */
    async *stocks({
        q,
        signal,
    }: RequestOptions & { q?: string } = {}): AsyncGenerator<Stock<Mode>, void, void> {
        for (let page = 1; ; page += 1) {
            const answer = await this.stockPage({ q, page, per_page: 100 }, { signal });
            yield* answer.stocks;
            if (!answer.has_more) return;
        }
    }

    /** A page of stocks. */
    stockPage(parameters: StockParameters = {}, options?: RequestOptions): Promise<StockPage<Mode>> {
        return this.#get('/api/stocks', parameters, options);
    }

    /** A range of prices, one object a row. */
    prices(
        stock: StockKey,
        range: PriceParameters = {},
        options?: RequestOptions,
    ): Promise<PriceRange<Mode>> {
        return this.#get(pricesOf(stock), days(range), options);
    }

    /** A range of prices, one array a field: the form that charts take. */
    priceColumns(
        stock: StockKey,
        range: PriceParameters = {},
        options?: RequestOptions,
    ): Promise<PriceColumnRange<Mode>> {
        return this.#get(`${pricesOf(stock)}/columns`, days(range), options);
    }

    /** The same range of several stocks, 50 at most, each complete or not on its own. */
    pricesOf(
        symbols: string[],
        range: PriceParameters = {},
        options?: RequestOptions,
    ): Promise<SeveralRanges<Mode>> {
        return this.#get('/api/stocks/prices', { ...days(range), symbols: symbols.join(',') }, options);
    }

    /** The same range of several stocks, one array a field. */
    priceColumnsOf(
        symbols: string[],
        range: PriceParameters = {},
        options?: RequestOptions,
    ): Promise<SeveralColumnRanges<Mode>> {
        return this.#get(
            '/api/stocks/prices/columns',
            { ...days(range), symbols: symbols.join(',') },
            options,
        );
    }

    /** A range of prices as CSV. */
    priceCsv(stock: StockKey, range: PriceParameters = {}, options?: RequestOptions): Promise<string> {
        return this.#http.text(`${pricesOf(stock)}/csv`, days(range), 'text/csv', options?.signal);
    }

    /** A range of prices, row by row as the server reads it. Throws a `ConnectionError` if the stream breaks off. */
    async *priceStream(
        stock: StockKey,
        range: PriceParameters = {},
        { signal }: RequestOptions = {},
    ): AsyncGenerator<PriceLine<Mode>, void, void> {
        const query = { ...days(range), ...this.#http.ids };
        const options = { accept: 'application/x-ndjson', signal };
        const { body } = await this.#http.open(`${pricesOf(stock)}/ndjson`, query, options);
        if (!body) return;
        try {
            for await (const line of linesOf(body)) yield JSON.parse(line) as PriceLine<Mode>;
        } catch (cause) {
            throw failureOf(cause, signal, 'The prices broke off');
        }
    }

    /** The newest day of each stock that has a close, and the close before it. */
    latestPrices(symbols: string[], options?: RequestOptions): Promise<LatestPrices<Mode>> {
        return this.#get('/api/stocks/prices/latest', { symbols: symbols.join(',') }, options);
    }

    // The service

    /** The state of the server and of both databases. */
    health(options?: RequestOptions): Promise<Health> {
        return this.#http.json('/health', {}, options?.signal);
    }

    /** Any other path that answers with JSON. */
    get<T>(path: string, parameters: QueryParameters = {}, options?: RequestOptions): Promise<T> {
        return this.#http.json(path, parameters, options?.signal);
    }

    /** Sends JSON to a path that answers with JSON. Not repeated after a failure, since the change may have been made. */
    send<T>(path: string, body: unknown, options?: RequestOptions): Promise<T> {
        return this.#http.post(path, body, options?.signal);
    }

    /** The address that a request for `path` is sent to. */
    url(path: string, parameters: QueryParameters = {}): string {
        return this.#http.url(path, parameters);
    }

    #get<T>(path: string, parameters: QueryParameters, options: RequestOptions | undefined): Promise<T> {
        return this.#http.json(path, { ...parameters, ...this.#http.ids }, options?.signal);
    }

    #list<Row, Page extends CursorPage>(
        path: string,
        { direction, before, after, signal, limit = 100, from, to, partial }: SpanWalk,
        rows: (page: Page) => Row[],
        more: QueryParameters = {},
    ): List<Row, Page> {
        const read = ({ oldest, ...cursor }: Step) => {
            // Around the begin of its time span, a list has its oldest rows.
            const start = oldest && { at: from ?? FIRST_DAY };
            const query = { limit, partial, ...more, from, to, ...start, ...cursor };
            return this.#get<Page>(path, query, { signal });
        };
        return new List(read, rows, { direction, before, after });
    }
}

/** No row is older. */
const FIRST_DAY = '0001-01-01';

const segment = (id: Id): string => encodeURIComponent(String(id));
const messagesOf = (conversation: Id): string => `/api/conversations/${segment(conversation)}/messages`;
const changesOf = (conversation: Id | undefined): string =>
    conversation === undefined ? '/api/changes' : `${messagesOf(conversation)}/changes`;
const pricesOf = (stock: StockKey): string =>
    typeof stock === 'string'
        ? `/api/stocks/symbols/${encodeURIComponent(stock)}/prices`
        : `/api/stocks/${segment(stock.stock_id)}/prices`;

/** The range with its days as the API writes them. */
function days({ start_date, end_date, ...rest }: PriceParameters): QueryParameters {
    const day = (value: string | Date | undefined) =>
        value instanceof Date ? value.toISOString().slice(0, 10) : value;
    return { ...rest, start_date: day(start_date), end_date: day(end_date) };
}
