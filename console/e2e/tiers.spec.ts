import { execFileSync } from 'node:child_process';
import { expect, show, test, watch } from './demo';

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
