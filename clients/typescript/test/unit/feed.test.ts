import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Change, type FeedState, isProblem } from '../../src/index.js';
import {
    type Answer,
    BOUND,
    body,
    clientOf,
    collect,
    fake,
    message,
    page,
    problemBody,
    script,
    still,
} from '../fake.js';

const event = (id: string, data: unknown, name = 'message') =>
    `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;

const json =
    (data: unknown): Answer =>
    () =>
        Response.json(data);

const problem =
    (kind: string, status: number, headers: Record<string, string> = {}): Answer =>
    () =>
        Response.json(problemBody(kind, status), { status, headers });

const refuse: Answer = () => Promise.reject(new TypeError('fetch failed'));

/** A stream of these events; notes the token that it was asked with. */
const stream =
    (events: string[], then: 'end' | 'break' | 'stay', seen: (string | null)[] = []): Answer =>
    (headers, signal) => {
        seen.push(headers.get('last-event-id'));
        return new Response(body(events, then, signal));
    };

/** The first `count` changes. */
async function take(changes: AsyncIterable<Change>, count: number): Promise<Change[]> {
    const taken: Change[] = [];
    for await (const change of changes) if (taken.push(change) === count) break;
    return taken;
}

const told = (changes: Change[]) =>
    changes.map((change) =>
        change.type === 'message'
            ? `${change.token}: ${change.message.content}`
            : `${change.token}: erased ${change.erased.id}`,
    );

test('a stream that breaks off goes on after the last change', BOUND, async () => {
    const tokens: (string | null)[] = [];
    const server = script(
        stream([event('t1', message(1)), event('t2', message(2))], 'break', tokens),
        stream([], 'end', tokens),
        stream([': alive\n\n', 'id: t3\n\n'], 'break', tokens),
        stream([event('t4', { id: 1, conversation_id: 7 }, 'erased')], 'stay', tokens),
    );
    const states: FeedState[] = [];
    const options = { conversation: 7, since: 't0', onState: (state: FeedState) => states.push(state) };
    const changes = await take(clientOf(server).changes(options), 3);
    assert.deepEqual(told(changes), ['t1: text 1', 't2: text 2', 't4: erased 1']);
    assert.deepEqual(tokens, ['t0', 't2', 't2', 't3']);
    assert.ok(server.requests.every((request) => request === '/api/conversations/7/messages/changes'));
    assert.deepEqual(
        states.map((state) => state.status),
        ['connected', 'waiting', 'connected', 'waiting', 'connected', 'waiting', 'connected'],
    );
});

test('a feed without a token begins with the one of now', BOUND, async () => {
    const tokens: (string | null)[] = [];
    const now = json({ success: true, messages: [], next: 'now', has_more: false });
    const server = script(now, stream([event('t1', message(1))], 'stay', tokens));
    await take(clientOf(server, { ids: 'string' }).changes() as AsyncIterable<Change>, 1);
    assert.deepEqual(server.requests, ['/api/changes?ids=string', '/api/changes?ids=string']);
    assert.deepEqual(tokens, ['now']);
});

test('a repeated row is given once, a changed one again', BOUND, async () => {
    const events = [
        event('t1', message(1)),
        event('t2', message(2, 'other')),
        event('t3', message(2, 'other', true)),
        event('t4', message(1, 'changed')),
        event('t5', message(1)),
        event('t6', { id: 2, conversation_id: 7 }, 'erased'),
        event('t7', message(2, 'other')),
        event('t8', {}, 'of a newer server'),
        event('t9', message(3)),
    ];
    const server = script(stream(events, 'stay'));
    const known = [message(1)];
    const changes = await take(clientOf(server).changes({ since: 't0', known }), 6);
    assert.deepEqual(told(changes), [
        't2: other',
        't4: changed',
        't5: text 1',
        't6: erased 2',
        't7: other',
        't9: text 3',
    ]);
});

test('waits grow with every failure, are random, and begin anew after a change', BOUND, async () => {
    const down = problem('tier-unavailable', 503, { 'retry-after': '2' });
    const server = script(
        refuse,
        down,
        () => new Response('<h1>Bad Gateway</h1>', { status: 502 }),
        stream([event('t1', message(1))], 'end'),
        stream([event('t2', message(2))], 'stay'),
    );
    const surroundings = still();
    await take(clientOf(server, {}, surroundings).changes({ since: 't0' }), 2);
    assert.deepEqual(surroundings.waits, [250, 2500, 1000, 250]);
});

test('a connection that lasted is no failure', BOUND, async () => {
    const surroundings = still();
    const empty = stream([': alive\n\n'], 'end');
    const server = script(refuse, refuse, empty, empty, empty, stream([event('t1', message(1))], 'stay'));
    let connections = 0;
    const onState = ({ status }: FeedState) => {
        if (status === 'connected') connections += 1;
        // The second one stays for a minute.
        if (status === 'connected' && connections === 2) surroundings.time += 60_000;
    };
    await take(clientOf(server, {}, surroundings).changes({ since: 't0', onState }), 1);
    assert.deepEqual(surroundings.waits, [250, 500, 1000, 250, 500]);
});

test('a token that is too old ends the feed', BOUND, async () => {
    const server = script(stream([event('t1', message(1))], 'end'), problem('changes-expired', 410));
    const seen: Change[] = [];
    const read = async () => {
        for await (const change of clientOf(server).changes({ since: 't0' })) seen.push(change);
    };
    await assert.rejects(read(), (error) => isProblem(error, 'changes-expired'));
    assert.deepEqual(told(seen), ['t1: text 1']);
});

test('a silent connection is given up', BOUND, async () => {
    const tokens: (string | null)[] = [];
    const server = script(stream([], 'stay', tokens), stream([event('t1', message(1))], 'stay', tokens));
    const states: FeedState[] = [];
    const changes = clientOf(server).changes({
        since: 't0',
        silence: 50,
        onState: (state) => states.push(state),
    });
    assert.deepEqual(told(await take(changes, 1)), ['t1: text 1']);
    const lost = states.find((state) => state.status === 'waiting');
    assert.match(String(lost?.status === 'waiting' && lost.error), /Nothing arrived for 50 ms/);
});

test('a signal ends a feed without an error, wherever it is', BOUND, async () => {
    const open = script(stream([event('t1', message(1))], 'stay'));
    const controller = new AbortController();
    for await (const _ of clientOf(open).changes({ since: 't0', signal: controller.signal }))
        controller.abort();
    const down = script(problem('overloaded', 503));
    const second = new AbortController();
    const onState = () => second.abort();
    assert.deepEqual(
        await collect(clientOf(down).changes({ since: 't0', signal: second.signal, onState })),
        [],
    );
    assert.deepEqual(await collect(clientOf(down).changes({ signal: AbortSignal.abort() })), []);
    assert.deepEqual(await collect(clientOf(down).live(7, { signal: AbortSignal.abort() })), []);
    assert.equal(down.requests.length, 1);
});

test('a feed that is left closes its stream', BOUND, async (t) => {
    let closed = () => {};
    const end = new Promise<void>((resolve) => {
        closed = resolve;
    });
    const server = await fake(t, (request, response) => {
        request.socket.on('close', () => closed());
        response.write(event('t1', message(1)));
    });
    await take(clientOf(server).changes({ since: 't0' }), 1);
    await end;
});

test('a live list is read anew when changes may have been missed', BOUND, async () => {
    const tokens: (string | null)[] = [];
    const server = script(
        problem('overloaded', 503),
        problem('overloaded', 503),
        problem('overloaded', 503),
        json(page([2, 1], { changes: 'p1' })),
        stream([event('t3', message(2)), event('t4', message(3))], 'end', tokens),
        problem('changes-expired', 410),
        json(page([5, 4], { changes: 'p2' })),
        stream([event('t6', message(6))], 'stay', tokens),
    );
    const told: string[] = [];
    for await (const item of clientOf(server).live(7, { limit: 2 })) {
        if (item.type === 'reset') told.push(`page of ${item.page.messages.map((row) => row.id)}`);
        else if (told.push(`${item.type} ${item.token}`) === 4) break;
    }
    assert.deepEqual(told, ['page of 2,1', 'message t4', 'page of 5,4', 'message t6']);
    assert.deepEqual(tokens, ['p1', 'p2']);
    assert.equal(server.requests[0], '/api/conversations/7/messages?limit=2');
});

test('a live list without a feed says which setting is missing', BOUND, async () => {
    const server = script(json(page([1])), problem('not-found', 404));
    await assert.rejects(collect(clientOf(server).live(7)), (error) => isProblem(error, 'not-found'));
});
