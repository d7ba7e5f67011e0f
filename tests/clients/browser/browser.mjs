// A page of another origin reads, pages and sees errors; the console keeps its token over a reload.

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import puppeteer from 'puppeteer-core';

const { THERMOCLINE_URL: url, THERMOCLINE_TOKEN: token, THERMOCLINE_CONVERSATION: conversation, CHROMIUM: executablePath } = process.env;

function check(condition, what) {
    if (!condition) throw new Error(`failed: ${what}`);
}

/** Runs in the page of another origin. */
async function readAcrossOrigins(url, token, conversation) {
    const ask = async (path, headers = {}) => {
        const answer = await fetch(url + path, { headers });
        const names = ['etag', 'link', 'x-request-id', 'www-authenticate', 'server-timing'];
        const seen = Object.fromEntries(names.map((name) => [name, answer.headers.get(name)]));
        return { status: answer.status, headers: seen, body: answer.status === 304 ? null : await answer.json() };
    };
    const authorization = { Authorization: `Bearer ${token}` };
    const list = `/api/conversations/${conversation}/messages`;
    const pages = [];
    let cursor = '';
    while (pages.length < 3) {
        const page = await ask(`${list}?limit=5${cursor}`, authorization);
        pages.push(page.body.messages.map((row) => row.id));
        cursor = `&before=${page.body.next}`;
    }
    const numbered = await ask(`${list}?page=2`, authorization);
    return {
        pages,
        numbered,
        known: await ask(`${list}?page=2`, { ...authorization, 'If-None-Match': numbered.headers.etag }),
        bad: await ask(`${list}?page=0`, authorization),
        unauthorized: await ask(list),
        expired: await ask(list, { Authorization: 'Bearer x.y.z' }),
        absent: await ask('/api/posts/9000000000', authorization),
        unknown: await ask('/nothing', authorization),
        unacceptable: await ask('/api/posts', { ...authorization, Accept: 'image/png' }),
    };
}

async function otherOrigin(page) {
    const answers = await page.evaluate(readAcrossOrigins, url, token, conversation);
    check(answers.pages.length === 3 && new Set(answers.pages.flat()).size === 15, 'three pages by cursor');
    check(answers.numbered.status === 200 && answers.numbered.headers.link.includes('rel="next"'), 'Link is exposed');
    check(answers.numbered.headers['server-timing'], 'Server-Timing is exposed');
    // The browser itself answers a 304 from its cache, unless the script sent the condition.
    check(answers.known.status === 304, 'a conditional request');
    const problems = {
        bad: [400, 'invalid-parameter'],
        unauthorized: [401, 'unauthorized'],
        expired: [401, 'unauthorized'],
        absent: [404, 'not-found'],
        unknown: [404, 'not-found'],
        unacceptable: [406, 'not-acceptable'],
    };
    for (const [name, [status, type]] of Object.entries(problems)) {
        const answer = answers[name];
        check(answer.status === status && answer.body.type === `/problems/${type}`, `${name}: ${JSON.stringify(answer)}`);
        check(answer.headers['x-request-id'] === answer.body.request_id, `${name}: the request id is exposed`);
    }
    check(answers.expired.headers['www-authenticate'].includes('invalid_token'), 'the challenge is exposed');
}

async function consoleKeepsItsToken(page) {
    await page.goto(`${url}/docs/`);
    await page.waitForSelector('.opblock', { timeout: 60_000 });
    await page.click('.btn.authorize');
    await page.type('.auth-container input', token);
    await page.click('.auth-btn-wrapper .authorize');
    await page.reload();
    await page.waitForSelector('.opblock', { timeout: 60_000 });
    const kept = await page.evaluate(() => localStorage.getItem('authorized') ?? '');
    check(kept.includes(token), 'the console keeps the token');
    // The token is used: the console asks as the user of the token.
    await page.click('#operations-posts-list_posts .opblock-summary-control');
    await page.waitForSelector('#operations-posts-list_posts .try-out__btn');
    await page.click('#operations-posts-list_posts .try-out__btn');
    await page.click('#operations-posts-list_posts .execute');
    await page.waitForSelector('#operations-posts-list_posts .live-responses-table .response-col_status');
    const status = await page.$eval(
        '#operations-posts-list_posts .live-responses-table .response .response-col_status',
        (cell) => cell.textContent.trim(),
    );
    check(status.startsWith('200'), `the console asks with the token: ${status}`);
}

async function entrance(page) {
    await page.goto(url);
    check((await page.$eval('h1', (title) => title.textContent)).startsWith('Thermocline'), 'a page for browsers');
    await page.click('a[href$="/docs/"]');
    await page.waitForSelector('.opblock', { timeout: 60_000 });
}

const file = await readFile(new URL('page.html', import.meta.url));
const other = createServer((_, response) => response.setHeader('content-type', 'text/html').end(file));
await new Promise((resolve) => other.listen(0, '127.0.0.1', resolve));
const browser = await puppeteer.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
try {
    const page = await browser.newPage();
    const violations = [];
    page.on('console', (message) => {
        if (/Content Security Policy|blocked by CORS/.test(message.text())) violations.push(message.text());
    });
    await page.goto(`http://localhost:${other.address().port}/`);
    await otherOrigin(page);
    await entrance(page);
    await consoleKeepsItsToken(page);
    check(violations.length === 0, violations.join('\n'));
} finally {
    await browser.close();
    other.close();
}
