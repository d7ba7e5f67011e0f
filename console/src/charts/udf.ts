import { withParameters, type Parameters, type PriceInterval } from '../api/client';
import type { Bar } from './bars';

/** Charting libraries know no longer intervals. */
const RESOLUTIONS: Partial<Record<PriceInterval, string>> = { day: '1D', week: '1W', month: '1M' };

interface Udf {
    path: string;
    parameters: Parameters;
    url: string;
}

/** Returns the request of a charting library for the same bars; null where there is none. */
export function udfOf(symbol: string, interval: PriceInterval, bars: readonly Bar[]): Udf | null {
    const resolution = RESOLUTIONS[interval];
    const [first, last] = [bars[0], bars.at(-1)];
    if (!resolution || !first || !last) return null;
    const seconds = (date: string) => Date.parse(`${date}T00:00:00Z`) / 1000;
    const parameters = { symbol, resolution, from: seconds(first.date), to: seconds(last.date) + 86_400 };
    return { path: '/udf/history', parameters, url: withParameters('udf/history', parameters) };
}
