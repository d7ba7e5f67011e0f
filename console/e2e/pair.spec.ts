// A pair with a database server as cold, which is stopped and started while a user reads. PAIR_HOT names an empty hot database on a
// server, by its URL.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, messages, PROGRAM, show, test, watch } from './demo';

const SERVERS = '/usr/lib/postgresql';
const COUNT = 3_000;

function binaries(): string | null {
    const versions = existsSync(SERVERS) ? readdirSync(SERVERS).sort() : [];
    return versions.length > 0 ? join(SERVERS, versions.at(-1)!, 'bin') : null;
}

/** The server refuses to run as root. */
function asUser(command: string[]): [string, string[]] {
    return process.getuid?.() === 0 ? ['runuser', ['-u', 'postgres', '--', ...command]] : [command[0]!, command.slice(1)];
}

async function freePort(): Promise<number> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    return port;
}

test.skip(binaries() === null, 'no PostgreSQL');

test('cold is stopped and started while a user reads', async ({ page }) => {
    test.setTimeout(240_000);
    watch(page);
    const folder = mkdtempSync(join(tmpdir(), 'console-'));
    chmodSync(folder, 0o777);
    const data = join(folder, 'cold');
    const [port, http] = [await freePort(), await freePort()];
    const server = (program: string, ...rest: string[]) => {
        const [command, parameters] = asUser([join(binaries()!, program), ...rest]);
        execFileSync(command, parameters, { stdio: 'ignore', cwd: folder });
    };
    const turn = (way: 'start' | 'stop') =>
        server('pg_ctl', '-D', data, '-w', '-m', 'fast', '-o', `-p ${port} -k ${folder} -c listen_addresses=127.0.0.1`, '-l', join(folder, 'cold.log'), way);
    const env = {
        ...process.env,
        HOT_DATABASE_URL: process.env.PAIR_HOT ?? `sqlite:${join(folder, 'hot.sqlite3')}`,
        COLD_DATABASE_URL: `postgres://reader@127.0.0.1:${port}/postgres`,
        JWT_SECRET: 'a secret of the tests, and of nothing else',
        THERMOCLINE_ADDR: `127.0.0.1:${http}`,
    };
    const run = (command: string[], input = '') => execFileSync(PROGRAM, command, { input, env, encoding: 'utf8', cwd: folder, stdio: ['pipe', 'pipe', 'ignore'] });
    server('initdb', '-D', data, '-U', 'reader', '-A', 'trust');
    turn('start');
    const now = Date.now();
    const lines = Array.from({ length: COUNT }, (_, index) => `7,${1 + (index % 2)},"message ${index + 1}",${new Date(now - (COUNT - index) * 2_400_000).toISOString()},true`);
    run(['db', 'auto']);
    run(['import', 'messages', '-'], `conversation_id,sender_id,content,created_at,is_read\n${lines.join('\n')}\n`);
    run(['archive', 'run']);
    const child = spawn(PROGRAM, ['serve'], { env, cwd: folder, stdio: 'ignore' });
    try {
        const url = `http://127.0.0.1:${http}`;
        await expect.poll(() => fetch(`${url}/readyz`).then((answer) => answer.status).catch(() => 0), { timeout: 30_000 }).toBe(200);
        const token = run(['token', '--user', '1', '--scope', 'admin']).trim();
        await page.goto(`${url}/console/#token=${token}&/chat/7`);
        const list = messages(page);
        await expect(list.getByText(`message ${COUNT}`, { exact: true })).toBeInViewport();

        turn('stop');
        // The newest messages are in hot. Further up the list waits, and keeps what it has.
        await page.reload();
        await expect(list.getByText(`message ${COUNT}`, { exact: true })).toBeInViewport();
        await list.hover();
        for (let step = 0; step < 60; step += 1) {
            await page.mouse.wheel(0, -2_000);
            await page.waitForTimeout(40);
        }
        await expect(list.getByRole('article').first()).toBeVisible();
        await show(page, '#/tiers');
        await expect(page.getByText('Does not answer')).toBeVisible();
        // A place in the archive: what hot has, marked.
        await show(page, '#/chat/7?page=50');
        await expect(page.getByText('The archive does not answer').or(page.getByRole('alert')).first()).toBeVisible();

        turn('start');
        await show(page, '#/chat/7');
        await expect(list.getByText(`message ${COUNT}`, { exact: true })).toBeInViewport();
        const seen = new Set<number>();
        await list.hover();
        for (let step = 0; step < 600 && !seen.has(1500); step += 1) {
            for (const text of await list.getByRole('article').locator('.content').allTextContents()) seen.add(Number(text.replace('message ', '')));
            await page.mouse.wheel(0, -900);
            await page.waitForTimeout(25);
        }
        const all = [...seen].sort((a, b) => a - b);
        expect(all.at(-1)).toBe(COUNT);
        expect(all).toEqual(Array.from(all, (_, index) => all[0]! + index));
        expect(all[0]).toBeLessThanOrEqual(1500);
        await show(page, '#/tiers');
        await expect(page.getByText('Does not answer')).toHaveCount(0);
    } finally {
        child.kill('SIGTERM');
        turn('stop');
        rmSync(folder, { recursive: true, force: true });
    }
});
