"""Bytes of a stream into lines, and lines into events. No input or output of its own."""

import codecs
import re
from dataclasses import dataclass, field

_END = re.compile(r"\r\n|\n|\r")


class Lines:
    r"""Cuts bytes into lines at `\n`, `\r\n` and `\r`, and nowhere else: texts may hold other separators."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._rest = ""

    def add(self, data: bytes) -> list[str]:
        r"""Returns the lines that `data` completes. A `\r` at its end may be the first half of `\r\n`."""
        text = self._rest + self._decoder.decode(data)
        held = text.endswith("\r")
        *lines, rest = _END.split(text[:-1] if held else text)
        self._rest = rest + ("\r" if held else "")
        return lines

    def end(self) -> list[str]:
        """Returns the lines of the rest."""
        rest, self._rest = self._rest + self._decoder.decode(b"", final=True), ""
        lines = _END.split(rest)
        return lines if lines[-1] else lines[:-1]


@dataclass
class Event:
    """An event of a stream. Without data it moves the id alone."""

    event: str
    data: str | None
    id: str | None


@dataclass
class Events:
    """Lines of `text/event-stream` into events, as the HTML standard defines them."""

    id: str | None = None
    _event: str = ""
    _data: list[str] = field(default_factory=list)
    _touched: bool = False
    _first: bool = True

    def add(self, line: str) -> Event | None:
        """Returns the event that `line` completes, if any."""
        if self._first:
            self._first = False
            line = line.removeprefix("\ufeff")
        if line == "":
            return self._complete()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        # A line that begins with a colon is a comment.
        match name:
            case "event":
                self._event = value
            case "data":
                self._data.append(value)
            case "id" if "\0" not in value:
                self.id, self._touched = value, True
        return None

    def _complete(self) -> Event | None:
        data = "\n".join(self._data) if self._data else None
        event = Event(self._event or "message", data, self.id)
        complete = data is not None or self._touched
        self._event, self._data, self._touched = "", [], False
        return event if complete else None
