"""The change feed: what a change is, and where a feed stands. No input or output of its own."""

import json
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from thermocline._lines import Event, Events, Lines
from thermocline._waiting import Waiting
from thermocline.errors import ThermoclineError
from thermocline.schema import ErasedMessage, Message, MessagePage

LASTING = 5.0
"""A connection that lasted this many seconds was a good one, also without a change."""

REMEMBERED = 10_000
"""How many rows are remembered to recognise a repeated one."""


@dataclass(frozen=True)
class MessageChange:
    """A message that is new, or that was changed: here as it is now."""

    message: Message
    token: str
    """Kept by the caller, it continues the feed after this change."""


@dataclass(frozen=True)
class ErasedChange:
    """A message that was erased for good."""

    erased: ErasedMessage
    token: str


Change = MessageChange | ErasedChange


@dataclass(frozen=True)
class Reset:
    """The newest page of a live list, which replaces every row shown."""

    page: MessagePage


class Known:
    """Remembers rows by what they hold, because a restore repeats rows that have not changed."""

    def __init__(self, rows: Iterable[Message] = ()) -> None:
        self._rows: OrderedDict[int, str] = OrderedDict()
        for row in rows:
            self.is_new(row)

    def is_new(self, row: Message) -> bool:
        """Notes a row, and returns whether it differs from what was known of it."""
        # The tier is no part of a row: a row that came back from the archive is the same.
        content = json.dumps({**row, "from_archive": None}, sort_keys=True)
        before = self._rows.pop(row["id"], None)
        self._rows[row["id"]] = content
        if len(self._rows) > REMEMBERED:
            self._rows.popitem(last=False)
        return before != content

    def forget(self, row: ErasedMessage) -> None:
        """Notes that a row is gone."""
        self._rows.pop(row["id"], None)


@dataclass
class Feed:
    """Where a feed stands, over all its connections."""

    waiting: Waiting
    token: str | None = None
    known: Known = field(default_factory=Known)
    _failures: int = 0
    _opened: float | None = None
    _lines: Lines = field(default_factory=Lines)
    _events: Events = field(default_factory=Events)

    def opened(self) -> None:
        """A stream is there."""
        self._opened = self.waiting.now()
        self._lines, self._events = Lines(), Events()

    def add(self, data: bytes) -> Iterable[Change]:
        """Yields the changes that `data` completes. The token moves with each."""
        for line in self._lines.add(data):
            event = self._events.add(line)
            if event is not None:
                change = self._change(event)
                if change is not None:
                    yield change

    def broken(self, error: ThermoclineError | None) -> float:
        """Returns the seconds to wait before the next try. Raises an error that no waiting cures."""
        if error is not None and not error.temporary:
            raise error
        if self._opened is not None and self.waiting.now() - self._opened >= LASTING:
            self._failures = 0
        self._opened = None
        seconds = self.waiting.after(self._failures, error.retry_after if error else None)
        self._failures += 1
        return seconds

    def _change(self, event: Event) -> Change | None:
        """Returns the change of an event; None for a row as it is known, and for events of a newer server."""
        self._failures = 0
        self.token = token = event.id or self.token or ""
        if event.data is None:
            return None
        if event.event == "message":
            message: Message = json.loads(event.data)
            return MessageChange(message, token) if self.known.is_new(message) else None
        if event.event == "erased":
            erased: ErasedMessage = json.loads(event.data)
            self.known.forget(erased)
            return ErasedChange(erased, token)
        return None
