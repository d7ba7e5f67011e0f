// Bars of a stock, read in pieces from the newest to the oldest.
import type { Parameters, PriceColumns, PriceInterval } from '../api/client';

export const INTERVALS = ['day', 'week', 'month', 'quarter', 'year'] as const satisfies PriceInterval[];

/** Bars of one request. */
export const PIECE = 500;
/** Earlier than any price. */
const BEGINNING = '1900-01-01';

/** A day, or several as one. Unknown values are null. */
export interface Bar {
    date: string;
    open: number;
    high: number;
    low: number;
    close: number;
    volume: number | null;
    turnover: number | null;
    fromArchive: boolean;
}

const DAY = 86_400_000;

function dateOf(time: number): string {
    return new Date(time).toISOString().slice(0, 10);
}

/** Returns the first day of the interval that a day lies in. Weeks begin on Monday. */
export function beginOf(date: string, interval: PriceInterval): string {
    const time = Date.parse(`${date}T00:00:00Z`);
    const [year = '', month = ''] = date.split('-');
    switch (interval) {
        case 'day':
            return date;
        case 'week':
            return dateOf(time - ((new Date(time).getUTCDay() + 6) % 7) * DAY);
        case 'month':
            return `${year}-${month}-01`;
        case 'quarter':
            return `${year}-${String(Math.floor((Number(month) - 1) / 3) * 3 + 1).padStart(2, '0')}-01`;
        case 'year':
            return `${year}-01-01`;
    }
}

export function dayBefore(date: string): string {
    return dateOf(Date.parse(`${date}T00:00:00Z`) - DAY);
}

/** Returns the parameters of the piece that ends with a day; without one it ends with the newest. */
export function parametersOf(interval: PriceInterval, end: string | null): Parameters {
    return { interval, order: 'desc', limit: PIECE, start_date: BEGINNING, end_date: end };
}

/**
 * Returns the day with which the next older piece ends: the last one before the oldest bar begins, so that no bar is cut in two;
 * null when there are no older bars.
 */
export function nextEnd(piece: PriceColumns): string | null {
    const oldest = piece.prices.trade_date.at(-1);
    if (oldest === undefined || piece.count < PIECE) return null;
    return dayBefore(beginOf(oldest, piece.interval));
}

/** Returns the bars of pieces, oldest first. Days without a close have no bar; what is missing beside a close is the close. */
export function barsOf(pieces: readonly PriceColumns[]): Bar[] {
    const bars: Bar[] = [];
    for (const { prices } of pieces) {
        prices.trade_date.forEach((date, index) => {
            const close = prices.close_price[index] ?? null;
            if (close === null) return;
            const open = prices.open_price[index] ?? close;
            bars.push({
                date,
                open,
                close,
                high: prices.high_price[index] ?? Math.max(open, close),
                low: prices.low_price[index] ?? Math.min(open, close),
                volume: prices.volume[index] ?? null,
                turnover: prices.turnover[index] ?? null,
                fromArchive: prices.from_archive[index] === true,
            });
        });
    }
    return bars.reverse();
}

/** Returns the first bar of hot that follows one of the archive; null without both. */
export function surfaceOf(bars: readonly Bar[]): Bar | null {
    const index = bars.findLastIndex((bar) => bar.fromArchive) + 1;
    return index > 0 ? (bars[index] ?? null) : null;
}
