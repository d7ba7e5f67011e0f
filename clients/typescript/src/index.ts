export { Thermocline } from './client.js';
export {
    ConnectionError,
    isProblem,
    isTemporary,
    PROBLEM_KINDS,
    ProblemError,
    type ProblemKind,
} from './errors.js';
export type {
    Change,
    ErasedChange,
    FeedOptions,
    FeedState,
    MessageChange,
} from './feed.js';
export type { ClientOptions, Exchange, QueryParameters, QueryValue, TokenSource } from './http.js';
export type { List } from './list.js';
export type { LiveOptions, Reset } from './live.js';
export type * from './types.js';
