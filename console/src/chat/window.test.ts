import { describe, expect, it } from 'vitest';
import type { Message, MessagePage } from '../api/client';
import { CURSOR_LIMIT, erase, layout, merge, newerThan, newestPosition, olderThan, openingAt, parametersOf, placed, rowsOf, settle, totalOf } from './window';

const START = Date.UTC(2026, 0, 1, 12);

/** The message with this id, a minute after the one before. */
function message(id: number, more: Partial<Message> = {}): Message {
    return {
        id,
        conversation_id: 7,
        sender_id: 1 + (id % 2),
        content: `message ${id}`,
        created_at: new Date(START + id * 60_000).toISOString(),
        is_read: false,
        from_archive: false,
        ...more,
    };
}

/** A page of the messages `newest` to `oldest`. */
function page(newest: number, oldest: number, more: Partial<MessagePage> = {}): MessagePage {
    const messages = [];
    for (let id = newest; id >= oldest; id -= 1) messages.push(message(id));
    return { success: true, messages, has_more: true, has_newer: true, next: `<${oldest}`, prev: `>${newest}`, ...more } as MessagePage;
}

const ids = (pages: readonly MessagePage[]) => rowsOf(pages).map((row) => row.id);

describe('a window', () => {
    it('goes on at both ends by cursor, and ends where the list ends', () => {
        const middle = page(60, 41);
        expect(parametersOf(olderThan(middle)!)).toEqual({ before: '<41', limit: CURSOR_LIMIT });
        expect(parametersOf(newerThan(middle)!)).toEqual({ after: '>60', limit: CURSOR_LIMIT });
        expect(olderThan(page(20, 1, { has_more: false }))).toBeUndefined();
        expect(newerThan(page(99, 80, { has_newer: false }))).toBeUndefined();
    });

    it('shows the oldest row first', () => {
        expect(ids([page(6, 4), page(3, 1)])).toEqual([1, 2, 3, 4, 5, 6]);
    });

    it('knows its depth from any of its pages', () => {
        expect(newestPosition([page(100, 91, { position: 0 }), page(90, 81)])).toBe(0);
        expect(newestPosition([page(60, 51), page(50, 41, { position: 50 })])).toBe(40);
        expect(newestPosition([page(60, 51), page(50, 41)])).toBeNull();
        expect(newestPosition([page(60, 51, { has_newer: false }), page(50, 41)])).toBe(0);
        expect(totalOf([page(60, 51), page(50, 41, { total: 100 })])).toBe(100);
    });

    it('knows its depth when the page it began with has made room', () => {
        const first = page(60, 51, { position: 40, total: 100 });
        const older = placed(page(50, 31), olderThan(first)!);
        const newer = placed(page(80, 61), newerThan(first)!);
        expect([newestPosition([older]), totalOf([older])]).toEqual([50, 100]);
        expect([newestPosition([newer]), totalOf([newer])]).toEqual([20, 100]);
        // A page that was counted keeps its own numbers, and one beside an uncounted page has none.
        expect(placed(first, { kind: 'around', id: 55 })).toBe(first);
        expect(newestPosition([placed(page(50, 31), olderThan(page(60, 51))!)])).toBeNull();
        // Rows that came after the count do not lead beyond the newest row.
        expect(placed(page(200, 141), newerThan(first)!).position).toBe(0);
    });

    it('keeps its depth when rows arrive', () => {
        const pages = [page(60, 51, { has_newer: false, position: 0, total: 60 }), page(50, 41, { position: 10 })];
        const { pages: merged, added, beyond } = merge(pages, [message(61), message(62)]);
        expect([added, beyond]).toEqual([2, 0]);
        expect(ids(merged).slice(-3)).toEqual([60, 61, 62]);
        expect(newestPosition(merged)).toBe(0);
        expect(newestPosition(merged.slice(1))).toBe(12);
        expect(totalOf(merged)).toBe(62);
    });

    it('replaces a row it knows, and counts nothing', () => {
        const { pages, added } = merge([page(3, 1, { total: 3 })], [message(2, { is_read: true, content: 'edited' })]);
        expect(added).toBe(0);
        expect(rowsOf(pages).map((row) => row.content)).toEqual(['message 1', 'edited', 'message 3']);
        expect(totalOf(pages)).toBe(3);
    });

    it('takes a row that was committed late into its place', () => {
        const late = message(1000, { created_at: message(45).created_at });
        const { pages, added } = merge([page(60, 51), page(50, 41)], [late]);
        expect(added).toBe(1);
        expect(ids(pages).slice(4, 7)).toEqual([45, 1000, 46]);
        // Equal times are ordered by id, and an old id is below.
        const twin = message(3, { created_at: message(45).created_at });
        expect(ids(merge([page(60, 41)], [twin]).pages).slice(3, 6)).toEqual([44, 3, 45]);
    });

    it('leaves out rows beyond its ends, which are read when the reader gets there', () => {
        const { pages, added, beyond } = merge([page(60, 51)], [message(70), message(10)]);
        expect([added, beyond]).toEqual([0, 1]);
        expect(ids(pages)).toHaveLength(10);
        expect(merge([page(60, 51, { has_more: false })], [message(10)]).added).toBe(1);
    });

    it('takes rows into an empty conversation', () => {
        const empty = page(0, 1, { has_more: false, has_newer: false, total: 0 });
        expect(ids(merge([empty], [message(2), message(1)]).pages)).toEqual([1, 2]);
    });

    it('loses what is erased', () => {
        const pages = erase([page(60, 51, { total: 60 }), page(50, 41, { position: 10 })], 55);
        expect(ids(pages)).not.toContain(55);
        expect([totalOf(pages), newestPosition(pages)]).toEqual([59, 0]);
        expect(ids(erase([page(60, 51)], 7))).toHaveLength(10);
    });
});

