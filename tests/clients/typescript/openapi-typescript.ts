import createClient from 'openapi-fetch';
import type { components, paths } from './generated/openapi-typescript';
import { absent, check, checkPages, checkProblem, conversation, run, token, url } from './demo';

run(async () => {
    const client = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${token}` } });
    const pages: components['schemas']['Message'][][] = [];
    let before: string | undefined;
    for (let page = 0; page < 3; page += 1) {
        const query = before === undefined ? { limit: 4 } : { limit: 4, before };
        const answer = await client.GET('/api/conversations/{id}/messages', {
            params: { path: { id: conversation }, query },
        });
        if (answer.error) throw new Error(answer.error.detail);
        pages.push(answer.data.messages);
        before = answer.data.next ?? undefined;
    }
    checkPages(pages.map((page) => page.map((row) => ({ id: row.id, createdAt: row.created_at }))));

    const prices = await client.GET('/api/stocks/{stock_id}/prices', {
        params: { path: { stock_id: 1 }, query: { limit: 5, order: 'asc', interval: 'week' } },
    });
    if (prices.error) throw new Error(prices.error.detail);
    const close: number | null | undefined = prices.data.prices[0]?.close_price;
    check(prices.data.count === 5 && typeof close === 'number', 'prices are numbers');

    const refused = await client.GET('/api/posts/{id}', { params: { path: { id: absent } } });
    check(refused.error !== undefined, 'an absent post is an error');
    checkProblem(refused.error);
});
