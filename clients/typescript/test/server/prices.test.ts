import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isProblem } from '../../src/index.js';
import { BOUND, collect } from '../fake.js';
import { client } from './server.js';

const RANGE = { start_date: '2020-01-01', order: 'asc' } as const;

test('rows, columns, a stream and CSV hold the same prices', BOUND, async () => {
    const rows = await client().prices('2330', RANGE);
    assert.ok(rows.count > 600 && rows.prices.length === rows.count);
    const { prices: columns } = await client().priceColumns({ stock_id: rows.stock_id }, RANGE);
    for (const name of ['trade_date', 'open_price', 'close_price', 'volume'] as const)
        assert.deepEqual(
            columns[name],
            rows.prices.map((row) => row[name]),
            name,
        );
    const streamed = await collect(client().priceStream('2330', RANGE));
    assert.deepEqual(
        streamed,
        rows.prices.map((row) => ({ symbol: '2330', ...row })),
    );
    const csv = (await client().priceCsv('2330', RANGE)).trimEnd().split('\n');
    assert.equal(csv.length, rows.count + 1);
    assert.match(csv[1] ?? '', new RegExp(`^2330,${rows.prices[0]?.trade_date},`));
});

test('several stocks are complete or not on their own', BOUND, async () => {
    const range = { interval: 'month', start_date: new Date('2026-01-15') } as const;
    const { stocks, unknown } = await client().pricesOf(['2330', 'NONE', '0050'], range);
    assert.deepEqual(unknown, ['NONE']);
    assert.deepEqual(
        stocks.map((stock) => [stock.symbol, stock.complete]),
        [
            ['2330', true],
            ['NONE', false],
            ['0050', true],
        ],
    );
    const columns = await client().priceColumnsOf(['0050'], range);
    assert.equal(columns.start_date, '2026-01-15');
    assert.deepEqual(
        columns.stocks[0]?.prices.trade_date,
        stocks[2]?.prices.map((row) => row.trade_date),
    );
    await assert.rejects(client().pricesOf(['NONE']), (error) => isProblem(error, 'not-found'));
});

test('stocks and their latest prices', BOUND, async () => {
    const stocks = await collect(client().stocks());
    assert.equal(new Set(stocks.map((stock) => stock.symbol)).size, 20);
    assert.deepEqual(
        (await collect(client().stocks({ q: '2330' }))).map((stock) => stock.symbol),
        ['2330'],
    );
    const { prices } = await client().latestPrices(['2330', '0050']);
    const newest = await client().prices('2330', { limit: 1 });
    assert.equal(prices[0]?.close_price, newest.prices[0]?.close_price);
});
