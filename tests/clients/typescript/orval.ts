import { getPost, getStockPrices, listMessages, type Message } from './generated/orval';
import { absent, check, checkPages, checkProblem, conversation, run, token } from './demo';

run(async () => {
    const options = { headers: { Authorization: `Bearer ${token}` } };
    const pages: Message[][] = [];
    let before: string | undefined;
    for (let page = 0; page < 3; page += 1) {
        const query = before === undefined ? { limit: 4 } : { limit: 4, before };
        const answer = await listMessages(conversation, query, undefined, options);
        check(answer.status === 200, 'a page');
        pages.push(answer.data.messages);
        before = answer.data.next ?? undefined;
    }
    checkPages(pages.map((page) => page.map((row) => ({ id: row.id, createdAt: row.created_at }))));

    const prices = await getStockPrices(1, { limit: 5, order: 'asc' }, undefined, options);
    check(prices.status === 200, 'prices');
    const close: number | null | undefined = prices.data.prices[0]?.close_price;
    check(prices.data.count === 5 && typeof close === 'number', 'prices are numbers');

    const refused = await getPost(absent, undefined, undefined, options);
    check(refused.status === 404, 'an absent post is an error');
    checkProblem(refused.data);
});
