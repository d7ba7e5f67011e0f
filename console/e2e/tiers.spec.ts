import { execFileSync } from 'node:child_process';
import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { begin, expect, show, test, watch, type Demo } from './demo';

const mover = (page: Page, resource: string) => page.getByRole('listitem', { name: resource, exact: true });

/** Writes messages that are due, into a conversation of their own. */
function writeDue(demo: Demo, count: number) {
    const from = Date.now() - 60 * 86_400_000;
    const lines = Array.from({ length: count }, (_, index) => `9000,${demo.user},"old ${index}",${new Date(from + index * 1000).toISOString()},true`);
    demo.run(['import', 'messages', '-'], `conversation_id,sender_id,content,created_at,is_read\n${lines.join('\n')}\n`);
}

/** Waits for the next status that the page reads. */
const nextStatus = (page: Page) => page.waitForResponse((answer) => answer.url().includes('/api/archive/status'));

test('the figures are those of the command', async ({ console: page, demo }) => {
    await page.getByRole('link', { name: 'Tiers' }).click();
    const told = JSON.parse(demo.run(['archive', 'status', '--json'])) as {
        resources: { resource: string; epoch: number; rows_in_hot: number; due: number; cold: { rows: number } }[];
    };
    for (const { resource, epoch, rows_in_hot, due, cold } of told.resources) {
        const cells = page.getByRole('row', { name: new RegExp(`^${resource}`) }).getByRole('cell');
        const numbers = [rows_in_hot, cold.rows, epoch, due].map((number) => number.toLocaleString('en-GB'));
        await expect(cells.nth(0)).toHaveText(numbers[0]!);
        await expect(cells.nth(1)).toHaveText(numbers[1]!);
        await expect(cells.nth(2)).toHaveText(numbers[2]!);
        await expect(cells.nth(3)).toHaveText(numbers[3]!);
    }
    await expect(page.getByText(/Answers in [0-9.]+ ms/)).toHaveCount(2);
});

test('a move is seen as it is made', async ({ console: page, demo }) => {
    await page.getByRole('link', { name: 'Tiers' }).click();
    const epoch = page.getByRole('row', { name: /^messages/ }).getByRole('cell').nth(2);
    const before = await epoch.textContent();
    demo.run(['archive', 'run', '--resource', 'messages', '--older-than', '10d', '--batch', '100']);
    await expect(epoch).not.toHaveText(before!);
    await expect(page.getByText(/Last move: archive/)).toBeVisible();
});

test('every figure leads to its explanation', async ({ console: page }) => {
    await page.getByRole('link', { name: 'Tiers' }).click();
    await page.getByRole('link', { name: 'Epoch' }).click();
    await expect(page.locator('.term-chosen')).toBeInViewport();
    await expect(page.locator('.term-chosen')).toContainText('The number of a resource');
});

