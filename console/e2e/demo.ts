// A running demo, and its databases from outside, as an operator has them.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test as base, type Page, type Route } from '@playwright/test';

export const PROGRAM = resolve(process.env.THERMOCLINE ?? '../target/debug/thermocline');
/** The databases of a demo, seen from its folder. */
const DATABASES = { HOT_DATABASE_URL: 'sqlite:hot.sqlite3', COLD_DATABASE_URL: 'sqlite:cold.sqlite3' };
const MESSAGES = Number(process.env.MESSAGES ?? 20_000);

export interface Demo {
    url: string;
    /** The address that opens the console signed in, as a user who is an admin too. */
    console: string;
    /** A token of the same user without more rights. */
    token: string;
    user: number;
    conversation: number;
    /** Runs a command of the program on the demo's databases and returns what it prints. */
    run: (command: string[], input?: string) => string;
    folder: string;
    /** Asks the API. */
    get: <T>(path: string, token?: string) => Promise<T>;
}

/** Starts a demo in a folder. */
export async function start(folder: string, settings: Record<string, string> = {}): Promise<{ demo: Demo; child: ChildProcess }> {
    const child = spawn(PROGRAM, ['demo', '--dir', folder, '--messages', String(MESSAGES), '--addr', '127.0.0.1:0', '--json'], {
        stdio: ['ignore', 'pipe', 'ignore'],
        env: { ...process.env, ...settings },
    });
    let text = '';
    const report = await new Promise<Record<string, never>>((resolve, reject) => {
        child.on('exit', (code) => reject(new Error(`the demo ended with ${code}`)));
        child.stdout.on('data', (part: Buffer) => {
            text += part.toString();
            try {
                resolve(JSON.parse(text));
            } catch {
                // More follows.
            }
        });
    });
    const { url, console, token, user, conversation } = report as unknown as Demo;
    const run = (command: string[], input?: string) =>
        execFileSync(PROGRAM, command, {
            input: input ?? '',
            encoding: 'utf8',
            stdio: ['pipe', 'pipe', 'ignore'],
            cwd: folder,
            env: { ...process.env, ...DATABASES },
        });
    const get = async <T,>(path: string, of = token) => {
        const answer = await fetch(url + path, { headers: { Authorization: `Bearer ${of}` } });
        expect(answer.status, path).toBe(200);
        return (await answer.json()) as T;
    };
    return { demo: { url, console, token, user, conversation, run, folder, get }, child };
}

/** A command that runs beside the test. */
export interface Command {
    /** Its exit status. */
    ended: Promise<number | null>;
    /** Waits until its log has this text. */
    says: (text: string) => Promise<void>;
}

/** Begins a command on the demo's databases. */
export function begin({ folder }: Demo, command: string[]): Command {
    const child = spawn(PROGRAM, command, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...DATABASES } });
    let log = '';
    child.stderr.on('data', (part: Buffer) => (log += part.toString()));
    const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
    return { ended, says: (text) => expect.poll(() => log, { message: `the log says ${text}` }).toContain(text) };
}

/** Faults of the page that no test may have. */
const faults: string[] = [];

/** The folder of built files that are newer than those in the program, so that it need not be built for each of them. */
const DIST = process.env.CONSOLE_DIST;

/** Answers with a built file under the policy of the program. */
async function fromDist(route: Route) {
    const name = new URL(route.request().url()).pathname.split('/console/')[1] || 'index.html';
    const path = join(DIST!, name);
    if (!existsSync(path)) return route.fallback();
    const answer = await route.fetch({ url: route.request().url().replace(/\/console\/.*$/, '/console/') });
    const types: Record<string, string> = { html: 'text/html', js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' };
    const policy = answer.headers()['content-security-policy'] ?? '';
    await route.fulfill({ path, headers: { 'content-type': types[name.split('.').pop()!] ?? 'text/plain', 'content-security-policy': policy } });
}

export const test = base.extend<{ console: Page }, { demo: Demo }>({
    context: async ({ context }, use) => {
        if (DIST) await context.route('**/console/**', fromDist);
        await use(context);
    },
    demo: [
        async ({}, use) => {
            const folder = process.env.DEMO_FOLDER ?? mkdtempSync(join(tmpdir(), 'console-'));
            const { demo, child } = await start(folder);
            await use(demo);
            child.kill('SIGTERM');
            if (!process.env.DEMO_FOLDER) rmSync(folder, { recursive: true, force: true });
        },
        { scope: 'worker', timeout: 300_000 },
    ],
    // The console, signed in.
    console: async ({ demo, page }, use) => {
        watch(page);
        await page.goto(demo.console);
        await expect(page.getByRole('navigation', { name: 'Conversations' }).getByRole('link').first()).toBeVisible();
        await use(page);
        expect(faults.splice(0), 'faults of the page').toEqual([]);
    },
});

/** Notes violations of the policy and errors of scripts. */
export function watch(page: Page) {
    page.on('pageerror', (error) => faults.push(String(error)));
    page.on('console', (message) => {
        if (/Content Security Policy|Refused to|trusted/i.test(message.text())) faults.push(message.text());
    });
}

/** Inserts messages as the platform would, newest last. */
export function write(demo: Demo, texts: string[], conversation = demo.conversation) {
    const now = Date.now();
    const lines = texts.map((text, index) => `${conversation},${demo.user},"${text}",${new Date(now - (texts.length - index) * 10).toISOString()},false`);
    demo.run(['import', 'messages', '-'], `conversation_id,sender_id,content,created_at,is_read\n${lines.join('\n')}\n`);
}

/** Shows the view at a fragment of the address. */
export function show(page: Page, hash: string): Promise<void> {
    return page.evaluate((to) => { location.hash = to; }, hash);
}

/** The newest messages as the list shows them. */
export function messages(page: Page) {
    return page.getByRole('region', { name: 'Messages' });
}

export { expect };
