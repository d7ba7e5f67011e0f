"""Paths, parameters, and the steps of a walk. No input or output of its own."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote

Time = datetime | date | str
"""A moment: RFC 3339, a date, or an object of `datetime`, which needs a time zone."""

Day = date | str
"""A day: `2026-01-31`, or an object of `datetime`."""

Direction = Literal["older", "newer"]

FIRST_DAY = "0001-01-01"
"""No row is older."""

RowT = TypeVar("RowT")
PageT = TypeVar("PageT", bound=Mapping[str, Any])


def text_of(value: Any) -> str:
    """Returns a parameter as the API reads it."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


@dataclass(frozen=True)
class Request:
    """A path and its parameters, as they are sent."""

    path: str
    params: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, path: str, **parameters: Any) -> "Request":
        """Returns a request without the parameters that are None. `from_` stands for `from`."""
        given = {name.rstrip("_"): text_of(value) for name, value in parameters.items() if value is not None}
        return cls(path, given)

    def with_(self, **parameters: Any) -> "Request":
        """Returns the same request with more parameters."""
        return Request(self.path, {**self.params, **Request.of(self.path, **parameters).params})


@dataclass(frozen=True)
class Walk(Generic[RowT, PageT]):
    """Where a walk over a list begins, and how it goes on."""

    name: str
    base: Request
    direction: Direction = "older"
    cursor: str | None = None

    def first(self) -> Request:
        """Returns the request for the first page."""
        if self.direction == "older":
            return self.base.with_(before=self.cursor)
        if self.cursor is None:
            # Around the begin of its time span, a list has its oldest rows.
            return self.base.with_(at=self.base.params.get("from", FIRST_DAY))
        return self.base.with_(after=self.cursor)

    def following(self, page: PageT) -> Request | None:
        """Returns the request for the page behind `page`, or None at the end."""
        if page.get("partial") and not page[self.name]:
            # The walk has come to the archive while that is away: every further page would be as empty.
            return None
        if self.direction == "newer":
            return self.base.with_(after=page["prev"]) if page["has_newer"] else None
        return self.base.with_(before=page["next"]) if page["has_more"] and page.get("next") else None

    def rows(self, page: PageT) -> list[RowT]:
        """Returns the rows of a page in the order of the walk."""
        rows: list[RowT] = page[self.name]
        return rows if self.direction == "older" else rows[::-1]


def messages_of(conversation: int) -> str:
    """Returns the path of the messages of a conversation."""
    return f"/api/conversations/{conversation:d}/messages"


def changes_of(conversation: int | None) -> str:
    """Returns the path of the changes of a conversation, or of all that the caller is part of."""
    return "/api/changes" if conversation is None else f"{messages_of(conversation)}/changes"


def prices_of(stock: str | int) -> str:
    """Returns the path of the prices of a stock: of its symbol, or of its id."""
    if isinstance(stock, int):
        return f"/api/stocks/{stock:d}/prices"
    return f"/api/stocks/symbols/{quote(stock, safe='')}/prices"


def symbols_of(symbols: Iterable[str]) -> str:
    """Returns several symbols as one parameter."""
    if isinstance(symbols, str):
        raise TypeError("several symbols are a list, not a text")
    return ",".join(symbols)


TokenSource = Callable[[str | None], str]
"""Gives the bearer token of a request. After a 401 it is called once more, with the token that was refused."""

AsyncTokenSource = Callable[[str | None], Awaitable[str]]
"""The same for an async client."""
