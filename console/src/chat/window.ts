// A window of loaded messages: neighbouring pages of one list, newest first, each with the cursors of its neighbours.
import type { Message, MessagePage, Parameters } from '../api/client';

/** Rows of a numbered page. */
export const PER_PAGE = 50;
/** Rows of a page beside a cursor. */
export const CURSOR_LIMIT = 100;
/** Pages that are kept; those at the other end of the window make room. */
export const MAX_PAGES = 24;

/** Where a window begins. */
export type Anchor =
    | { kind: 'page'; page: number; asOf?: string }
    | { kind: 'around'; id: number }
    | { kind: 'at'; time: string };

/**
 * A page of a window. The API counts only pages that are asked for by number, id or time; one beside a cursor has its place from
 * its neighbour, so that the window knows its depth once the page it began with has made room.
 */
export type PageParam =
    | Anchor
    /** `position`: that of the neighbour's first row, for `after`, or of the row that follows its last one, for `before`. */
    | { kind: 'before' | 'after'; cursor: string; position?: number; total?: number | null };

export const NEWEST: Anchor = { kind: 'page', page: 1 };

/** Returns the parameters of the request for a page. */
export function parametersOf(param: PageParam): Parameters {
    switch (param.kind) {
        case 'page':
            return { page: param.page, per_page: PER_PAGE, as_of: param.asOf };
        case 'around':
            return { around: param.id, limit: PER_PAGE, count: 'exact' };
        case 'at':
            return { at: param.time, limit: PER_PAGE, count: 'exact' };
        case 'before':
            return { before: param.cursor, limit: CURSOR_LIMIT };
        case 'after':
            return { after: param.cursor, limit: CURSOR_LIMIT };
    }
}

/** Returns the page older than `page`, if there is one. */
export function olderThan(page: MessagePage): PageParam | undefined {
    if (!page.has_more || !page.next) return undefined;
    const position = typeof page.position === 'number' ? page.position + page.messages.length : undefined;
    return { kind: 'before', cursor: page.next, position, total: page.total };
}

/** Returns the page newer than `page`, if there is one. */
export function newerThan(page: MessagePage): PageParam | undefined {
    if (!page.has_newer || !page.prev) return undefined;
    return { kind: 'after', cursor: page.prev, position: page.position ?? undefined, total: page.total };
}

/** Gives a page beside a cursor the place that its neighbour knows. */
export function placed(page: MessagePage, param: PageParam): MessagePage {
    if ((param.kind !== 'before' && param.kind !== 'after') || param.position === undefined) return page;
    const position = param.kind === 'before' ? param.position : param.position - page.messages.length;
    return { ...page, position: page.position ?? Math.max(0, position), total: page.total ?? param.total ?? null };
}

/** Returns the rows of a window, oldest first. */
export function rowsOf(pages: readonly MessagePage[]): Message[] {
    return pages.flatMap((page) => page.messages).reverse();
}

/** Returns how many messages are newer than the newest row of the window; null where no page tells. */
export function newestPosition(pages: readonly MessagePage[]): number | null {
    if (pages[0] && !pages[0].has_newer) return 0;
    let newer = 0;
    for (const page of pages) {
        if (typeof page.position === 'number') return Math.max(0, page.position - newer);
        newer += page.messages.length;
    }
    return null;
}

/** Returns the number of messages of the list; null where no page tells. */
export function totalOf(pages: readonly MessagePage[]): number | null {
    return pages.find((page) => typeof page.total === 'number')?.total ?? null;
}

/** Compares by the order of the list; positive when `a` is newer. */
export function compare(a: Message, b: Message): number {
    if (a.created_at !== b.created_at) return a.created_at < b.created_at ? -1 : 1;
    return a.id - b.id;
}

export interface Merged {
    pages: MessagePage[];
    /** The number of rows that were not there before. */
    added: number;
    /** The number of rows that are newer than the window. */
    beyond: number;
}

/** Brings changed messages into a window: a known one is replaced, a new one takes its place in the order. */
export function merge(pages: readonly MessagePage[], changed: readonly Message[]): Merged {
    const merged: Merged = { pages: [...pages], added: 0, beyond: 0 };
    for (const message of changed) mergeOne(merged, message);
    return merged;
}

