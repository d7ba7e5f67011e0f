// Measures the page: FIGURES=1 MESSAGES=950000 npm run e2e -- figures
import { expect, messages, show, test } from './demo';

test.skip(!process.env.FIGURES, 'measures');
test.setTimeout(1_800_000);

/** Messages to scroll through. */
const ROWS = Number(process.env.ROWS ?? 300_000);

const median = (all: number[]) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)]!;

test('first paint', async ({ browser, demo }) => {
    const turns: { first: number; largest: number; ready: number; blocked: number; shift: number }[] = [];
    let sent = 0;
    for (let turn = 0; turn < 5; turn += 1) {
        const context = await browser.newContext();
        const page = await context.newPage();
        sent = 0;
        page.on('response', async (response) => {
            if (response.url().includes('/console/')) sent += Number((await response.allHeaders())['content-length'] ?? 0);
        });
        await page.addInitScript(() => {
            const kept = { largest: 0, blocked: 0, shift: 0 };
            Object.assign(window, { kept });
            const on = (type: string, note: (entry: PerformanceEntry & { value: number }) => void) =>
                new PerformanceObserver((list) => list.getEntries().forEach((entry) => note(entry as never))).observe({ type, buffered: true });
            on('largest-contentful-paint', (entry) => (kept.largest = entry.startTime));
            // The part of long tasks that keeps the page from answering.
            on('longtask', (entry) => (kept.blocked += Math.max(0, entry.duration - 50)));
            on('layout-shift', (entry) => (kept.shift += entry.value));
        });
        await page.goto(demo.console);
        await expect(page.getByRole('navigation', { name: 'Conversations' }).getByRole('link').first()).toBeVisible();
        const ready = await page.evaluate(() => performance.now());
        await page.waitForTimeout(1_000);
        const kept = await page.evaluate(() => (window as unknown as { kept: { largest: number; blocked: number; shift: number } }).kept);
        const first = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]!.startTime);
        turns.push({ first, ready, ...kept });
        await context.close();
    }
    const of = (name: keyof (typeof turns)[0], digits = 0) => `${median(turns.map((turn) => turn[name])).toFixed(digits)} (${turns.map((turn) => turn[name].toFixed(digits)).join(' ')})`;
    console.log(`ms, median of five: first paint ${of('first')}, largest ${of('largest')}, conversations there ${of('ready')}, blocked ${of('blocked')}; shift ${of('shift', 3)}; ${sent} bytes of files`);
});

test('scrolling', async ({ console: page, demo }) => {
    await show(page, `#/chat/${demo.conversation}`);
    const list = messages(page);
    await expect(list.getByRole('article').first()).toBeVisible();
    const session = await page.context().newCDPSession(page);
    const heap = async () => {
        await session.send('HeapProfiler.collectGarbage');
        const { usedSize } = await session.send('Runtime.getHeapUsage');
        return usedSize / 1e6;
    };
    const before = await heap();
    const result = await list.evaluate(async (element, wanted) => {
        const frames: number[] = [];
        const place = () => Number([...element.querySelectorAll('[aria-posinset]')].at(-1)?.getAttribute('aria-posinset') ?? 0);
        // While a page is awaited there may be no row.
        let reached = place();
        const newest = () => (reached = place() || reached);
        const total = Number(element.querySelector('[aria-setsize]')!.getAttribute('aria-setsize'));
        const begun = performance.now();
        let last = begun;
        let entries = 0;
        let waits = 0;
        while (total - newest() < Math.min(wanted, total - 100) && performance.now() - begun < 1_500_000) {
            if (element.scrollTop < 50) waits += 1;
            element.scrollTop -= 900;
            await new Promise(requestAnimationFrame);
            const now = performance.now();
            frames.push(now - last);
            last = now;
            entries = Math.max(entries, element.querySelectorAll('.entry').length);
        }
        frames.sort((a, b) => a - b);
        const at = (part: number) => frames[Math.floor(part * (frames.length - 1))]!;
        return { rows: total - newest(), frames: frames.length, waits, entries, p50: at(0.5), p95: at(0.95), p99: at(0.99), most: at(1), seconds: (last - begun) / 1000 };
    }, ROWS);
    const after = await heap();
    console.log(`scrolled through ${result.rows} messages in ${result.seconds.toFixed(0)} s: ${result.frames} frames, p50 ${result.p50.toFixed(1)}, p95 ${result.p95.toFixed(1)}, p99 ${result.p99.toFixed(1)}, longest ${result.most.toFixed(0)} ms; at the upper end in ${result.waits} frames; at most ${result.entries} entries in the document; heap ${before.toFixed(1)} MB before, ${after.toFixed(1)} MB after`);
});
