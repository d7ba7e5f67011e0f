"""The client of Thermocline: lists, prices and the change feed, typed, sync and async."""

from thermocline._async import AsyncRows, AsyncThermocline
from thermocline._requests import AsyncTokenSource, Day, Direction, Time, TokenSource
from thermocline._sync import Rows, Thermocline
from thermocline.changes import Change, ErasedChange, MessageChange, Reset
from thermocline.errors import ChangesExpiredError, ConnectionFailedError, ProblemError, ThermoclineError

__all__ = [
    "AsyncRows",
    "AsyncThermocline",
    "AsyncTokenSource",
    "Change",
    "ChangesExpiredError",
    "ConnectionFailedError",
    "Day",
    "Direction",
    "ErasedChange",
    "MessageChange",
    "ProblemError",
    "Reset",
    "Rows",
    "Thermocline",
    "ThermoclineError",
    "Time",
    "TokenSource",
]
