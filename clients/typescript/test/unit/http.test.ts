import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { ConnectionError, isProblem, isTemporary, PROBLEM_KINDS, ProblemError } from '../../src/index.js';
import {
    BOUND,
    body,
    clientOf,
    collect,
    fake,
    type Handler,
    json,
    page,
    problem,
    script,
    still,
} from '../fake.js';

const cut: Handler = (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
    response.write('{"success":');
    setImmediate(() => response.destroy());
};

test('a problem is a typed error', BOUND, async (t) => {
    const server = await fake(t, problem('not-found', 404));
    const error = await clientOf(server)
        .message(7, 1)
        .catch((error) => error);
    assert.ok(isProblem(error, 'not-found') && !isProblem(error, 'forbidden') && !isTemporary(error));
    assert.deepEqual(
        [error.status, error.requestId, error.problem.type],
        [404, 'r-1', '/problems/not-found'],
    );
    assert.equal(error.message, 'not-found: The detail of not-found.');
    assert.equal(server.requests.length, 1);
});

test('an answer that is no problem document has the kind unknown', BOUND, async (t) => {
    const server = await fake(t, (_, response) => response.writeHead(502).end('<h1>Bad Gateway</h1>'));
    const error = await clientOf(server, { retries: 0 })
        .health()
        .catch((error) => error);
    assert.ok(error instanceof ProblemError);
    assert.deepEqual([error.kind, error.status, error.temporary], ['unknown', 502, true]);
    const bare = await fake(t, json({ type: 'about:blank', status: 404 }, 404));
    await assert.rejects(clientOf(bare).health(), { message: /^Not Found: The answer has status 404/ });
});

test('the documentation of errors names every kind', async () => {
    const text = await readFile(new URL('../../../../../docs/reference/errors.md', import.meta.url), 'utf8');
    const documented = [...text.matchAll(/^\| \[`([a-z-]+)`\]/gm)].map((match) => match[1]);
    assert.ok(documented.length > 10);
    assert.deepEqual(
        documented.filter((kind) => !PROBLEM_KINDS.some((known) => known === kind)),
        [],
    );
});

test('a failure that may pass is repeated after Retry-After and a random time', BOUND, async (t) => {
    const server = await fake(t, problem('overloaded', 503, { 'retry-after': '3' }), cut, json(page([1])));
    const surroundings = still();
    const answer = await clientOf(server, {}, surroundings).messagePage(7);
    assert.equal(answer.messages.length, 1);
    assert.deepEqual(surroundings.waits, [3250, 500]);
});

test('a change is sent once, as JSON', BOUND, async (t) => {
    const sent: unknown[] = [];
    const server = await fake(
        t,
        (request, response) => {
            const parts: Buffer[] = [];
            request.on('data', (part: Buffer) => parts.push(part));
            request.on('end', () => {
                const { method, headers } = request;
                sent.push([
                    method,
                    headers['content-type'],
                    headers.authorization,
                    JSON.parse(String(Buffer.concat(parts))),
                ]);
                json({ success: true })(request, response);
            });
        },
        problem('tier-unavailable', 503, { 'retry-after': '5' }),
    );
    const client = clientOf(server, { token: 't' });
    assert.deepEqual(await client.send('/api/archive/control', { paused: true }), { success: true });
    assert.deepEqual(sent, [['POST', 'application/json', 'Bearer t', { paused: true }]]);
    const failed = client.send('/api/archive/control', { paused: false });
    await assert.rejects(failed, (error) => isProblem(error, 'tier-unavailable'));
    assert.equal(server.requests.length, 2);
});

test('retries end, and a long Retry-After is not waited for', BOUND, async (t) => {
    const [short, long] = [
        await fake(t, problem('timeout', 504)),
        await fake(t, problem('rate-limited', 429, { 'retry-after': '60' })),
    ];
    await assert.rejects(clientOf(short).health(), (error) => isProblem(error, 'timeout'));
    await assert.rejects(clientOf(long).health(), (error) => isProblem(error) && error.retryAfter === 60);
    assert.deepEqual([short.requests.length, long.requests.length], [3, 1]);
});

test('no answer is a ConnectionError', BOUND, async (t) => {
    const server = await fake(t, (request) => request.socket.destroy());
    await assert.rejects(clientOf(server).health(), ConnectionError);
    await assert.rejects(clientOf(await fake(t, cut)).health(), ConnectionError);
    assert.equal(server.requests.length, 3);
});

test('a request that takes too long is given up', BOUND, async (t) => {
    let requests = 0;
    const never: typeof fetch = (_, options) => {
        requests += 1;
        return new Promise((_, reject) =>
            options?.signal?.addEventListener('abort', () => reject(options.signal?.reason)),
        );
    };
    const client = clientOf(await fake(t), { timeout: 30, retries: 1, fetch: never });
    await assert.rejects(client.health(), ConnectionError);
    assert.equal(requests, 2);
});

test('a caller ends a request with its own reason', BOUND, async (t) => {
    const controller = new AbortController();
    const server = await fake(t, () => controller.abort(new Error('enough')));
    await assert.rejects(clientOf(server).health({ signal: controller.signal }), { message: 'enough' });
});

test('a function gives the token, and another one once it is refused', BOUND, async (t) => {
    const seen: (string | undefined)[] = [];
    const note =
        (next: Handler): Handler =>
        (request, response) => {
            seen.push(request.headers.authorization);
            next(request, response);
        };
    const server = await fake(t, note(problem('unauthorized', 401)), note(json(page([1]))));
    const client = clientOf(server, { token: async (refused) => (refused === undefined ? 'old' : 'new') });
    await client.messagePage(7);
    assert.deepEqual(seen, ['Bearer old', 'Bearer new']);
});

test('a refused token without another one is a problem at once', BOUND, async (t) => {
    const server = await fake(t, problem('unauthorized', 401));
    await assert.rejects(clientOf(server, { token: () => 'old' }).health(), (error) =>
        isProblem(error, 'unauthorized'),
    );
    assert.equal(server.requests.length, 1);
});

test('prices that break off are an error, not a shorter range', BOUND, async () => {
    const pieces = ['{"symbol":"2330","trade_date":"2026-01-02"}\n{"symbol"'];
    const server = script((_, signal) => new Response(body(pieces, 'break', signal)));
    const rows: string[] = [];
    const read = async () => {
        for await (const row of clientOf(server).priceStream('2330')) rows.push(row.trade_date);
    };
    await assert.rejects(read(), ConnectionError);
    assert.deepEqual(rows, ['2026-01-02']);
});

test('onResponse sees address and answer', BOUND, async (t) => {
    const server = await fake(t, json(page([1]), 200, { 'server-timing': 'hot;dur=1' }));
    const seen: unknown[] = [];
    const client = clientOf(server, {
        onResponse: ({ url, response }) => seen.push([url, response.headers.get('server-timing')]),
    });
    await collect(client.messages(7));
    assert.deepEqual(seen, [[client.url('/api/conversations/7/messages', { limit: 100 }), 'hot;dur=1']]);
});
