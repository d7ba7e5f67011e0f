"""A program that knows the installed package alone."""

import os

from thermocline import ProblemError, Thermocline

conversation = int(os.environ["THERMOCLINE_CONVERSATION"])
with Thermocline(os.environ["THERMOCLINE_URL"], os.environ["THERMOCLINE_TOKEN"]) as client:
    rows = []
    for message in client.messages(conversation, limit=20):
        rows.append(message["id"])
        if len(rows) == 50:
            break
    assert len(set(rows)) == 50, "fifty rows, each once"
    try:
        client.post(9_000_000_000)
        raise AssertionError("a typed problem")
    except ProblemError as problem:
        assert problem.kind == "not-found", problem
    try:
        client.price_frame("2330")
        raise AssertionError("pandas is not part of the package")
    except ImportError:
        pass
    print(len(rows), "rows")
