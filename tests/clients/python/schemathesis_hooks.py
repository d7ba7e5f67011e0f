"""The rules of the API that OpenAPI cannot express: cursors come from the server, one request has one style of paging, and a
request to the movers asks for something.

Requests against these rules are left out where schemathesis expects them to be accepted.
"""

import schemathesis

STYLES = [{"page", "per_page"}, {"offset"}, {"before"}, {"after"}, {"around"}, {"at"}]
CURSORS = {"before", "after", "as_of"}


def is_allowed(query):
    """Whether the parameters may stand together."""
    given = {name for name, value in query.items() if value is not None}
    styles = [style for style in STYLES if style & given]
    if len(styles) > 1 or ({"page", "per_page"} & given and "limit" in given):
        return False
    # A cursor belongs to one list and one time span: it is tried where it comes from.
    if CURSORS & given:
        return False
    for first, last in [("from", "to"), ("start_date", "end_date")]:
        if first in given and last in given and str(query[first]) > str(query[last]):
            return False
    # The range ends today by default.
    if "start_date" in given and "end_date" not in given:
        return False
    symbols = str(query.get("symbols", "")).split(",")
    return len(set(symbols)) == len(symbols)


def asks_something(body):
    """Whether a request to the movers names what they are to do."""
    return any(name in body for name in ("paused", "rows_per_second", "max_hot_latency_ms"))


@schemathesis.hook
def filter_case(context, case):
    is_meant_to_fail = case.meta is not None and case.meta.generation.mode.is_negative
    if case.operation.path == "/api/archive/control" and isinstance(case.body, dict):
        return is_meant_to_fail or asks_something(case.body)
    return is_meant_to_fail or is_allowed(case.query or {})
