"""Walks, parameters, retries and errors."""

import asyncio
from datetime import date, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest
from conftest import Take, answer, cut, fake, page, problem, refuse, whole

from thermocline import ConnectionFailedError, ProblemError

LIST = "/api/conversations/7/messages?limit="


def test_a_walk_to_older_rows_follows_next(take: Take) -> None:
    server = fake(answer(page([9, 8], has_more=True)), answer(page([7], next=None)))
    rows = take(server, lambda client: client.messages(7, limit=2), 10)
    assert [row["id"] for row in rows] == [9, 8, 7]
    assert server.requests == [f"{LIST}2", f"{LIST}2&before=older-8"]


def test_a_walk_to_newer_rows_follows_prev_and_gives_the_oldest_row_first(take: Take) -> None:
    server = fake(answer(page([2, 1], has_newer=True)), answer(page([4, 3])))
    rows = take(server, lambda client: client.messages(7, direction="newer", from_="2026-01-01", limit=2), 10)
    assert [row["id"] for row in rows] == [1, 2, 3, 4]
    first = "/api/conversations/7/messages?from=2026-01-01&limit=2"
    assert server.requests == [f"{first}&at=2026-01-01", f"{first}&after=newer-2"]


def test_a_walk_begins_at_a_cursor(take: Take) -> None:
    server = fake(answer(page([5])))
    take(server, lambda client: client.messages(7, cursor="b"), 10)
    take(server, lambda client: client.messages(7, direction="newer", cursor="a"), 10)
    assert server.requests == [f"{LIST}100&before=b", f"{LIST}100&after=a"]


@pytest.mark.parametrize("direction", ["older", "newer"])
def test_a_walk_ends_where_the_archive_begins_while_that_is_away(take: Take, direction: str) -> None:
    empty = page([], has_more=True, has_newer=True, partial=True, next="older-9")
    server = fake(answer(page([9], has_more=True, has_newer=True, partial=True)), answer(empty))
    pages = take(server, lambda client: client.messages(7, direction=direction, partial=True).pages(), 10)
    assert [(len(one["messages"]), one["partial"]) for one in pages] == [(1, True), (0, True)]
    assert all("partial=allow" in request for request in server.requests)


def test_a_loop_that_is_left_asks_no_further(take: Take) -> None:
    server = fake(answer(page([9, 8], has_more=True)))
    assert len(take(server, lambda client: client.messages(7), 2)) == 2
    assert len(server.requests) == 1


def test_times_and_days_are_written_as_the_api_reads_them() -> None:
    server = fake(answer(page([])))
    client = server.sync()
    taipei = timezone(timedelta(hours=8))
    client.message_page(7, at=datetime(2026, 1, 2, 3, 4, 5, 600, taipei), to=date(2026, 2, 1), count="none")
    client.prices("A/B", start_date=date(2026, 1, 31))
    client.price_columns(12, interval="week")
    assert server.requests[0] == ("/api/conversations/7/messages?at=2026-01-01T19%3A04%3A05.000600Z&to=2026-02-01&count=none")
    assert server.requests[1] == "/api/stocks/symbols/A%2FB/prices?start_date=2026-01-31"
    assert server.requests[2] == "/api/stocks/12/prices/columns?interval=week"
    with pytest.raises(ValueError, match="has no time zone"):
        client.message_page(7, at=datetime(2026, 1, 2))
    with pytest.raises(TypeError, match="a list, not a text"):
        client.latest_prices("2330")


def test_users_are_asked_for_a_hundred_at_a_time() -> None:
    big = 9007199254740993
    server = fake(answer({"users": [{"id": 1}]}), answer({"users": [{"id": big}]}))
    assert [user["id"] for user in server.sync().users([*range(1, 101), 1, big])] == [1, big]
    assert server.requests[1] == f"/api/users?ids={big}"


def test_a_problem_is_an_error_with_its_kind() -> None:
    with pytest.raises(ProblemError, match=r"not-found: The detail of not-found\.") as caught:
        fake(problem("not-found", 404)).sync().post(1)
    error = caught.value
    assert (error.kind, error.status, error.request_id, error.temporary) == ("not-found", 404, "r-1", False)


def test_an_answer_that_is_no_problem_document_is_one_too() -> None:
    with pytest.raises(ProblemError) as caught:
        fake(lambda _: httpx.Response(502, text="<h1>Bad Gateway</h1>")).sync(retries=0).get("/health")
    assert (caught.value.kind, caught.value.status, caught.value.temporary) == ("about:blank", 502, True)
    with pytest.raises(ProblemError) as caught:
        fake(answer({"type": "about:blank", "status": 404}, 404)).sync().get("/health")
    assert (caught.value.kind, caught.value.status) == ("about:blank", 404)
    with pytest.raises(ConnectionFailedError, match="not JSON"):
        fake(lambda _: httpx.Response(200, text="<h1>Sign in</h1>")).sync(retries=0).get("/health")


def test_a_failure_that_may_pass_is_repeated_after_retry_after_and_a_random_time() -> None:
    server = fake(problem("overloaded", 503, retry_after="3"), cut(b'{"success":'), answer(page([1])))
    assert len(server.sync().message_page(7)["messages"]) == 1
    assert server.waits == [3.25, 0.5]


def test_retries_end_and_a_long_retry_after_is_not_waited_for() -> None:
    for kind, headers, requests in [("timeout", {}, 3), ("overloaded", {"retry_after": "60"}, 1)]:
        server = fake(problem(kind, 503, **headers))
        with pytest.raises(ProblemError):
            server.sync().get("/health")
        assert len(server.requests) == requests
    server = fake(refuse)
    with pytest.raises(ConnectionFailedError, match="refused"):
        server.sync().get("/health")
    with pytest.raises(ConnectionError):
        asyncio.run(server.asynchronous().get("/health"))
    assert len(server.requests) == 6


def test_a_function_gives_the_token_and_another_one_once_it_is_refused() -> None:
    server = fake(problem("unauthorized", 401), answer(page([1])))
    server.sync(lambda refused: "old" if refused is None else "new").message_page(7)

    async def source(refused: str | None) -> str:
        return "old" if refused is None else "new"

    again = fake(problem("unauthorized", 401), answer(page([1])))
    asyncio.run(again.asynchronous(source).message_page(7))
    for one in (server, again):
        assert [headers["Authorization"] for headers in one.headers] == ["Bearer old", "Bearer new"]
    refused = fake(problem("unauthorized", 401))
    with pytest.raises(ProblemError):
        refused.sync(lambda _: "old").message_page(7)
    assert len(refused.requests) == 1


def test_prices_that_break_off_are_an_error_and_not_a_shorter_range(take: Take) -> None:
    def stream(client: Any) -> Any:
        return client.price_stream("2330")

    server = fake(whole(b'{"trade_date":"2026-01-02"}\n{"trade', b'_date":"2026-01-03"}'))
    rows = take(server, stream, 10)
    assert [row["trade_date"] for row in rows] == ["2026-01-02", "2026-01-03"]
    with pytest.raises(ConnectionFailedError):
        take(fake(cut(b'{"trade_date":"2026-01-02"}\n{"trade')), stream, 10)
