// Measures the page: FIGURES=1 MESSAGES=950000 npm run e2e -- figures
// The conversation has a third of the messages. DEMO_FOLDER keeps them for the next run. SPEED=12000 ROWS=10000 measures the frames of one hard fling.
import { expect, messages, show, test } from './demo';

test.skip(!process.env.FIGURES, 'measures');
test.setTimeout(1_800_000);

/** Messages to scroll through. */
const ROWS = Number(process.env.ROWS ?? 300_000);

/** Pixels a second. A hard fling is about 12,000; five times that scrolls through ROWS in a few minutes. */
const SPEED = Number(process.env.SPEED ?? 60_000);

/** The notes of each frame while the list scrolls. */
interface Kept {
    frames: number[];
    /** By the number of a message, counted from the oldest: whether it was in the document. */
    drawn: Uint8Array;
    total: number;
    oldest: number;
    entries: number;
    waits: number;
}

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
    const memory = async () => {
        await session.send('HeapProfiler.collectGarbage');
        const { usedSize } = await session.send('Runtime.getHeapUsage');
        const { nodes } = await session.send('Memory.getDOMCounters');
        return `${(usedSize / 1e6).toFixed(1)} MB and ${nodes} nodes`;
    };
    const before = await memory();
    await list.evaluate((element) => {
        const kept: Kept = { frames: [], drawn: new Uint8Array(10_000_000), total: 0, oldest: Infinity, entries: 0, waits: 0 };
        Object.assign(window, { kept });
        const entries = element.getElementsByClassName('entry');
        const articles = element.getElementsByTagName('article');
        let last: number | null = null;
        const frame = (now: number) => {
            if (last !== null) kept.frames.push(now - last);
            last = now;
            for (const article of articles) {
                const number = Number(article.getAttribute('aria-posinset'));
                kept.drawn[number] = 1;
                kept.oldest = Math.min(kept.oldest, number || Infinity);
                kept.total ||= Number(article.getAttribute('aria-setsize'));
            }
            kept.entries = Math.max(kept.entries, entries.length);
            if (element.scrollTop < 50) kept.waits += 1;
            requestAnimationFrame(frame);
        };
        requestAnimationFrame(frame);
    });
    const look = () => page.evaluate(() => {
        const { kept } = window as unknown as { kept: Kept };
        const frames = [...kept.frames].sort((a, b) => a - b);
        const at = (part: number) => frames[Math.floor(part * (frames.length - 1))]!;
        return {
            rows: kept.total - kept.oldest + 1,
            drawn: kept.drawn.subarray(1).reduce((sum, each) => sum + each, 0),
            frames: frames.length,
            waits: kept.waits,
            entries: kept.entries,
            late: (100 * frames.filter((ms) => ms > 33.4).length) / frames.length,
            p50: at(0.5),
            p95: at(0.95),
            p99: at(0.99),
            most: at(1),
        };
    });
    const box = (await list.boundingBox())!;
    const place = { x: Math.round(box.x + box.width / 2), y: Math.round(box.y + box.height / 2) };
    const begun = performance.now();
    let result = await look();
    while (result.rows < ROWS && performance.now() - begun < 1_500_000) {
        // The browser itself makes the events of the wheel, one a frame.
        await session.send('Input.synthesizeScrollGesture', { ...place, yDistance: 5 * SPEED, speed: SPEED, gestureSourceType: 'mouse', preventFling: true });
        result = await look();
    }
    const seconds = (performance.now() - begun) / 1_000;
    const after = await memory();
    expect(result.rows).toBeGreaterThanOrEqual(ROWS);
    console.log(`scrolled through ${result.rows} messages by wheel at ${SPEED} pixels a second in ${seconds.toFixed(0)} s, ${result.drawn} drawn`);
    console.log(`${result.frames} frames: median ${result.p50.toFixed(1)} ms, p95 ${result.p95.toFixed(1)}, p99 ${result.p99.toFixed(1)}, longest ${result.most.toFixed(0)}, above 33 ms ${result.late.toFixed(2)} %; at the upper end in ${result.waits}`);
    console.log(`at most ${result.entries} entries in the document; ${before} before, ${after} after`);
});
