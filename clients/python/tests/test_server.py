"""The client against the demo that tests/clients/run starts."""

import asyncio
import os
from collections.abc import Iterator
from datetime import date

import pytest

from thermocline import AsyncThermocline, ProblemError, Thermocline

pytestmark = pytest.mark.server

URL = os.environ.get("THERMOCLINE_URL", "")
TOKEN = os.environ.get("THERMOCLINE_TOKEN", "")
CONVERSATION = int(os.environ.get("THERMOCLINE_CONVERSATION", "0"))


@pytest.fixture
def client() -> Iterator[Thermocline]:
    assert URL, "THERMOCLINE_URL is not set; tests/clients/run sets it"
    with Thermocline(URL, TOKEN) as client:
        yield client


def numbered(client: Thermocline) -> list[int]:
    """Every id by numbered pages, which walks do not use."""
    ids: list[int] = []
    while True:
        page = client.message_page(CONVERSATION, page=len(ids) // 100 + 1, per_page=100)
        ids.extend(row["id"] for row in page["messages"])
        if not page["has_more"]:
            return ids


def test_a_walk_has_every_row_once_in_both_directions(client: Thermocline) -> None:
    every = numbered(client)
    assert len(every) > 100
    older = [row["id"] for row in client.messages(CONVERSATION)]
    newer = [row["id"] for row in client.messages(CONVERSATION, direction="newer", limit=70)]
    assert older == every
    assert newer[::-1] == every


def test_an_async_walk_is_the_same(client: Thermocline) -> None:
    async def read() -> list[int]:
        async with AsyncThermocline(URL, TOKEN) as client:
            return [row["id"] async for row in client.messages(CONVERSATION)]

    assert asyncio.run(read()) == numbered(client)


def test_a_walk_can_be_cut_and_continued(client: Thermocline) -> None:
    every = list(client.messages(CONVERSATION))
    first, last = every[900]["created_at"], every[100]["created_at"]
    inside = [row["id"] for row in every if first <= row["created_at"] < last]
    for direction, ids in (("older", inside), ("newer", inside[::-1])):
        rows = client.messages(CONVERSATION, direction=direction, from_=first, to=last)  # type: ignore[arg-type]
        assert [row["id"] for row in rows] == ids
    page = client.message_page(CONVERSATION, around=every[700]["id"], limit=10)
    older = [row["id"] for row in client.messages(CONVERSATION, cursor=page["next"])]
    newer = [row["id"] for row in client.messages(CONVERSATION, direction="newer", cursor=page["prev"])]
    middle = [row["id"] for row in page["messages"]]
    assert newer[::-1] + middle + older == [row["id"] for row in every]


def test_search_and_single_rows(client: Thermocline) -> None:
    text = "量縮"
    expected = [row["id"] for row in client.messages(CONVERSATION) if text in row["content"]]
    assert len(expected) > 20
    assert [row["id"] for row in client.search(CONVERSATION, text, limit=20)] == expected
    assert client.message(CONVERSATION, expected[0])["id"] == expected[0]
    post = next(post for post in client.posts() if post["comment_count"])
    comments = list(client.comments(post["id"]))
    assert len(comments) == post["comment_count"]
    assert client.post(post["id"]) == post
    authors = {comment["author_id"] for comment in comments}
    assert {user["id"] for user in client.users(authors)} == authors
    assert next(iter(client.conversations(limit=1)))["id"] > 0


def test_prices_in_every_form(client: Thermocline) -> None:
    rows = client.prices("2330", start_date=date(2020, 1, 1), order="asc")
    assert rows["count"] > 600
    columns = client.price_columns(rows["stock_id"], start_date="2020-01-01", order="asc")["prices"]
    assert columns["close_price"] == [row["close_price"] for row in rows["prices"]]
    streamed = list(client.price_stream("2330", start_date="2020-01-01", order="asc"))
    assert streamed == [{"symbol": "2330", **row} for row in rows["prices"]]
    assert len({stock["symbol"] for stock in client.stocks()}) == 20
    latest = client.latest_prices(["2330"])["prices"][0]
    assert latest["close_price"] == rows["prices"][-1]["close_price"]
    several = client.prices_of(["2330", "NONE"], interval="month")
    assert several["unknown"] == ["NONE"]
    assert client.price_columns_of(["0050"])["stocks"][0]["complete"]


def test_frames_of_prices(client: Thermocline) -> None:
    pytest.importorskip("pandas")
    rows = client.prices("2330", start_date="2026-01-01", order="asc")["prices"]
    frame = client.price_frame("2330", start_date="2026-01-01")
    assert [day.date().isoformat() for day in frame.index] == [row["trade_date"] for row in rows]
    assert frame["close_price"].tolist() == [row["close_price"] for row in rows]
    assert str(frame["volume"].dtype) == "Int64"
    assert frame["volume"].tolist() == [row["volume"] for row in rows]
    both = client.price_frame(["0050", "2330"], start_date="2026-01-01")
    assert list(both.index.names) == ["symbol", "trade_date"]
    assert both.loc["2330"]["close_price"].tolist() == frame["close_price"].tolist()
    with pytest.raises(KeyError, match="NONE"):
        client.price_frame(["2330", "NONE"])


def test_problems(client: Thermocline) -> None:
    for ask, kind in (
        (lambda: client.message_page(CONVERSATION, per_page=101), "invalid-parameter"),
        (lambda: client.post(9_000_000_000), "not-found"),
        (lambda: Thermocline(URL, "no.such.token").post_page(), "unauthorized"),
    ):
        with pytest.raises(ProblemError) as caught:
            ask()
        assert caught.value.kind == kind
        assert caught.value.request_id
