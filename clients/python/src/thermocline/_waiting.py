"""Time and randomness, passed in so that tests can hold them still."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

FIRST_WAIT = 0.5
LONGEST_WAIT = 30.0

PATIENCE = 30.0
"""Seconds of `Retry-After` beyond which a request fails at once instead of waiting."""


@dataclass(frozen=True)
class Waiting:
    """How a client waits: by the real clock, unless a test passes another."""

    sleep: Callable[[float], None] = time.sleep
    sleep_async: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random
    now: Callable[[], float] = time.monotonic

    def after(self, failure: int, at_least: float | None) -> float:
        """Returns the seconds to wait after the failure with this number, from 0.

        A random time up to 0.5 s, 1 s, 2 s, … 30 s, so that clients which failed together do not return together. It comes
        on top of `at_least`, the seconds of `Retry-After`.
        """
        most = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(failure, 16))
        return float((at_least or 0.0) + self.random() * most)
