import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BOUND, clientOf, collect, fake, json, page } from '../fake.js';

const LIST = '/api/conversations/7/messages?';

test('a walk to older rows follows next', BOUND, async (t) => {
    const server = await fake(t, json(page([9, 8], { has_more: true })), json(page([7], { next: null })));
    const rows = await collect(clientOf(server).messages(7, { limit: 2 }));
    assert.deepEqual(
        rows.map((row) => row.id),
        [9, 8, 7],
    );
    assert.deepEqual(server.requests, [`${LIST}limit=2`, `${LIST}limit=2&before=older-than-8`]);
});

test('a walk to newer rows follows prev and gives the oldest row first', BOUND, async (t) => {
    const server = await fake(t, json(page([2, 1], { has_newer: true })), json(page([4, 3])));
    const rows = await collect(
        clientOf(server).messages(7, { direction: 'newer', from: '2026-01-01', limit: 2 }),
    );
    assert.deepEqual(
        rows.map((row) => row.id),
        [1, 2, 3, 4],
    );
    assert.deepEqual(server.requests, [
        `${LIST}limit=2&from=2026-01-01&at=2026-01-01`,
        `${LIST}limit=2&from=2026-01-01&after=newer-than-2`,
    ]);
});

test('a walk begins at a cursor', BOUND, async (t) => {
    const server = await fake(t, json(page([5])));
    await collect(clientOf(server).messages(7, { before: 'b' }));
    await collect(clientOf(server).messages(7, { direction: 'newer', after: 'a' }));
    assert.deepEqual(server.requests, [`${LIST}limit=100&before=b`, `${LIST}limit=100&after=a`]);
});

test('each loop is a walk of its own, and a loop that is left asks no further', BOUND, async (t) => {
    const server = await fake(t, json(page([9, 8], { has_more: true })));
    const list = clientOf(server).messages(7);
    for (let loop = 0; loop < 2; loop += 1) for await (const row of list) if (row.id === 8) break;
    assert.deepEqual(server.requests, [`${LIST}limit=100`, `${LIST}limit=100`]);
});

test('a walk ends where the archive begins while that is away, and its pages show it', BOUND, async (t) => {
    const partial = { has_more: true, has_newer: true, partial: true, missing: ['cold'] };
    const empty = page([], { ...partial, next: 'older-than-9', prev: 'same' });
    for (const direction of ['older', 'newer'] as const) {
        const server = await fake(t, json(page([9], partial)), json(empty));
        const list = clientOf(server).messages(7, { direction, partial: 'allow' });
        const pages = await collect(list.pages());
        assert.deepEqual(
            pages.map((page) => [page.messages.length, page.partial, page.missing]),
            [
                [1, true, ['cold']],
                [0, true, ['cold']],
            ],
        );
        assert.ok(server.requests.every((request) => request.includes('partial=allow')));
    }
});

test('parameters take dates and ids in every form', BOUND, async (t) => {
    const server = await fake(t, json(page([])));
    const client = clientOf(server, { ids: 'string' });
    await client.messagePage(9007199254740993n, { from: new Date('2026-01-31'), around: '9007199254740995' });
    await client.search('7', 'a/b?ü', {}).pages().next();
    await client.priceColumns('A/B', { start_date: new Date('2026-01-31T23:00:00Z') });
    assert.deepEqual(server.requests, [
        '/api/conversations/9007199254740993/messages?from=2026-01-31T00:00:00.000Z&around=9007199254740995&ids=string',
        `/api/conversations/7/messages/search?limit=100&q=a/b?ü&ids=string`,
        '/api/stocks/symbols/A/B/prices/columns?start_date=2026-01-31&ids=string',
    ]);
});

test('users are asked for a hundred at a time', BOUND, async (t) => {
    const big = '9007199254740993';
    const ids = [...Array(100).keys()].map((id) => id + 1);
    const server = await fake(t, json({ users: [{ id: '1' }] }), json({ users: [{ id: big }] }));
    const users = await clientOf(server, { ids: 'string' }).users([...ids, 1, big]);
    assert.deepEqual(
        users.map((user) => user.id),
        ['1', big],
    );
    assert.deepEqual(server.requests, [
        `/api/users?ids=${ids}&ids=string`,
        `/api/users?ids=${big}&ids=string`,
    ]);
    await clientOf(server).users([5]);
    assert.equal(server.requests[2], '/api/users?ids=5');
});
