import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isProblem, type List } from '../../src/index.js';
import { BOUND, collect } from '../fake.js';
import { client, conversation, url } from './server.js';

/** Every id by numbered pages, which walks do not use. */
async function numbered(path: string, name: string): Promise<number[]> {
    const ids: number[] = [];
    for (let page = 1; ; page += 1) {
        const answer = await client().get<Record<string, { id: number }[]>>(path, { page, per_page: 100 });
        ids.push(...(answer[name] ?? []).map((row) => row.id));
        if (!answer.has_more) return ids;
    }
}

const LISTS: [string, string, (walk: object) => List<{ id: number }, never>][] = [
    [
        `/api/conversations/${conversation}/messages`,
        'messages',
        (walk) => client().messages(conversation, walk) as never,
    ],
    ['/api/conversations', 'conversations', (walk) => client().conversations(walk) as never],
    ['/api/posts', 'posts', (walk) => client().posts(walk) as never],
];

for (const [path, name, list] of LISTS) {
    test(`a walk over ${name} has every row once, in both directions`, BOUND, async () => {
        const all = await numbered(path, name);
        assert.ok(all.length > 3);
        const limit = Math.max(1, Math.min(100, Math.ceil(all.length / 20)));
        const older = await collect(list({ limit }));
        const newer = await collect(list({ limit, direction: 'newer' }));
        assert.deepEqual(
            older.map((row) => row.id),
            all,
        );
        assert.deepEqual(newer.map((row) => row.id).reverse(), all);
    });
}

test('a walk can be cut to a time span, in both directions', BOUND, async () => {
    const all = await collect(client().messages(conversation));
    const [from, to] = [all[900]?.created_at ?? '', all[100]?.created_at ?? ''];
    const inside = all.filter((row) => row.created_at >= from && row.created_at < to).map((row) => row.id);
    const older = await collect(client().messages(conversation, { from, to }));
    const newer = await collect(client().messages(conversation, { from, to, direction: 'newer', limit: 50 }));
    assert.ok(inside.length > 700);
    assert.deepEqual(
        older.map((row) => row.id),
        inside,
    );
    assert.deepEqual(newer.map((row) => row.id).reverse(), inside);
});

test('a walk continues at the cursor of a page, in both directions', BOUND, async () => {
    const all = (await collect(client().messages(conversation))).map((row) => row.id);
    const middle = all[700] as number;
    const page = await client().messagePage(conversation, { around: middle, limit: 10 });
    const older = await collect(client().messages(conversation, { before: page.next as string }));
    const newer = await collect(client().messages(conversation, { direction: 'newer', after: page.prev }));
    const ids = [newer.reverse(), page.messages, older].flat().map((row) => row.id);
    assert.deepEqual(ids, all);
});

test('a search finds what the list holds', BOUND, async () => {
    const all = await collect(client().messages(conversation));
    const text = '量縮';
    const found = await collect(client().search(conversation, text, { limit: 20 }));
    const expected = all.filter((row) => row.content.includes(text)).map((row) => row.id);
    assert.ok(expected.length > 20, `${expected.length} messages contain ${text}`);
    assert.deepEqual(
        found.map((row) => row.id),
        expected,
    );
});

test('one message, one post, its comments and their authors', BOUND, async () => {
    const page = await client().messagePage(conversation, { limit: 1 });
    const row = page.messages[0];
    assert.ok(row);
    assert.deepEqual(await client().message(conversation, row.id), row);
    const { posts } = await client().postPage({ per_page: 100 });
    const post = posts.find((post) => post.comment_count > 0);
    assert.ok(post);
    assert.deepEqual(await client().post(post.id), post);
    const comments = await collect(client().comments(post.id));
    assert.equal(comments.length, post.comment_count);
    const authors = new Set(comments.map((comment) => comment.author_id));
    assert.deepEqual(
        (await client().users(authors)).map((user) => user.id),
        [...authors],
    );
});

test('with ids as strings exactly the members of the types are strings', BOUND, async () => {
    const kinds = (value: unknown, path = '', found: Record<string, string> = {}) => {
        if (Array.isArray(value)) for (const item of value) kinds(item, `${path}[]`, found);
        else if (typeof value === 'object' && value !== null)
            for (const [name, member] of Object.entries(value)) kinds(member, `${path}.${name}`, found);
        else if (value !== null) found[path] = typeof value;
        return found;
    };
    const isId = (path: string) => /(^|[._])(id|\w+_id)$/.test(path);
    const [numbers, strings] = [client(), client({ ids: 'string' })];
    const { posts } = await numbers.postPage({ per_page: 100 });
    const post = posts.find((post) => post.comment_count > 0)?.id ?? 0;
    const asks = [
        (from: typeof numbers) => from.messagePage(conversation, { limit: 2 }),
        (from: typeof numbers) => from.conversationPage({ limit: 2 }),
        (from: typeof numbers) => from.postPage({ limit: 2 }),
        (from: typeof numbers) => from.commentPage(post, { limit: 2 }),
        (from: typeof numbers) => from.stockPage({ limit: 2 }),
        (from: typeof numbers) => from.prices('2330', { limit: 2 }),
        (from: typeof numbers) => from.pricesOf(['2330'], { limit: 2 }),
        (from: typeof numbers) => from.priceColumns('2330', { limit: 2 }),
        (from: typeof numbers) => from.latestPrices(['2330']),
        (from: typeof numbers) => collect(from.priceStream('2330', { limit: 2 })),
        (from: typeof numbers) => from.users([1]),
    ];
    for (const ask of asks) {
        const [before, after] = [kinds(await ask(numbers)), kinds(await ask(strings as never))];
        assert.ok(Object.keys(before).some(isId), `${ask} has ids`);
        for (const [path, kind] of Object.entries(before))
            assert.equal(after[path], isId(path) ? 'string' : kind, `${ask}: ${path}`);
    }
});

test('a wrong parameter, an unknown id and a bad token are problems', BOUND, async () => {
    const wrong = await client()
        .messagePage(conversation, { per_page: 101 })
        .catch((error) => error);
    assert.ok(isProblem(wrong, 'invalid-parameter') && wrong.problem.parameter === 'per_page');
    await assert.rejects(client().post(9_000_000_000), (error) => isProblem(error, 'not-found'));
    const token = 'no.such.token';
    await assert.rejects(
        client({ token })
            .health()
            .then(() => client({ token }).postPage()),
        (error) => isProblem(error, 'unauthorized'),
    );
    await assert.rejects(client({ url: `${url}/nothing` }).postPage(), (error) =>
        isProblem(error, 'not-found'),
    );
});