describe('rows that move', () => {
    it('sink below the line, and nothing else changes', () => {
        const pages = [page(6, 4), page(3, 1)];
        const settled = settle(pages, new Set([1, 2, 3, 4]));
        expect(rowsOf(settled).map((row) => row.from_archive)).toEqual([true, true, true, true, false, false]);
        expect(settle(settled, new Set([1, 2]))[1]).toBe(settled[1]);
    });
});

describe('the entries of a window', () => {
    const rows = (count: number, more: (id: number) => Partial<Message> = () => ({})) =>
        Array.from({ length: count }, (_, index) => message(index + 1, more(index + 1)));

    it('have one waterline, where hot begins', () => {
        const items = layout(rows(6, (id) => ({ from_archive: id <= 3 })), false);
        const line = items.findIndex((item) => item.kind === 'waterline');
        expect(items.map((item) => item.kind)).toEqual(['message', 'message', 'message', 'waterline', 'message', 'message', 'message']);
        expect(items[line + 1]).toMatchObject({ key: 'm:4' });
    });

    it('keep every key when older rows arrive above', () => {
        const day = 24 * 60;
        const all = [1, 2, 3, day, day + 1, 2 * day, 2 * day + 1].map((id) => message(id, { from_archive: id <= day }));
        for (let from = 1; from < all.length; from += 1) {
            const before = layout(all.slice(from), false);
            const after = layout(all, true).map((item) => item.key);
            // No entry moved: what was loaded is the end of what is loaded now.
            expect(after.slice(-before.length)).toEqual(before.map((item) => item.key));
        }
    });

    it('name the beginning once it is loaded', () => {
        expect(layout(rows(2), true).map((item) => item.kind)).toEqual(['beginning', 'day', 'message', 'message']);
        expect(layout([], true)).toHaveLength(1);
    });

    it('begin anew with another sender and after a pause', () => {
        const sent = [message(1, { sender_id: 1 }), message(2, { sender_id: 1 }), message(10, { sender_id: 1 }), message(11, { sender_id: 2 })];
        const begins = layout(sent, false).map((item) => item.kind === 'message' && item.begins);
        expect(begins).toEqual([true, false, true, true]);
    });

    it('open at the row, at the first row of a time, or at the end', () => {
        const items = layout(rows(9), false);
        expect(openingAt(items, { kind: 'around', id: 5 })).toEqual({ index: 4, align: 'center' });
        expect(openingAt(items, { kind: 'around', id: 50 })).toBeNull();
        expect(openingAt(items, { kind: 'at', time: message(3).created_at })).toEqual({ index: 2, align: 'start' });
        expect(openingAt(items, { kind: 'at', time: '2030-01-01T00:00:00Z' })).toBeNull();
        expect(openingAt(items, { kind: 'page', page: 4 })).toBeNull();
        // With what stands above the row.
        const day = 24 * 60;
        const apart = layout([message(1, { from_archive: true }), message(day)], false);
        expect(apart.map((item) => item.kind)).toEqual(['message', 'day', 'waterline', 'message']);
        expect(openingAt(apart, { kind: 'at', time: message(day).created_at })).toEqual({ index: 1, align: 'start' });
    });
});
