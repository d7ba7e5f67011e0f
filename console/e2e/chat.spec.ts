import type { Page } from '@playwright/test';
import { expect, messages, show, test, write, type Demo } from './demo';

interface Row {
    id: number;
    content: string;
    created_at: string;
    from_archive: boolean;
}
interface Rows {
    messages: Row[];
    total: number;
    pages: number;
    next: string;
    has_more: boolean;
}

const api = (demo: Demo) => `/api/conversations/${demo.conversation}/messages`;

async function open(page: Page, demo: Demo, more = '') {
    await show(page, `#/chat/${demo.conversation}${more}`);
    await expect(messages(page).getByRole('article').first()).toBeVisible();
}

/** The numbers of the messages on the screen, counted from the oldest. */
function numbers(page: Page): Promise<number[]> {
    return messages(page).getByRole('article').evaluateAll((all) => all.map((each) => Number(each.getAttribute('aria-posinset'))).sort((a, b) => a - b));
}

/** Scrolls up, until `most` messages were seen; adds the numbers of those on the way to `seen`. */
async function scrollUp(page: Page, steps: number, seen: Set<number>, most = Infinity) {
    for (let step = 0; step < steps && seen.size < most; step += 1) {
        const shown = await numbers(page);
        // Neighbours on the screen are neighbours in the list.
        expectConsecutive(shown);
        for (const number of shown) seen.add(number);
        await page.mouse.wheel(0, -600);
        await page.waitForTimeout(30);
    }
}

/** Fails on a gap between ascending numbers. */
function expectConsecutive(all: number[]) {
    expect(all).toEqual(Array.from(all, (_, index) => all[0]! + index));
}

/** Fails unless `seen` are the newest messages of the list, without a gap. */
function expectNewest(seen: Set<number>, total: number) {
    const all = [...seen].sort((a, b) => a - b);
    expect(all.at(-1)).toBe(total);
    expectConsecutive(all);
}

/** Where a text stands on the screen, in pixels from above. */
async function topOf(page: Page, text: string): Promise<number> {
    const box = await messages(page).getByText(text, { exact: true }).boundingBox();
    return box!.y;
}

test('opens at the newest message', async ({ console: page, demo }) => {
    await open(page, demo);
    const { messages: rows, total } = await demo.get<Rows>(`${api(demo)}?page=1`);
    await expect(messages(page).getByRole('article').last()).toContainText(rows[0]!.content.slice(0, 40).split('\n')[0]!);
    await expect(messages(page).getByRole('article').last()).toBeInViewport();
    expect((await numbers(page)).at(-1)).toBe(total);
});

test('scrolls through older pages without a gap or a double', async ({ console: page, demo }) => {
    await open(page, demo);
    const { total } = await demo.get<Rows>(`${api(demo)}?page=1`);
    const seen = new Set<number>();
    const list = messages(page);
    await list.hover();
    await scrollUp(page, 400, seen, 700);
    expectNewest(seen, total);
    // The rows are those of the API at the same numbers.
    const article = list.getByRole('article').first();
    const number = Number(await article.getAttribute('aria-posinset'));
    const there = await demo.get<Rows>(`${api(demo)}?offset=${total - number}&limit=1`);
    await expect(list.locator(`[aria-posinset="${number}"]`)).toContainText(there.messages[0]!.content.split('\n')[0]!.slice(0, 60));
});

test('knows its depth far from where it opened', async ({ console: page, demo }) => {
    await open(page, demo);
    const { total } = await demo.get<Rows>(`${api(demo)}?page=1`);
    const list = messages(page);
    await list.hover();
    // More than the window keeps.
    await expect(async () => {
        await page.mouse.wheel(0, -4_000);
        expect(total - (await numbers(page)).at(-1)!).toBeGreaterThan(3_000);
    }).toPass({ intervals: [20], timeout: 60_000 });
    const field = page.getByRole('textbox', { name: 'Page' });
    await expect(async () => {
        const shown = await numbers(page);
        const number = shown[shown.length >> 1]!;
        const there = await demo.get<Rows>(`${api(demo)}?offset=${total - number}&limit=1`);
        await expect(list.locator(`[aria-posinset="${number}"]`)).toContainText(there.messages[0]!.content.split('\n')[0]!.slice(0, 60), { timeout: 300 });
        const pages = [shown[0]!, shown.at(-1)!].map((each) => Math.ceil((total - each + 1) / 50));
        expect(Number(await field.inputValue())).toBeGreaterThanOrEqual(pages[1]!);
        expect(Number(await field.inputValue())).toBeLessThanOrEqual(pages[0]!);
    }).toPass();
});

test('leads to the last page and back', async ({ console: page, demo }) => {
    await open(page, demo);
    const { pages } = await demo.get<Rows>(`${api(demo)}?page=1&per_page=50`);
    const field = page.getByRole('textbox', { name: 'Page' });
    await expect(field).toHaveValue('1');
    await field.fill(String(pages));
    await field.press('Enter');
    await expect(field).toHaveValue(String(pages));
    await messages(page).hover();
    await page.mouse.wheel(0, -100_000);
    await expect(messages(page).locator('[aria-posinset="1"]')).toBeInViewport();
    await expect(messages(page).getByText('The beginning of the conversation')).toBeInViewport();
    await page.getByRole('button', { name: 'Newest messages' }).click();
    await expect(field).toHaveValue('1');
    await page.getByRole('button', { name: 'Older page', exact: true }).click();
    await expect(field).toHaveValue('2');
    // The gauge is a slider for the keyboard.
    const gauge = page.getByRole('slider', { name: 'Depth in the conversation' });
    await gauge.focus();
    await gauge.press('Home');
    await expect(gauge).toHaveAttribute('aria-valuenow', String(pages));
});

