"""Failures as callers see them: a problem of the server, or no answer at all."""

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import cast

from thermocline.schema import Problem

TEMPORARY = (429, 502, 503, 504)
"""Statuses of requests that may succeed later."""


class ThermoclineError(Exception):
    """Every failure of a request."""

    temporary = False
    """Whether the same request may succeed later."""
    retry_after: float | None = None
    """Seconds after which the server wants to be asked again."""


class ConnectionFailedError(ThermoclineError, ConnectionError):
    """There was no answer, or it broke off: the network, or a server that stopped in the middle."""

    temporary = True


class ProblemError(ThermoclineError):
    """The server's answer is a problem (RFC 9457)."""

    def __init__(self, problem: Problem, retry_after: float | None = None) -> None:
        super().__init__(f"{problem['title']}: {problem['detail']}")
        self.problem = problem
        self.retry_after = retry_after

    @property
    def kind(self) -> str:
        """The problem type, such as `not-found`; `about:blank` for answers that are no problem document."""
        return self.problem["type"].rsplit("/", 1)[-1]

    @property
    def status(self) -> int:
        """The status of the response."""
        return self.problem["status"]

    @property
    def request_id(self) -> str | None:
        """The id under which the log of the server has the request."""
        return self.problem.get("request_id")

    @property
    def temporary(self) -> bool:  # type: ignore[override]
        """Whether the same request may succeed later."""
        return self.status in TEMPORARY


class ChangesExpiredError(ProblemError):
    """The token is too old: changes may have been missed, and the list has to be read anew."""


def problem_error(status: int, reason: str, body: bytes, retry_after: str | None) -> ProblemError:
    """Returns the error of an answer that is not a success."""
    problem = _parse(body) or _foreign(status, reason)
    kind = ChangesExpiredError if problem["type"].endswith("/changes-expired") else ProblemError
    return kind(problem, _seconds(retry_after))


def _parse(body: bytes) -> Problem | None:
    try:
        document = json.loads(body)
    except ValueError:
        return None
    is_whole = isinstance(document, dict) and {"type", "title", "status", "detail"} <= document.keys()
    return cast(Problem, document) if is_whole else None


def _foreign(status: int, reason: str) -> Problem:
    """Returns the problem of an answer that this API has not written, such as a proxy's page."""
    detail = f"The answer has status {status} and is no problem document."
    return {
        "type": "about:blank",
        "title": reason or f"Status {status}",
        "status": status,
        "detail": detail,
        "message": detail,
        "success": False,
    }


def _seconds(retry_after: str | None) -> float | None:
    """Returns the seconds that `Retry-After` asks for, as a number or a date."""
    if retry_after is None:
        return None
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
