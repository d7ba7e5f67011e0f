import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type Change, type FeedState, isProblem, type Reset } from '../../src/index.js';
import { client, conversation, url } from './server.js';
import { write } from './write.js';

/** The longest that a test waits; each write is a program that starts. */
const BOUND = { timeout: 120_000 };

/** A way to the server that can be cut and mended. */
async function cable(t: TestContext) {
    const target = new URL(url);
    const sockets = new Set<Socket>();
    let isCut = false;
    const server = createServer((near) => {
        if (isCut) return near.destroy();
        const far = connect(Number(target.port), target.hostname);
        for (const [from, to] of [[near, far] as const, [far, near] as const]) {
            sockets.add(from);
            from.pipe(to);
            from.on('error', () => undefined);
            from.on('close', () => {
                sockets.delete(from);
                to.destroy();
            });
        }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const cut = () => {
        isCut = true;
        for (const socket of sockets) socket.destroy();
    };
    t.after(() => {
        cut();
        server.close();
    });
    const mend = () => {
        isCut = false;
    };
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, cut, mend };
}

/** The next item of a feed that is a message with one of these contents; what came before it is of other tests. */
async function next(feed: AsyncIterator<Reset | Change>, content: string): Promise<Change> {
    for (;;) {
        const { value } = await feed.next();
        assert.ok(value && value.type !== 'reset', 'a change');
        if (value.type === 'message' && value.message.content === content) return value;
    }
}

test('a live list misses nothing while the network is away, and repeats nothing', BOUND, async (t) => {
    const way = await cable(t);
    const controller = new AbortController();
    t.after(() => controller.abort());
    const states: FeedState['status'][] = [];
    let lose = () => {};
    const lost = new Promise<void>((resolve) => {
        lose = resolve;
    });
    const onState = ({ status }: FeedState) => {
        states.push(status);
        if (status === 'waiting') lose();
    };
    const feed = client({ url: way.url }).live(conversation, {
        limit: 5,
        signal: controller.signal,
        onState,
    });
    const first = (await feed.next()).value;
    assert.ok(first?.type === 'reset' && first.page.messages.length === 5);

    const name = `feed ${Date.now()}`;
    await write(`${name} a`, `${name} b`);
    const seen = [await next(feed, `${name} a`), await next(feed, `${name} b`)];
    const waiting = next(feed, `${name} c`);
    way.cut();
    await lost;
    await write(`${name} c`);
    way.mend();
    seen.push(await waiting);
    await write(`${name} d`);
    seen.push(await next(feed, `${name} d`));

    assert.ok(states.includes('waiting') && states.at(-1) === 'connected');
    const ids = seen.map((change) => (change.type === 'message' ? change.message.id : 0));
    assert.equal(new Set(ids).size, 4);
    // Every row is as a list shows it.
    const page = await client().messagePage(conversation, { limit: 100 });
    const rows = new Map(page.messages.map((row) => [row.id, row]));
    for (const change of seen)
        if (change.type === 'message') assert.deepEqual(change.message, rows.get(change.message.id));
});

test('a token continues the feed, as a stream and in answers', BOUND, async (t) => {
    const controller = new AbortController();
    t.after(() => controller.abort());
    const strings = client({ ids: 'string' });
    const { next: since } = await strings.changePage({ conversation });
    const name = `token ${Date.now()}`;
    await write(`${name} a`, `${name} b`);
    const answer = await strings.changePage({ conversation, since });
    assert.deepEqual(
        answer.messages.map((row) => row.content),
        [`${name} a`, `${name} b`],
    );
    const first = answer.messages[0];
    assert.equal(typeof first?.id, 'string');

    const feed = strings.changes({ since, signal: controller.signal });
    const change = (await feed.next()).value;
    assert.ok(change?.type === 'message');
    assert.deepEqual(change.message, first);
    const rest = strings.changes({ since: change.token, signal: controller.signal });
    const second = (await rest.next()).value;
    assert.ok(second?.type === 'message' && second.message.content === `${name} b`);
});

test('a token of other databases has expired', BOUND, async () => {
    const since = 'AgAeg3PtewxhAAAAAAAAE4mAAAAAAAAAAKOJQ3s';
    const expired = (error: unknown) => isProblem(error, 'changes-expired');
    await assert.rejects(client().changes({ conversation, since }).next(), expired);
    await assert.rejects(client().changePage({ since }), expired);
});

test('a feed of others does not exist', BOUND, async () => {
    const feed = client().changes({ conversation: 9_000_000_000, since: (await client().changePage()).next });
    await assert.rejects(feed.next(), (error) => isProblem(error, 'not-found'));
});