test('marks the boundary of the tiers at a date', async ({ console: page, demo }) => {
    await open(page, demo);
    // The first row of hot that follows a row of the archive.
    let older: Rows = await demo.get(`${api(demo)}?limit=100`);
    let newer: Row | null = null;
    while (!older.messages.some((row) => row.from_archive)) {
        newer = older.messages.at(-1)!;
        older = await demo.get(`${api(demo)}?limit=100&before=${older.next}`);
    }
    const index = older.messages.findIndex((row) => row.from_archive);
    const surface = older.messages[index - 1] ?? newer!;
    await page.getByLabel('Go to a date').fill(surface.created_at.slice(0, 10));
    // The date leads to the first message of the day; late in the day the boundary is further down.
    const boundary = messages(page).getByRole('separator');
    await messages(page).hover();
    for (let step = 0; step < 300 && (await boundary.count()) === 0; step += 1) {
        await page.mouse.wheel(0, 300);
        await page.waitForTimeout(30);
    }
    await boundary.scrollIntoViewIfNeeded();
    await expect(messages(page).getByText(surface.content, { exact: true })).toBeInViewport();
    const line = await boundary.boundingBox();
    const below = await topOf(page, surface.content);
    expect(below).toBeGreaterThan(line!.y);
});

test('finds a text and shows it in its place', async ({ console: page, demo }) => {
    await open(page, demo);
    const found = await demo.get<Rows>(`${api(demo)}/search?q=lunch&limit=20`);
    const wanted = found.messages.at(-1)!;
    await page.getByRole('searchbox', { name: 'Search in this conversation' }).fill('LUNCH');
    const hits = page.getByRole('region', { name: 'Search results' });
    await expect(hits.getByRole('listitem')).toHaveCount(found.messages.length);
    await expect(hits.locator('mark').first()).toHaveText(/lunch/i);
    await hits.getByRole('listitem').last().getByRole('button').click();
    const target = messages(page).locator('.message-target');
    await expect(target).toBeInViewport();
    await expect(target).toContainText(wanted.content.slice(0, 30).split('\n')[0]!);
    await page.getByRole('searchbox').fill('no message says this 12345');
    await expect(hits).toContainText('No message contains');
    await page.getByRole('searchbox').press('Escape');
    await expect(hits).toHaveCount(0);
});

test('keeps the place while new messages arrive, and follows at the end', async ({ console: page, demo }) => {
    await open(page, demo);
    write(demo, ['first of the new ones']);
    await expect(messages(page).getByText('first of the new ones')).toBeInViewport();
    await messages(page).hover();
    await page.mouse.wheel(0, -1_500);
    await page.waitForTimeout(500);
    const middle = messages(page).getByRole('article').nth(12);
    const number = await middle.getAttribute('aria-posinset');
    const before = await messages(page).locator(`[aria-posinset="${number}"]`).boundingBox();
    write(demo, ['while you read 1', 'while you read 2', 'while you read 3']);
    await expect(page.getByRole('button', { name: /Newest messages, 3 new/ })).toBeVisible();
    const after = await messages(page).locator(`[aria-posinset="${number}"]`).boundingBox();
    expect(Math.abs(after!.y - before!.y)).toBeLessThan(2);
    await page.getByRole('button', { name: /Newest messages/ }).click();
    await expect(messages(page).getByText('while you read 3')).toBeInViewport();
});

test('takes in what arrives while an older page is on its way', async ({ console: page, demo }) => {
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    let asked = 0;
    await page.route(/messages\?.*before=/, async (route) => {
        asked += 1;
        await released;
        await route.continue();
    });
    await open(page, demo);
    await messages(page).hover();
    await page.mouse.wheel(0, -1_000);
    await expect.poll(() => asked, 'an older page is on its way').toBe(1);
    await page.mouse.wheel(0, 10_000);
    write(demo, ['while a page is on its way']);
    await expect(messages(page).getByText('while a page is on its way')).toBeInViewport();
    release();
    await expect(messages(page)).toHaveAttribute('aria-busy', 'false');
    await expect(messages(page).getByText('while a page is on its way')).toBeInViewport();
});

test('reads on while rows move', async ({ console: page, demo }) => {
    await open(page, demo);
    const { total } = await demo.get<Rows>(`${api(demo)}?page=1`);
    const seen = new Set<number>();
    const list = messages(page);
    await list.hover();
    // The boundary moves by a day with each run, while the list is read across it.
    for (let days = 29; days >= 20; days -= 1) {
        demo.run(['archive', 'run', '--older-than', `${days}d`]);
        await scrollUp(page, 8, seen);
    }
    expectNewest(seen, total);
});

test('shows what there is without a network, and goes on', async ({ console: page, demo, context }) => {
    await open(page, demo);
    const last = messages(page).getByRole('article').last();
    await expect(last).toBeInViewport();
    await context.setOffline(true);
    await expect(page.getByText('Offline.')).toBeVisible();
    await expect(last).toBeInViewport();
    // The list still scrolls through what was loaded, and waits for more.
    await messages(page).hover();
    await page.mouse.wheel(0, -30_000);
    await expect(messages(page).getByRole('article').first()).toBeVisible();
    await context.setOffline(false);
    await expect(page.getByText('Offline.')).toHaveCount(0);
    write(demo, ['after the network came back']);
    await page.getByRole('button', { name: 'Newest messages' }).click();
    await expect(messages(page).getByText('after the network came back')).toBeInViewport();
});
