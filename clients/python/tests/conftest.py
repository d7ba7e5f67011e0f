"""A transport that answers without a network, and a clock that neither waits nor draws."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from thermocline import AsyncThermocline, Thermocline
from thermocline._waiting import Waiting

Handler = Callable[[httpx.Request], httpx.Response]

LIMIT = 20.0
"""Seconds a test waits for what should happen at once."""


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in pieces, which ends in good order, or with an error."""

    def __init__(self, *pieces: bytes, error: Exception | None = None) -> None:
        self.pieces, self.error = pieces, error

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces
        if self.error:
            raise self.error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


@dataclass
class Fake:
    """Answers the n-th request with the n-th handler, and all later ones with the last."""

    handlers: tuple[Handler, ...]
    requests: list[str] = field(default_factory=list)
    headers: list[httpx.Headers] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    time: float = 0.0

    def handle(self, request: httpx.Request) -> httpx.Response:
        handler = self.handlers[min(len(self.requests), len(self.handlers) - 1)]
        self.requests.append(str(request.url.copy_with(scheme="", host=None)).removeprefix("//fake"))
        self.headers.append(request.headers)
        return handler(request)

    @property
    def waiting(self) -> Waiting:
        async def sleep_async(seconds: float) -> None:
            self.waits.append(seconds)

        return Waiting(self.waits.append, sleep_async, lambda: 0.5, lambda: self.time)

    def sync(self, token: Any = "secret", **options: Any) -> Thermocline:
        http = httpx.Client(transport=httpx.MockTransport(self.handle))
        return Thermocline("http://fake/", token, http=http, waiting=self.waiting, **options)

    def asynchronous(self, token: Any = "secret", **options: Any) -> AsyncThermocline:
        http = httpx.AsyncClient(transport=httpx.MockTransport(self.handle))
        return AsyncThermocline("http://fake", token, http=http, waiting=self.waiting, **options)


def fake(*handlers: Handler) -> Fake:
    return Fake(handlers)


def answer(body: Any, status: int = 200, **headers: str) -> Handler:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: httpx.Response(status, json=body, headers=named)


def problem(kind: str, status: int, **headers: str) -> Handler:
    detail = f"The detail of {kind}."
    body = {"type": f"/problems/{kind}", "title": kind, "status": status, "detail": detail, "message": detail}
    return answer({**body, "success": False, "request_id": "r-1"}, status, **headers)


def refuse(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


def cut(*pieces: bytes, status: int = 200) -> Handler:
    return lambda _: httpx.Response(status, stream=Body(*pieces, error=httpx.ReadError("cut")))


def whole(*pieces: bytes) -> Handler:
    return lambda _: httpx.Response(200, stream=Body(*pieces))


def message(number: int, content: str | None = None, from_archive: bool = False) -> dict[str, Any]:
    row = {"id": number, "conversation_id": 7, "sender_id": 1, "content": content or f"text {number}", "is_read": True}
    return {**row, "created_at": "2026-01-01T00:00:00.000000Z", "from_archive": from_archive}


def page(ids: list[int], **more: Any) -> dict[str, Any]:
    cursors = {"next": f"older-{ids[-1]}" if ids else None, "prev": f"newer-{ids[0]}" if ids else "same"}
    rows = [message(number) for number in ids]
    return {"success": True, "messages": rows, "has_more": False, "has_newer": False, "total": None, **cursors, **more}


def event(token: str, data: Any, name: str = "message") -> bytes:
    return f"id: {token}\nevent: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


Take = Callable[[Fake, Callable[[Any], Any], int], list[Any]]


@pytest.fixture(params=["sync", "async"])
def take(request: pytest.FixtureRequest) -> Take:
    """Takes the first values of an iterator that a client of either kind gives."""

    def take_sync(server: Fake, ask: Callable[[Any], Any], most: int) -> list[Any]:
        return list(itertools.islice(ask(server.sync()), most))

    def take_async(server: Fake, ask: Callable[[Any], Any], most: int) -> list[Any]:
        async def read() -> list[Any]:
            taken: list[Any] = []
            async for value in ask(server.asynchronous()):
                taken.append(value)
                if len(taken) == most:
                    break
            return taken

        return asyncio.run(asyncio.wait_for(read(), LIMIT))

    return take_sync if request.param == "sync" else take_async