test('needs the scope admin', async ({ page, demo }) => {
    watch(page);
    await page.goto(`${demo.url}/console/#token=${demo.token}&/tiers`);
    await expect(page.getByText('need a token with the scope')).toBeVisible();
    await expect(page.getByText(/Answers in [0-9.]+ ms/)).toHaveCount(2);
    await expect(page.getByRole('button', { name: /Pause|Continue|Pace/ })).toHaveCount(0);
    const refused = await fetch(`${demo.url}/api/archive/control`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${demo.token}`, 'Content-Type': 'application/json' },
        body: '{"paused":true}',
    });
    expect(refused.status).toBe(403);
});

test('an archive that runs is paced, paused and let go', async ({ console: page, demo }) => {
    test.setTimeout(120_000);
    await page.getByRole('link', { name: 'Tiers' }).click();
    const messages = mover(page, 'messages');
    await messages.getByRole('button', { name: 'Pace…' }).click();
    await messages.getByRole('spinbutton', { name: 'Rows a second' }).fill('20');
    await messages.getByRole('button', { name: 'Set', exact: true }).click();
    await expect(messages).toContainText('at most 20 rows a second');
    await expect(messages.getByRole('spinbutton')).toHaveCount(0);

    writeDue(demo, 400);
    const archive = begin(demo, ['archive', 'run', '--resource', 'messages']);
    await expect(messages).toContainText('moving');
    await expect(messages).toContainText(/[0-9]+ rows a second/);
    await expect(messages).toContainText(/Time left\s*[0-9.]+ (s|min)/);
    await page.getByRole('button', { name: 'Pause: messages' }).click();
    await expect(messages).toContainText('paused');
    await expect(page.getByRole('status').filter({ hasText: 'messages: paused' })).toHaveCount(1);
    // The mover finishes its batch, and stands.
    await archive.says('paused until');
    await nextStatus(page);
    const epoch = page.getByRole('row', { name: /^messages/ }).getByRole('cell').nth(2);
    await expect(page.getByText('paused: run `thermocline archive continue`')).toBeVisible();
    const [stands, due] = [await epoch.textContent(), await messages.locator('dd').first().textContent()];
    expect(Number(due)).toBeGreaterThan(0);
    for (let look = 0; look < 3; look += 1) await nextStatus(page);
    expect([await epoch.textContent(), await messages.locator('dd').first().textContent()]).toEqual([stands, due]);

    await messages.getByRole('button', { name: 'Pace…' }).click();
    await messages.getByRole('button', { name: 'No limits' }).click();
    await expect(messages).toContainText('unlimited');
    await page.getByRole('button', { name: 'Continue: messages' }).click();
    expect(await archive.ended).toBe(0);
    await expect(messages).toContainText('nothing is due');
});

test('a change is ready to copy', async ({ console: page, demo }) => {
    await page.getByRole('link', { name: 'Tiers' }).click();
    await page.getByRole('button', { name: 'Pause all' }).click();
    await expect(page.getByRole('button', { name: 'Pause all' })).toBeDisabled();
    const drawer = page.getByRole('complementary', { name: 'The request behind this view' });
    await expect(drawer).toContainText('POST /api/archive/control');
    await page.getByRole('button', { name: 'Continue all' }).click();
    await expect(page.getByRole('button', { name: 'Continue all' })).toBeDisabled();
    await drawer.getByRole('button').first().click();
    await drawer.getByRole('checkbox', { name: 'with the token' }).check();
    const text = async () => (await drawer.locator('pre').textContent())!;
    const paused = (answer: string) => (JSON.parse(answer) as { resources: { paused: boolean }[] }).resources.map((resource) => resource.paused);
    const curl = await text();
    expect(paused(execFileSync('sh', ['-c', curl.replace('"paused":false', '"paused":true')], { encoding: 'utf8' }))).toEqual([true, true, true]);
    await drawer.getByRole('button', { name: 'fetch', exact: true }).click();
    const program = `${await text()}; console.log(JSON.stringify(page));`;
    expect(paused(execFileSync('node', ['--input-type=module', '-e', program], { encoding: 'utf8' }))).toEqual([false, false, false]);
    await drawer.getByRole('button', { name: 'Python', exact: true }).click();
    await expect(drawer.locator('pre')).toContainText('json={"paused": False}');
    demo.run(['archive', 'continue']);
});

test('the controls need no mouse, and a failure is told', async ({ console: page, demo }) => {
    await page.getByRole('link', { name: 'Tiers' }).click();
    const pause = page.getByRole('button', { name: 'Pause: posts' });
    await pause.focus();
    await page.keyboard.press('Enter');
    await expect(mover(page, 'posts')).toContainText('paused');
    const resume = page.getByRole('button', { name: 'Continue: posts' });
    await resume.focus();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    const rows = mover(page, 'posts').getByRole('spinbutton', { name: 'Rows a second' });
    await page.keyboard.press('Tab');
    await expect(rows).toBeFocused();
    for (const scheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
        const { violations } = await new AxeBuilder({ page }).analyze();
        expect(violations.map(({ id, nodes }) => `${scheme} ${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(' | ')}`)).toEqual([]);
    }
    // A number that the form refuses is not sent.
    await page.keyboard.type('0');
    await page.keyboard.press('Enter');
    await expect(rows).toBeFocused();
    expect(demo.run(['archive', 'status', '--json', '--resource', 'posts'])).toContain('"rows_per_second": null');
    await page.route('**/api/archive/control', (route) => route.abort());
    await resume.click();
    await expect(page.getByRole('alert')).toBeVisible();
    await page.unroute('**/api/archive/control');
    await page.getByRole('alert').getByRole('button', { name: 'Try again' }).click();
    await expect(mover(page, 'posts')).not.toContainText('paused');
    await expect(page.getByRole('alert')).toHaveCount(0);
});

test('shows the servers, the latency of the last hour, and a word for every figure', async ({ console: page, demo }) => {
    const asked = 30;
    for (let number = 0; number < asked; number += 1) await demo.get('/api/posts?limit=5');
    await page.getByRole('link', { name: 'Tiers' }).click();
    const latency = page.getByRole('region', { name: 'Latency' });
    await expect(latency.locator('.latency-hot')).toContainText(/median\s*[0-9.]+ ms/);
    expect(Number((await latency.locator('.latency-hot dd').nth(2).textContent())!.replaceAll(',', ''))).toBeGreaterThanOrEqual(asked);
    const servers = page.getByRole('region', { name: 'Servers' });
    for (const name of ['Hot · primary', 'Cold · primary']) {
        await expect(servers.getByRole('listitem').filter({ hasText: name })).toContainText('answers');
    }
    await expect(servers).toContainText('No audit runs on this server.');
    const links = await page.locator('a.explained').evaluateAll((all) => all.map((link) => link.getAttribute('href')!));
    expect(links.length).toBeGreaterThan(25);
    await show(page, '#/glossary');
    for (const term of new Set(links.map((link) => link.replace('#/glossary/', '')))) await expect(page.locator(`[id="term-${term}"]`), term).toHaveCount(1);
});

test('the request can be repeated elsewhere', async ({ console: page, demo }) => {
    await show(page, `#/chat/${demo.conversation}`);
    await page.getByRole('link', { name: 'API' }).click();
    await page.getByRole('button', { name: /messages\?page=1&per_page=50/ }).first().click();
    const curl = await page.locator('.snippets pre').textContent();
    expect(curl).not.toContain('eyJ');
    const read = (text: string) => (JSON.parse(text) as { messages: { id: number }[] }).messages.map((row) => row.id);
    const expected = await demo.get<{ messages: { id: number }[] }>(`/api/conversations/${demo.conversation}/messages?page=1&per_page=50`);
    const env = { ...process.env, TOKEN: demo.token };
    expect(read(execFileSync('sh', ['-c', curl!], { encoding: 'utf8', env }))).toEqual(expected.messages.map((row) => row.id));
    await page.getByRole('button', { name: 'fetch', exact: true }).click();
    const script = await page.locator('.snippets pre').textContent();
    const program = `const token = process.env.TOKEN; ${script}; console.log(JSON.stringify(page));`;
    expect(read(execFileSync('node', ['--input-type=module', '-e', program], { encoding: 'utf8', env }))).toEqual(expected.messages.map((row) => row.id));
    await page.getByRole('button', { name: 'Python', exact: true }).click();
    await expect(page.locator('.snippets pre')).toContainText("os.environ['TOKEN']");
    await page.getByRole('checkbox', { name: 'with the token' }).check();
    await expect(page.locator('.snippets pre')).toContainText('eyJ');
    await page.getByRole('button', { name: 'Copy' }).click();
    await expect(page.getByText('Copied')).toBeVisible();
});
