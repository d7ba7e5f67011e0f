// The rows, pages and parameters of the API under short names, derived from its description.

import type { components, operations } from './openapi.js';

type Schemas = components['schemas'];

/** How ids are written: as numbers, which are exact up to 2^53, or as strings. */
export type IdMode = 'number' | 'string';

/** An id as an argument, in either form. */
export type Id = number | bigint | string;

/** A moment: RFC 3339, a date, or a `Date`. */
export type Time = string | Date;

/** A day: `2026-01-31`, or the day of a `Date` in UTC. */
export type Day = string | Date;

/** A stock: its symbol, or anything with its id. */
export type StockKey = string | { stock_id: Id };

type IdMember = 'id' | `${string}_id`;

type IdOf<Value, Mode extends IdMode> = Value extends number
    ? Mode extends 'string'
        ? string
        : number
    : Value;

/** `T` with ids in the form that the client asks for. */
export type WithIds<T, Mode extends IdMode> = T extends object
    ? { [K in keyof T]: K extends IdMember ? IdOf<T[K], Mode> : WithIds<T[K], Mode> }
    : T;

export type Message<Mode extends IdMode = 'number'> = WithIds<Schemas['Message'], Mode>;
export type MessagePage<Mode extends IdMode = 'number'> = WithIds<Schemas['MessagePage'], Mode>;
export type ErasedMessage<Mode extends IdMode = 'number'> = WithIds<Schemas['ErasedMessage'], Mode>;
/** Some changes in one answer, as a stream gives them one by one. */
export type ChangePage<Mode extends IdMode = 'number'> = WithIds<Schemas['MessageChanges'], Mode>;
export type Conversation<Mode extends IdMode = 'number'> = WithIds<Schemas['Conversation'], Mode>;
export type ConversationPage<Mode extends IdMode = 'number'> = WithIds<Schemas['ConversationPage'], Mode>;
export type Post<Mode extends IdMode = 'number'> = WithIds<Schemas['Post'], Mode>;
export type PostPage<Mode extends IdMode = 'number'> = WithIds<Schemas['PostPage'], Mode>;
export type Comment<Mode extends IdMode = 'number'> = WithIds<Schemas['Comment'], Mode>;
export type CommentPage<Mode extends IdMode = 'number'> = WithIds<Schemas['CommentPage'], Mode>;
export type User<Mode extends IdMode = 'number'> = WithIds<Schemas['User'], Mode>;
export type UserBehavior<Mode extends IdMode = 'number'> = WithIds<Schemas['UserBehavior'], Mode>;
export type Stock<Mode extends IdMode = 'number'> = WithIds<Schemas['Stock'], Mode>;
export type StockPage<Mode extends IdMode = 'number'> = WithIds<Schemas['StockPage'], Mode>;
export type PriceRow<Mode extends IdMode = 'number'> = WithIds<Schemas['PriceRow'], Mode>;
export type PriceRange<Mode extends IdMode = 'number'> = WithIds<Schemas['PriceRange'], Mode>;
export type PriceColumns = Schemas['PriceColumns'];
export type PriceColumnRange<Mode extends IdMode = 'number'> = WithIds<Schemas['PriceColumnRange'], Mode>;
export type SeveralRanges<Mode extends IdMode = 'number'> = WithIds<Schemas['SeveralRanges'], Mode>;
export type SeveralColumnRanges<Mode extends IdMode = 'number'> = WithIds<
    Schemas['SeveralColumnRanges'],
    Mode
>;
export type LatestPrice<Mode extends IdMode = 'number'> = WithIds<Schemas['LatestPrice'], Mode>;
export type LatestPrices<Mode extends IdMode = 'number'> = WithIds<Schemas['LatestPrices'], Mode>;
export type Health = Schemas['Health'];
export type Problem = Schemas['Problem'];
export type TierName = Schemas['TierName'];

/** One line of a streamed range of prices. */
export type PriceLine<Mode extends IdMode = 'number'> = PriceRow<Mode> & { symbol: string };

/** The members of every page of a list walked by cursors. */
export interface CursorPage {
    has_more: boolean;
    has_newer: boolean;
    next?: string | null;
    prev: string;
    partial?: boolean;
}

type Query<Name extends keyof operations> = NonNullable<operations[Name]['parameters']['query']>;

/** Query parameters with richer types: ids in either form, times and days also as `Date`. */
type Parameters<Name extends keyof operations> = {
    [K in keyof Query<Name> as Exclude<K, 'ids' | 'q' | 'symbols' | 'format'>]: K extends 'from' | 'to' | 'at'
        ? Time
        : K extends 'start_date' | 'end_date'
          ? Day
          : K extends 'around' | 'author_id'
            ? Id
            : Query<Name>[K];
};

export type ConversationParameters = Parameters<'list_conversations'>;
export type MessageParameters = Parameters<'list_messages'>;
export type SearchParameters = Parameters<'search_messages'>;
export type PostParameters = Parameters<'list_posts'>;
export type CommentParameters = Parameters<'list_comments'>;
export type StockParameters = Parameters<'list_stocks'> & { q?: string };
export type BehaviorParameters = Parameters<'get_user_behavior'>;
export type PriceParameters = Parameters<'get_symbol_prices_columns'>;

/** Options of every request, besides its parameters. */
export interface RequestOptions {
    /** Ends the request. */
    signal?: AbortSignal;
}

/** How much a walk reads at once, and where it may end early. */
interface WalkOptions extends RequestOptions {
    /** Rows a request; 100 by default, the most a page holds. */
    limit?: number;
    /** `allow`: while the archive cannot be reached, the walk ends where its rows begin, with a page marked `partial`. */
    partial?: 'allow';
}

/** From the newest row, or from `before`, to older ones; the default. */
interface OlderWalk extends WalkOptions {
    direction?: 'older';
    /** A cursor (`next` of a page): the walk begins with the row just older. */
    before?: string;
    after?: never;
}

/** To newer rows. */
interface NewerWalk extends WalkOptions {
    direction: 'newer';
    /** A cursor (`prev` of a page): the walk begins with the row just newer. */
    after: string;
    before?: never;
}

/** The time span that a list can be cut to. */
interface TimeSpan {
    /** Only rows of this time or newer. */
    from?: Time;
    /** Only rows older than this time; a date includes that day. */
    to?: Time;
}

/** Where a walk begins, which way it goes, and where it ends. */
export type Walk = OlderWalk | NewerWalk;

/** A walk that can be cut to a time span. To newer rows it begins with the oldest one, unless `after` is given. */
export type SpanWalk = TimeSpan & (OlderWalk | (Omit<NewerWalk, 'after'> & { after?: string }));
