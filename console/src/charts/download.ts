import type { Client, PriceInterval } from '../api/client';

/** Saves all bars of a stock as a file. */
export async function download(client: Client, symbol: string, interval: PriceInterval): Promise<void> {
    const text = await client.csv(symbol, { interval, order: 'asc', start_date: '1900-01-01' });
    const url = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
    const link = document.createElement('a');
    link.href = url;
    link.download = `${symbol}-${interval}.csv`;
    link.click();
    // The browser has begun to read it by then.
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
