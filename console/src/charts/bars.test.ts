import { describe, expect, it } from 'vitest';
import type { PriceColumns } from '../api/client';
import { barsOf, beginOf, dayBefore, nextEnd, PIECE, surfaceOf } from './bars';

function piece(dates: string[], more: Partial<PriceColumns> = {}, close: (number | null)[] = dates.map(() => 10)): PriceColumns {
    const nothing = dates.map(() => null);
    const prices = {
        trade_date: dates,
        open_price: nothing,
        high_price: nothing,
        low_price: nothing,
        close_price: close,
        change_amount: nothing,
        volume: nothing,
        turnover: nothing,
        transaction_count: nothing,
        from_archive: dates.map((date) => date < '2026-02'),
    };
    return { interval: 'day', count: dates.length, prices, ...more } as PriceColumns;
}

describe('pieces of bars', () => {
    it('end where an interval begins, so that no bar is cut', () => {
        expect(beginOf('2026-11-29', 'day')).toBe('2026-11-29');
        expect(beginOf('2026-11-29', 'week')).toBe('2026-11-23');
        expect(beginOf('2026-11-23', 'week')).toBe('2026-11-23');
        expect(beginOf('2026-11-29', 'month')).toBe('2026-11-01');
        expect(beginOf('2026-11-29', 'quarter')).toBe('2026-10-01');
        expect(beginOf('2026-01-02', 'quarter')).toBe('2026-01-01');
        expect(beginOf('2024-02-29', 'year')).toBe('2024-01-01');
        expect(dayBefore('2024-03-01')).toBe('2024-02-29');
        // The first trading day of a week may be any day of it.
        expect(nextEnd(piece(['2026-11-26', '2026-11-18'], { interval: 'week', count: PIECE }))).toBe('2026-11-15');
    });

    it('end with the first that is not full', () => {
        expect(nextEnd(piece(['2026-11-26']))).toBeNull();
        expect(nextEnd(piece([], { count: 0 }))).toBeNull();
    });

    it('are put together oldest first, without days that have no close', () => {
        const bars = barsOf([piece(['2026-03-03', '2026-03-02'], {}, [12, null]), piece(['2026-01-05', '2026-01-02'])]);
        expect(bars.map((bar) => bar.date)).toEqual(['2026-01-02', '2026-01-05', '2026-03-03']);
        expect(bars.at(-1)).toMatchObject({ open: 12, high: 12, low: 12, close: 12, volume: null });
    });

    it('show where hot begins', () => {
        expect(surfaceOf(barsOf([piece(['2026-03-03', '2026-03-02', '2026-01-05'])]))?.date).toBe('2026-03-02');
        expect(surfaceOf(barsOf([piece(['2026-01-05'])]))).toBeNull();
        expect(surfaceOf(barsOf([piece(['2026-03-05'])]))).toBeNull();
    });
});
