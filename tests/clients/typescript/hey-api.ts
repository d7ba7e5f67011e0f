import { client } from './generated/hey-api/client.gen';
import { getPost, getStockPrices, listMessages } from './generated/hey-api/sdk.gen';
import type { Message } from './generated/hey-api/types.gen';
import { absent, check, checkPages, checkProblem, conversation, run, token, url } from './demo';

run(async () => {
    client.setConfig({ baseUrl: url, auth: () => token });
    const pages: Message[][] = [];
    let before: string | undefined;
    for (let page = 0; page < 3; page += 1) {
        const query = before === undefined ? { limit: 4 } : { limit: 4, before };
        const answer = await listMessages({ path: { id: conversation }, query, throwOnError: true });
        pages.push(answer.data.messages);
        before = answer.data.next ?? undefined;
    }
    checkPages(pages.map((page) => page.map((row) => ({ id: row.id, createdAt: row.created_at }))));

    const prices = await getStockPrices({ path: { stock_id: 1 }, query: { limit: 5, order: 'asc' }, throwOnError: true });
    const close: number | null | undefined = prices.data.prices[0]?.close_price;
    check(prices.data.count === 5 && typeof close === 'number', 'prices are numbers');

    const refused = await getPost({ path: { id: absent } });
    check(refused.error !== undefined, 'an absent post is an error');
    checkProblem(refused.error);
});
