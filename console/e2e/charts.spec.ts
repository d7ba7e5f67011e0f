import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { expect, messages, show, test, type Demo } from './demo';

async function open(page: Page, symbol = '2330', more = '') {
    await show(page, `#/charts/${symbol}${more}`);
    await expect(page.getByRole('img', { name: new RegExp(`Prices of ${symbol}: `) })).toBeVisible();
}

const bars = (page: Page) => page.getByText(/[0-9,]+ bars/);

async function count(page: Page): Promise<number> {
    return Number(/([0-9,]+) bars/.exec((await bars(page).textContent())!)![1]!.replaceAll(',', ''));
}

async function csv(demo: Demo, query: string): Promise<string> {
    const answer = await fetch(`${demo.url}/api/stocks/symbols/2330/prices?${query}&format=csv`, { headers: { Authorization: `Bearer ${demo.token}` } });
    return await answer.text();
}

test('shows the days of a stock, and older ones when panned', async ({ console: page, demo }) => {
    await open(page);
    const first = await count(page);
    expect(first).toBeLessThanOrEqual(500);
    await expect(bars(page)).toContainText('pan left');
    const chart = page.getByRole('img', { name: /Prices of 2330/ });
    await chart.focus();
    for (let press = 0; press < 60 && (await count(page)) === first; press += 1) {
        await chart.press('ArrowLeft');
        await page.waitForTimeout(50);
    }
    await expect(bars(page)).toContainText('all there are');
    const lines = (await csv(demo, 'start_date=1900-01-01')).trim().split('\n').length - 1;
    expect(await count(page)).toBe(lines);
});

test('shows the same bars after a look at another view', async ({ console: page, demo }) => {
    await open(page);
    await expect(bars(page)).toContainText('pan left');
    let asked = 0;
    page.on('request', (request) => (asked += Number(request.url().includes('/prices/columns'))));
    await show(page, `#/chat/${demo.conversation}`);
    await expect(messages(page).getByRole('article').first()).toBeVisible();
    await open(page);
    await page.waitForTimeout(500);
    // A chart that begins at older bars would ask for more.
    expect(asked).toBe(0);
    await expect(bars(page)).toContainText('pan left');
});

test('has every interval, a comparison, a table and a file', async ({ console: page, demo }) => {
    await open(page);
    for (const interval of ['Week', 'Month', 'Quarter', 'Year']) {
        await page.getByRole('button', { name: interval, exact: true }).click();
        await expect(page).toHaveURL(new RegExp(`interval=${interval.toLowerCase()}`));
        const lines = (await csv(demo, `start_date=1900-01-01&interval=${interval.toLowerCase()}`)).trim().split('\n').length - 1;
        await expect.poll(() => count(page)).toBe(lines);
    }
    await page.getByRole('button', { name: 'Week', exact: true }).click();
    await page.getByRole('combobox', { name: 'Compare with' }).selectOption('2317');
    await expect(page.getByText('Compared in percent')).toBeVisible();
    await page.getByRole('button', { name: 'Show as a table' }).click();
    const newest = await demo.get<{ prices: { trade_date: string }[] }>('/api/stocks/symbols/2330/prices?interval=week&limit=1');
    await expect(page.getByRole('rowheader').first()).toHaveText(newest.prices[0]!.trade_date);
    const waiting = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download CSV' }).click();
    const file = await waiting;
    expect(file.suggestedFilename()).toBe('2330-week.csv');
    expect(readFileSync(await file.path(), 'utf8')).toBe(await csv(demo, 'start_date=1900-01-01&interval=week&order=asc'));
    await page.getByRole('button', { name: 'UDF' }).click();
    await expect(page.getByRole('complementary', { name: 'The request behind this view' })).toContainText('/udf/history?symbol=2330&resolution=1W');
});

test('finds a stock by name', async ({ console: page }) => {
    await open(page);
    await page.getByRole('searchbox', { name: 'Symbol or name' }).fill('鴻海');
    const stocks = page.getByRole('navigation', { name: 'Stocks' });
    await expect(stocks.getByRole('link')).toHaveCount(1);
    await stocks.getByRole('link').click();
    await expect(page.getByRole('heading', { name: /2317/ })).toBeVisible();
});

test('fits a phone', async ({ console: page }) => {
    for (const width of [320, 390, 700]) {
        await page.setViewportSize({ width, height: 844 });
        await open(page);
        const boxes = await page.locator('.chart-toolbar button, .chart-toolbar select, .chart-toolbar .back, .chart canvas, .legend, .chart-foot').evaluateAll((all) =>
            all.map((element) => {
                const { left, right } = element.getBoundingClientRect();
                return { name: element.className || element.tagName, left, right };
            }),
        );
        expect(boxes.filter(({ left, right }) => left < 0 || right > width)).toEqual([]);
        // A choice that can be read, and a legend that hides no prices.
        expect((await page.getByRole('combobox', { name: 'Compare with' }).boundingBox())!.width).toBeGreaterThanOrEqual(110);
        const [legend, chart] = [(await page.locator('.legend').boundingBox())!, (await page.locator('.chart').boundingBox())!];
        expect(legend.y + legend.height).toBeLessThanOrEqual(chart.y + 0.5);
        expect([chart.x, chart.width]).toEqual([0, width]);
        expect(chart.height).toBeGreaterThan(300);
    }
});
