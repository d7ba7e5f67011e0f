// A page of another origin follows a conversation with EventSource, loses the network, resumes and misses nothing.
//
// Messages come from `thermocline import` into the databases of the demo (DEMO_PROGRAM, DEMO_FOLDER), past the server. The page
// reaches the server through a proxy that can be cut.

import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { connect, createServer as createProxy } from 'node:net';
import { readFile } from 'node:fs/promises';
import puppeteer from 'puppeteer-core';

const { THERMOCLINE_URL: url, THERMOCLINE_TOKEN: token, THERMOCLINE_CONVERSATION: conversation } = process.env;
const { DEMO_PROGRAM: program, DEMO_FOLDER: folder, CHROMIUM: executablePath } = process.env;

function check(condition, what) {
    if (!condition) throw new Error(`failed: ${what}`);
}

/** Waits until `look` returns something true, for a minute at most. */
async function until(what, look) {
    for (const end = Date.now() + 60_000; Date.now() < end; ) {
        const found = await look();
        if (found) return found;
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`still not: ${what}`);
}

/** A way to the server that can be cut. */
async function cable() {
    const target = new URL(url);
    const sockets = new Set();
    let isCut = false;
    const proxy = createProxy((socket) => {
        if (isCut) return socket.destroy();
        const server = connect(Number(target.port), target.hostname);
        for (const [from, to] of [[socket, server], [server, socket]]) {
            sockets.add(from);
            from.pipe(to);
            from.on('error', () => {});
            from.on('close', () => { sockets.delete(from); to.destroy(); });
        }
    });
    await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    return {
        url: `http://127.0.0.1:${proxy.address().port}`,
        cut() { isCut = true; for (const socket of sockets) socket.destroy(); },
        mend() { isCut = false; },
        close() { this.cut(); proxy.close(); },
    };
}

/** Writes messages as the platform would. */
async function write(messages) {
    const lines = messages.map(({ content, at }) => `${conversation},1,${content},${at}`);
    const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('THERMOCLINE_')));
    const child = spawn(program, ['import', 'messages', '-'], {
        env: { ...environment, HOT_DATABASE_URL: `sqlite:${folder}/hot.sqlite3`, COLD_DATABASE_URL: `sqlite:${folder}/cold.sqlite3` },
        stdio: ['pipe', 'ignore', 'inherit'],
    });
    child.stdin.end(['conversation_id,sender_id,content,created_at', ...lines, ''].join('\n'));
    const status = await new Promise((resolve) => child.on('close', resolve));
    check(status === 0, `the import ended with ${status}`);
}

/** Runs in the page: shows the newest page, and follows from there. */
async function show(url, token, conversation) {
    const authorization = { Authorization: `Bearer ${token}` };
    const messages = `${url}/api/conversations/${conversation}/messages`;
    window.live = { rows: new Map(), events: 0, opened: 0 };
    const page = await (await fetch(`${messages}?limit=20`, { headers: authorization })).json();
    for (const row of page.messages) window.live.rows.set(row.id, row);
    let since = page.changes;
    const follow = async () => {
        let ticket;
        try {
            ({ ticket } = await (await fetch(`${url}/api/changes/ticket`, { headers: authorization })).json());
        } catch {
            return setTimeout(follow, 200);
        }
        const stream = new EventSource(`${messages}/changes?${new URLSearchParams({ ticket, since })}`);
        const seen = (event) => {
            since = event.lastEventId;
            window.live.events += 1;
            const row = JSON.parse(event.data);
            if (event.type === 'erased') window.live.rows.delete(row.id);
            else window.live.rows.set(row.id, row);
        };
        stream.addEventListener('open', () => { window.live.opened += 1; });
        stream.addEventListener('message', seen);
        stream.addEventListener('erased', seen);
        // The ticket is spent: a new stream needs a new one.
        stream.addEventListener('error', () => { stream.close(); setTimeout(follow, 200); });
    };
    await follow();
    return page.changes;
}

const file = await readFile(new URL('page.html', import.meta.url));
const other = createServer((_, response) => response.setHeader('content-type', 'text/html').end(file));
await new Promise((resolve) => other.listen(0, '127.0.0.1', resolve));
const way = await cable();
const browser = await puppeteer.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
try {
    const page = await browser.newPage();
    await page.goto(`http://localhost:${other.address().port}/`);
    check(await page.evaluate(show, way.url, token, conversation), 'the newest page has a token');
    const look = () => page.evaluate(() => ({ ...window.live, rows: [...window.live.rows.values()].map((row) => row.content) }));
    await until('the stream is open', async () => (await look()).opened === 1);
    const run = Date.now();
    const text = (number) => `live ${run} ${number}`;
    const at = (seconds) => new Date(run - seconds * 1000).toISOString();
    const shows = (number) => until(`message ${number} is shown`, async () => (await look()).rows.includes(text(number)));

    await write([{ content: text(1), at: at(1) }]);
    await shows(1);
    way.cut();
    // Without a connection: a new message, and one with an older time than everything that was shown.
    await write([{ content: text(2), at: at(0) }, { content: text(3), at: at(5 * 86_400) }]);
    check(!(await look()).rows.includes(text(2)), 'the network is lost');
    way.mend();
    await shows(2);
    await shows(3);
    await write([{ content: text(4), at: at(0) }]);
    await shows(4);
    const end = await look();
    check(end.opened >= 2, 'it connected again');
    check(end.events === 4, `every message once: ${end.events} events`);
} finally {
    await browser.close();
    way.close();
    other.close();
}
