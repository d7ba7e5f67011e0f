import {
    Configuration,
    MessagesApi,
    PostsApi,
    ProblemFromJSON,
    ResponseError,
    SortOrder,
    StocksApi,
    type Message,
} from './generated/openapi-generator';
import { absent, check, checkPages, checkProblem, conversation, run, token, url } from './demo';

run(async () => {
    const configuration = new Configuration({ basePath: url, accessToken: token });
    const messages = new MessagesApi(configuration);
    const pages: Message[][] = [];
    let before: string | undefined;
    for (let page = 0; page < 3; page += 1) {
        const answer = await messages.listMessages({ id: conversation, limit: 4, before });
        pages.push(answer.messages);
        before = answer.next ?? undefined;
    }
    checkPages(pages);

    const prices = await new StocksApi(configuration).getStockPrices({ stockId: 1, limit: 5, order: SortOrder.Asc });
    const close: number | null | undefined = prices.prices[0]?.closePrice;
    check(prices.count === 5 && typeof close === 'number', 'prices are numbers');

    try {
        await new PostsApi(configuration).getPost({ id: absent });
        check(false, 'an absent post is an error');
    } catch (error) {
        if (!(error instanceof ResponseError)) throw error;
        checkProblem(ProblemFromJSON(await error.response.json()));
    }
});
