"""The change feed of a running server."""

import asyncio
import os
import subprocess
import time
from contextlib import aclosing, closing
from datetime import UTC, datetime

import pytest
from test_server import CONVERSATION, TOKEN, URL

from thermocline import AsyncThermocline, ChangesExpiredError, MessageChange, ProblemError, Reset, Thermocline

pytestmark = pytest.mark.server

LIMIT = 120.0
"""Seconds that a test waits at most; each write is a program that starts."""


def write(*contents: str) -> None:
    """Puts messages into hot past the server, as the platform would, by the import command."""
    now = datetime.now(UTC).isoformat()
    rows = [f"{CONVERSATION},1,{content},{now},false" for content in contents]
    text = "\n".join(["conversation_id,sender_id,content,created_at,is_read", *rows, ""])
    folder = os.environ["DEMO_FOLDER"]
    tiers = [f"--hot=sqlite:{folder}/hot.sqlite3", f"--cold=sqlite:{folder}/cold.sqlite3"]
    # The program refuses variables of its name that it does not know.
    known = {name: value for name, value in os.environ.items() if not name.startswith("THERMOCLINE")}
    command = [os.environ["DEMO_PROGRAM"], "import", "messages", "-", *tiers]
    subprocess.run(command, input=text, env=known, text=True, check=True, capture_output=True, timeout=LIMIT)


def test_a_live_list_shows_what_is_written() -> None:
    name = f"live {time.time_ns()}"
    with Thermocline(URL, TOKEN) as client, closing(client.live(CONVERSATION, limit=5)) as live:
        first = next(live)
        assert isinstance(first, Reset)
        assert len(first.page["messages"]) == 5
        write(f"{name} a", f"{name} b")
        changes = [next(live), next(live)]
        messages = [change.message for change in changes if isinstance(change, MessageChange)]
        assert [message["content"] for message in messages] == [f"{name} a", f"{name} b"]
        page = client.message_page(CONVERSATION, limit=2)
        assert sorted(page["messages"], key=lambda row: row["id"]) == messages


def test_a_token_continues_the_feed() -> None:
    name = f"token {time.time_ns()}"

    async def read() -> None:
        async with AsyncThermocline(URL, TOKEN) as client:
            since = (await client.change_page(CONVERSATION))["next"]
            await asyncio.to_thread(write, f"{name} a", f"{name} b")
            answer = await client.change_page(CONVERSATION, since=since)
            assert [row["content"] for row in answer["messages"]] == [f"{name} a", f"{name} b"]
            async with aclosing(client.changes(since=since)) as changes:
                first = await anext(changes)
            assert isinstance(first, MessageChange)
            assert first.message == answer["messages"][0]
            async with aclosing(client.changes(since=first.token)) as changes:
                second = await anext(changes)
            assert isinstance(second, MessageChange)
            assert second.message == answer["messages"][1]

    asyncio.run(asyncio.wait_for(read(), LIMIT))


def test_a_token_of_other_databases_has_expired() -> None:
    since = "AgAeg3PtewxhAAAAAAAAE4mAAAAAAAAAAKOJQ3s"
    with Thermocline(URL, TOKEN) as client:
        with closing(client.changes(CONVERSATION, since=since)) as changes, pytest.raises(ChangesExpiredError):
            next(changes)
        with pytest.raises(ChangesExpiredError):
            client.change_page(since=since)


def test_a_feed_of_others_does_not_exist() -> None:
    with Thermocline(URL, TOKEN) as client, closing(client.changes(9_000_000_000)) as changes:
        with pytest.raises(ProblemError) as caught:
            next(changes)
        assert caught.value.kind == "not-found"
