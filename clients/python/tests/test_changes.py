"""The change feed: resumed after every break, without repeated rows."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from conftest import Body, Fake, Take, answer, cut, event, fake, message, page, problem, refuse, whole

from thermocline import ChangesExpiredError, ErasedChange, MessageChange, ProblemError, Reset


def told(changes: list[Any]) -> list[str]:
    lines = []
    for change in changes:
        match change:
            case MessageChange(message, token):
                lines.append(f"{token}: {message['content']}")
            case ErasedChange(erased, token):
                lines.append(f"{token}: erased {erased['id']}")
            case Reset(page):
                lines.append(f"page of {[row['id'] for row in page['messages']]}")
    return lines


def tokens(server: Fake) -> list[str | None]:
    return [headers.get("Last-Event-ID") for headers in server.headers]


def feed(**options: Any) -> Callable[[Any], Any]:
    return lambda client: client.changes(7, since="t0", **options)


def test_a_stream_that_breaks_off_goes_on_after_the_last_change(take: Take) -> None:
    server = fake(
        cut(event("t1", message(1)), event("t2", message(2))),
        whole(),
        cut(b": alive\n\n", b"id: t3\n\n"),
        whole(event("t4", {"id": 1, "conversation_id": 7}, "erased")),
    )
    assert told(take(server, feed(), 3)) == ["t1: text 1", "t2: text 2", "t4: erased 1"]
    assert tokens(server) == ["t0", "t2", "t2", "t3"]
    assert set(server.requests) == {"/api/conversations/7/messages/changes"}
    assert {headers["Accept"] for headers in server.headers} == {"text/event-stream"}


def test_a_feed_without_a_token_begins_with_the_one_of_now(take: Take) -> None:
    now = answer({"success": True, "messages": [], "next": "now", "has_more": False})
    server = fake(now, whole(event("t1", message(1))))
    take(server, lambda client: client.changes(), 1)
    assert server.requests == ["/api/changes", "/api/changes"]
    assert tokens(server) == [None, "now"]


def test_a_repeated_row_is_given_once_and_a_changed_one_again(take: Take) -> None:
    events = [
        event("t1", message(1)),
        event("t2", message(2, "other")),
        event("t3", message(2, "other", from_archive=True)),
        event("t4", message(1, "changed")),
        event("t5", message(1)),
        event("t6", {"id": 2, "conversation_id": 7}, "erased"),
        event("t7", message(2, "other")),
        event("t8", {}, "of a newer server"),
        event("t9", message(3)),
    ]
    changes = take(fake(whole(*events)), feed(known=[message(1)]), 6)
    assert told(changes) == ["t2: other", "t4: changed", "t5: text 1", "t6: erased 2", "t7: other", "t9: text 3"]


def test_waits_grow_with_every_failure_are_random_and_begin_anew_after_a_change(take: Take) -> None:
    server = fake(
        refuse,
        problem("tier-unavailable", 503, retry_after="2"),
        lambda _: httpx.Response(502, text="<h1>Bad Gateway</h1>"),
        whole(event("t1", message(1))),
        whole(event("t2", message(2))),
    )
    take(server, feed(), 2)
    assert server.waits == [0.25, 2.5, 1.0, 0.25]


def test_a_stream_that_lasted_is_no_failure(take: Take) -> None:
    class Lasting(Body):
        def __iter__(self) -> Iterator[bytes]:
            server.time += 60
            yield b": alive\n\n"

    def lasting(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Lasting())

    server = fake(refuse, refuse, whole(b": alive\n\n"), lasting, whole(), whole(event("t1", message(1))))
    take(server, feed(), 1)
    assert server.waits == [0.25, 0.5, 1.0, 0.25, 0.5]


def test_a_token_that_is_too_old_ends_the_feed(take: Take) -> None:
    with pytest.raises(ChangesExpiredError):
        take(fake(whole(event("t1", message(1))), problem("changes-expired", 410)), feed(), 2)
    with pytest.raises(ProblemError, match="forbidden"):
        take(fake(problem("forbidden", 403)), feed(), 1)


def test_a_silent_connection_is_given_up(take: Take) -> None:
    def silent(request: httpx.Request) -> httpx.Response:
        assert request.extensions["timeout"]["read"] == 45
        raise httpx.ReadTimeout("silent")

    server = fake(silent, whole(event("t1", message(1))))
    assert told(take(server, feed(), 1)) == ["t1: text 1"]


def test_a_live_list_is_read_anew_when_changes_may_have_been_missed(take: Take) -> None:
    server = fake(
        *[problem("overloaded", 503)] * 3,
        answer(page([2, 1], changes="p1")),
        whole(event("t3", message(2)), event("t4", message(3))),
        problem("changes-expired", 410),
        answer(page([5, 4], changes="p2")),
        whole(event("t6", message(6))),
    )
    live = take(server, lambda client: client.live(7, limit=2), 4)
    assert told(live) == ["page of [2, 1]", "t4: text 3", "page of [5, 4]", "t6: text 6"]
    assert [token for token in tokens(server) if token] == ["p1", "t4", "p2"]


def test_a_live_list_without_a_feed_says_so(take: Take) -> None:
    with pytest.raises(ProblemError, match="not-found"):
        take(fake(answer(page([1])), problem("not-found", 404)), lambda client: client.live(7), 2)