function mergeOne(merged: Merged, message: Message) {
    const { pages } = merged;
    const known = pages.findIndex((page) => page.messages.some((row) => row.id === message.id));
    if (known >= 0) {
        const page = pages[known]!;
        // The tier of a row is that of the page: a change does not tell it of an archived row.
        pages[known] = { ...page, messages: page.messages.map((row) => (row.id === message.id ? message : row)) };
        return;
    }
    const place = placeOf(pages, message);
    if (place === 'newer') merged.beyond += 1;
    if (typeof place === 'string') return;
    const page = pages[place]!;
    const messages = [...page.messages];
    const before = messages.findIndex((row) => compare(row, message) < 0);
    messages.splice(before < 0 ? messages.length : before, 0, message);
    merged.added += 1;
    pages.forEach((other, index) => {
        const counted = typeof other.total === 'number' ? { total: other.total + 1 } : {};
        const moved = index > place && typeof other.position === 'number' ? { position: other.position + 1 } : {};
        pages[index] = { ...other, ...counted, ...moved, ...(index === place ? { messages } : {}) };
    });
}

/** Returns the page that a message belongs into, or on which side of the window it lies. */
function placeOf(pages: readonly MessagePage[], message: Message): number | 'newer' | 'older' {
    const first = pages[0];
    const last = pages.at(-1);
    if (!first || !last) return 'older';
    const newest = pages.find((page) => page.messages.length > 0)?.messages[0];
    if (!newest || compare(message, newest) > 0) return first.has_newer ? 'newer' : 0;
    const index = pages.findIndex((page) => {
        const oldest = page.messages.at(-1);
        return oldest !== undefined && compare(message, oldest) > 0;
    });
    if (index >= 0) return index;
    return last.has_more ? 'older' : pages.length - 1;
}

/** Takes an erased message out of a window. */
export function erase(pages: readonly MessagePage[], id: number): MessagePage[] {
    const found = pages.findIndex((page) => page.messages.some((row) => row.id === id));
    if (found < 0) return [...pages];
    return pages.map((page, index) => ({
        ...page,
        ...(typeof page.total === 'number' ? { total: page.total - 1 } : {}),
        ...(index > found && typeof page.position === 'number' ? { position: page.position - 1 } : {}),
        ...(index === found ? { messages: page.messages.filter((row) => row.id !== id) } : {}),
    }));
}

/** Marks rows that are in the archive by now. Pages without such rows stay the same objects. */
export function settle(pages: readonly MessagePage[], archived: ReadonlySet<number>): MessagePage[] {
    const sinks = (row: Message) => !row.from_archive && archived.has(row.id);
    return pages.map((page) => {
        if (!page.messages.some(sinks)) return page;
        return { ...page, messages: page.messages.map((row) => (sinks(row) ? { ...row, from_archive: true } : row)) };
    });
}

/** An entry of the list on the screen. Keys never depend on what is loaded around an entry. */
export type Item =
    | { kind: 'beginning'; key: 'beginning' }
    | { kind: 'day'; key: string; time: string }
    | { kind: 'waterline'; key: string }
    | { kind: 'message'; key: string; row: Message; index: number; begins: boolean };

/** The time after which a message of the same sender begins anew, in milliseconds. */
const RUN = 5 * 60_000;

/**
 * Returns the entries of a window, oldest first. A day and a waterline stand between two loaded rows only: an entry above the
 * first row would have to move when older rows arrive, and the reader's place with it.
 */
export function layout(rows: readonly Message[], isWhole: boolean): Item[] {
    const items: Item[] = [];
    if (isWhole) items.push({ kind: 'beginning', key: 'beginning' });
    let before: Message | null = null;
    rows.forEach((row, index) => {
        const newDay = before ? dayOf(before) !== dayOf(row) : isWhole;
        if (newDay) items.push({ kind: 'day', key: `d:${row.id}`, time: row.created_at });
        const surfaces = before?.from_archive === true && !row.from_archive;
        if (surfaces) items.push({ kind: 'waterline', key: `w:${row.id}` });
        const begins =
            newDay || surfaces || before?.sender_id !== row.sender_id || Date.parse(row.created_at) - Date.parse(before.created_at) > RUN;
        items.push({ kind: 'message', key: `m:${row.id}`, row, index, begins });
        before = row;
    });
    return items;
}

/** The day of a message where the reader is. */
function dayOf(row: Message): string {
    return new Date(row.created_at).toDateString();
}

/** Returns the entry to which a window opens, and where on the screen it stands; null for the end. */
export function openingAt(items: readonly Item[], anchor: Anchor): { index: number; align: 'start' | 'center' } | null {
    if (anchor.kind === 'page') return null;
    if (anchor.kind === 'around') {
        const index = items.findIndex((item) => item.kind === 'message' && item.row.id === anchor.id);
        return index < 0 ? null : { index, align: 'center' };
    }
    const time = Date.parse(anchor.time);
    let index = items.findIndex((item) => item.kind === 'message' && Date.parse(item.row.created_at) >= time);
    if (index < 0) return null;
    // With the line between the tiers and the name of the day above it.
    while (items[index - 1] && items[index - 1]!.kind !== 'message') index -= 1;
    return { index, align: 'start' };
}
