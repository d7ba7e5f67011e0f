// What Lighthouse checks and this page can be held to without the internet: size, speed, caching, safety, and names.
import type { Page } from '@playwright/test';
import { expect, show, test } from './demo';

/** Kilobytes of script over the wire. */
const MOST_SCRIPT = 250;

interface File {
    name: string;
    type: string;
    bytes: number;
    headers: Record<string, string>;
}

/** Returns the files of the page that are loaded from now on. */
function files(page: Page): File[] {
    const all: File[] = [];
    page.on('response', async (answer) => {
        const name = new URL(answer.url()).pathname;
        if (!name.includes('/console/')) return;
        const file = { name, type: answer.request().resourceType(), bytes: 0, headers: await answer.allHeaders() };
        all.push(file);
        file.bytes = (await answer.request().sizes()).responseBodySize;
    });
    return all;
}

test('all its script is small, compressed, and cached for ever', async ({ page, demo }) => {
    test.skip(!!process.env.CONSOLE_DIST, 'the files of the program itself');
    const loaded = files(page);
    await page.goto(demo.console);
    for (const view of ['#/charts/2330', '#/tiers', '#/glossary', '#/api', `#/chat/${demo.conversation}`]) {
        await show(page, view);
        await expect(page.getByRole('heading', { level: 2 }).first()).toBeVisible();
        await page.waitForTimeout(800);
    }
    const scripts = loaded.filter(({ type }) => type === 'script');
    expect(scripts.length).toBeGreaterThan(3);
    const kilobytes = scripts.reduce((sum, { bytes }) => sum + bytes, 0) / 1000;
    console.log(`script over the wire, every view: ${kilobytes.toFixed(1)} kB in ${scripts.length} files`);
    expect(kilobytes).toBeLessThanOrEqual(MOST_SCRIPT);
    for (const { name, headers } of loaded.filter((file) => file.name.includes('/assets/'))) {
        expect(headers['cache-control'], name).toContain('immutable');
        if (Number(headers['content-length']) > 2_000) expect(headers['content-encoding'], name).toBe('br');
        expect(headers['x-content-type-options'], name).toBe('nosniff');
    }
});

test('asks no other host, and logs no error', async ({ page, demo }) => {
    const [foreign, errors]: [string[], string[]] = [[], []];
    page.on('request', (request) => {
        if (!request.url().startsWith(demo.url) && !/^(data|blob):/.test(request.url())) foreign.push(request.url());
    });
    page.on('console', (message) => {
        if (message.type() === 'error') errors.push(message.text());
    });
    await page.goto(demo.console);
    for (const view of [`#/chat/${demo.conversation}`, '#/charts/2330', '#/tiers']) {
        await show(page, view);
        await page.waitForTimeout(800);
    }
    expect([foreign, errors]).toEqual([[], []]);
});

test('has a name, a language, and room for fingers', async ({ console: page, demo }) => {
    const policy = (await fetch(`${demo.url}/console/`)).headers.get('content-security-policy') ?? '';
    expect(policy).not.toContain('unsafe');
    await expect(page).toHaveTitle(/Thermocline/);
    await expect(page.locator('html')).toHaveAttribute('lang', /^(en|zh-Hant)$/);
    await expect(page.locator('meta[name=viewport]')).toHaveAttribute('content', /width=device-width/);
    await expect(page.locator('meta[name=viewport]')).not.toHaveAttribute('content', /user-scalable=no|maximum-scale/);
    await page.setViewportSize({ width: 390, height: 844 });
    for (const view of [`#/chat/${demo.conversation}`, '#/charts/2330', '#/tiers', '#/api']) {
        await show(page, view);
        await page.waitForTimeout(800);
        const small = await page.locator('button, select, input:not([type=checkbox]):not([type=date])').evaluateAll((all) =>
            all.map((element) => ({ name: element.getAttribute('aria-label') ?? element.textContent, box: (element.closest('label') ?? element).getBoundingClientRect() }))
                .filter(({ box }) => box.width > 0 && (box.width < 24 || box.height < 24))
                .map(({ name, box }) => `${name} ${box.width.toFixed(0)} x ${box.height.toFixed(0)}`),
        );
        expect(small, view).toEqual([]);
    }
});

test('does not move while it loads', async ({ page, demo }) => {
    await page.addInitScript(() => {
        const kept = { shift: 0 };
        Object.assign(window, { kept });
        new PerformanceObserver((list) => {
            for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[]) if (!entry.hadRecentInput) kept.shift += entry.value;
        }).observe({ type: 'layout-shift', buffered: true });
    });
    await page.goto(demo.console);
    await expect(page.getByRole('navigation', { name: 'Conversations' }).getByRole('link').first()).toBeVisible();
    await page.waitForTimeout(1_000);
    const shift = await page.evaluate(() => (window as unknown as { kept: { shift: number } }).kept.shift);
    expect(shift).toBeLessThan(0.1);
});
