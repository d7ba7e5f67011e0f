"""The demo that every client asks, and the checks that every client passes."""

import os

URL = os.environ["THERMOCLINE_URL"]
TOKEN = os.environ["THERMOCLINE_TOKEN"]
CONVERSATION = int(os.environ["THERMOCLINE_CONVERSATION"])
ABSENT = 9_000_000_000
"""An id that no row has."""


def check_pages(pages):
    """Checks that pages are not empty, and that each begins where the one before ended."""
    rows = [row for page in pages for row in page]
    assert [len(page) for page in pages] == [4, 4, 4], pages
    assert len({row.id for row in rows}) == len(rows), "no row comes twice"
    times = [row.created_at for row in rows]
    assert times == sorted(times, reverse=True), "newest first"


def check_prices(answer):
    """Checks a range of five prices."""
    assert answer.count == 5 and len(answer.prices) == 5, answer
    assert isinstance(answer.prices[0].close_price, (int, float)), answer.prices[0]


def check_problem(problem):
    """Checks the problem of an absent post."""
    assert (problem.type_ if hasattr(problem, "type_") else problem.type) == "/problems/not-found", problem
    assert problem.status == 404 and problem.detail and problem.success is False, problem
