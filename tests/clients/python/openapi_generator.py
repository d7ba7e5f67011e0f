"""The client that openapi-generator generates for Python."""

import openapi_client
from openapi_client.exceptions import NotFoundException

from demo import ABSENT, CONVERSATION, TOKEN, URL, check_pages, check_prices, check_problem

with openapi_client.ApiClient(openapi_client.Configuration(host=URL, access_token=TOKEN)) as client:
    messages = openapi_client.MessagesApi(client)
    pages, before = [], None
    while len(pages) < 3:
        page = messages.list_messages(CONVERSATION, limit=4, before=before)
        pages.append(page.messages)
        before = page.next
    check_pages(pages)

    at = pages[1][0].created_at
    around = messages.list_messages(CONVERSATION, limit=1, at=at)
    assert around.messages[0].created_at == at, around

    stocks = openapi_client.StocksApi(client)
    check_prices(stocks.get_stock_prices(1, limit=5, order=openapi_client.SortOrder.ASC))
    assert stocks.get_stock_prices_csv(1, limit=5).startswith("symbol,")

    try:
        openapi_client.PostsApi(client).get_post(ABSENT)
        raise AssertionError("an absent post is an error")
    except NotFoundException as error:
        assert isinstance(error.data, openapi_client.Problem), error.data
        check_problem(error.data)
