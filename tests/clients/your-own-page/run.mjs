// The pages of docs/your-own-page.md, word for word, served by Vite from another origin and opened in Chromium.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { chromium } from 'playwright-core';
import { createServer } from 'vite';

const { THERMOCLINE_URL: url, THERMOCLINE_TOKEN: token, THERMOCLINE_CONVERSATION: conversation } = process.env;
const { CHROMIUM: executablePath, DEMO_PROGRAM: program, DEMO_FOLDER: folder, DOCUMENT: document } = process.env;

/** The code blocks of the document in this language. */
async function blocks(language) {
    const text = await readFile(document, 'utf8');
    return [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))].map((match) => match[1]);
}

/** Puts a program of the document into the page, with the demo that runs; it compiles. */
async function use(text) {
    const names = { 'http://127.0.0.1:8080': url, TOKEN: token, '(7': `(${conversation}` };
    let main = text;
    for (const [name, value] of Object.entries(names)) {
        assert.ok(main.includes(name), `the program has ${name}`);
        main = main.replace(name, value);
    }
    await writeFile('main.ts', main);
    const compiled = spawnSync('npx', ['tsc'], { encoding: 'utf8' });
    assert.equal(compiled.status, 0, compiled.stdout);
}

/** Writes a message into hot, as the document does. */
function write(content) {
    const rows = ['conversation_id,sender_id,content,created_at,is_read'];
    rows.push(`${conversation},1,${content},${new Date().toISOString()},false`, '');
    const known = Object.entries(process.env).filter(([name]) => !name.startsWith('THERMOCLINE'));
    const tiers = ['hot', 'cold'].flatMap((tier) => [`--${tier}`, `sqlite:${folder}/${tier}.sqlite3`]);
    const options = { env: Object.fromEntries(known), input: rows.join('\n'), encoding: 'utf8', timeout: 60_000 };
    const done = spawnSync(program, ['import', 'messages', '-', ...tiers], options);
    assert.equal(done.status, 0, done.stderr);
}

const [walk, live] = await blocks('ts');
const [html] = await blocks('html');
await writeFile('index.html', html);
await use(walk);
const vite = await createServer({ root: '.', logLevel: 'warn', server: { host: '127.0.0.1', port: 0 } });
await vite.listen();
const address = vite.resolvedUrls.local[0];
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
try {
    const context = await browser.newContext();
    const page = await context.newPage();
    const errors = [];
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('console', (message) => {
        // A browser asks for an icon that the page does not have.
        const isIcon = message.location().url.endsWith('/favicon.ico');
        if (message.type() === 'error' && !isIcon) errors.push(message.text());
    });

    await page.goto(address);
    await page.waitForFunction(() => globalThis.document.querySelectorAll('li').length === 1000);
    const times = await page.$$eval('li', (rows) => rows.map((row) => row.textContent.split(' ')[0]));
    assert.deepEqual(times, [...times].sort().reverse(), 'newest first');
    assert.deepEqual(errors, []);
    console.log(`1000 messages, from ${times.at(-1)} to ${times[0]}`);

    await use(live);
    await page.goto(address);
    await page.waitForFunction(() => globalThis.document.querySelectorAll('li').length === 20);
    // The demo of an earlier run may be the same.
    const run = Date.now();
    write(`written while the page is open ${run}`);
    await page.getByText(`written while the page is open ${run}`).waitFor();
    assert.deepEqual(errors, []);

    await context.setOffline(true);
    write(`written while the network is away ${run}`);
    await context.setOffline(false);
    await page.getByText(`written while the network is away ${run}`).waitFor();
    assert.equal(await page.locator('li').count(), 22);
    console.log('two messages, the second one written while the network was away');
} finally {
    await browser.close();
    await vite.close();
}
