"""The client that openapi-python-client generates."""

import datetime

from thermocline_client import AuthenticatedClient
from thermocline_client.api.messages import list_messages
from thermocline_client.api.posts import get_post
from thermocline_client.api.stocks import get_stock_prices, get_stock_prices_csv
from thermocline_client.models import MessagePage, PriceRange, Problem, SortOrder

from demo import ABSENT, CONVERSATION, TOKEN, URL, check_pages, check_prices, check_problem

client = AuthenticatedClient(base_url=URL, token=TOKEN)

pages, cursor = [], {}
while len(pages) < 3:
    page = list_messages.sync(CONVERSATION, client=client, limit=4, **cursor)
    assert isinstance(page, MessagePage), page
    pages.append(page.messages)
    cursor = {"before": page.next_}
check_pages(pages)

at = pages[1][0].created_at
around = list_messages.sync(CONVERSATION, client=client, limit=1, at=at.astimezone(datetime.timezone.utc))
assert isinstance(around, MessagePage) and around.messages[0].created_at == at, around

prices = get_stock_prices.sync(1, client=client, limit=5, order=SortOrder.ASC)
assert isinstance(prices, PriceRange), prices
check_prices(prices)
csv = get_stock_prices_csv.sync(1, client=client, limit=5)
assert isinstance(csv, str) and csv.startswith("symbol,"), csv

problem = get_post.sync(ABSENT, client=client)
assert isinstance(problem, Problem), problem
check_problem(problem)
