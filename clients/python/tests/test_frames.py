"""Frames of prices, without a server."""

import pytest
from conftest import answer, fake

DECIMALS = ("open_price", "high_price", "low_price", "close_price", "change_amount")
WHOLE = ("volume", "turnover", "transaction_count")
COLUMNS: dict[str, list[object]] = {
    "trade_date": ["2026-01-02", "2026-01-05"],
    **{name: [10.5, None] for name in DECIMALS},
    **{name: [2**62 + 1, None] for name in WHOLE},
}
NONE: dict[str, list[object]] = {name: [] for name in COLUMNS}


def test_missing_values_stay_missing_and_whole_numbers_exact() -> None:
    pd = pytest.importorskip("pandas")
    server = fake(answer({"symbol": "2330", "prices": COLUMNS}))
    frame = server.sync().price_frame("2330")
    assert server.requests == ["/api/stocks/symbols/2330/prices/columns?order=asc"]
    assert frame.index.name == "trade_date"
    assert frame.attrs["symbol"] == "2330"
    assert frame["volume"].iloc[0] == 2**62 + 1
    assert frame["volume"].iloc[1] is pd.NA
    assert frame.isna().to_numpy().tolist() == [[False] * 8, [True] * 8]


def test_a_range_without_prices_is_an_empty_frame_of_the_same_columns() -> None:
    pytest.importorskip("pandas")
    full, empty = ({"symbol": "2330", "prices": prices} for prices in (COLUMNS, NONE))
    one, none = fake(answer(full)).sync().price_frame("2330"), fake(answer(empty)).sync().price_frame("2330")
    assert none.empty
    assert one.dtypes.equals(none.dtypes)


def test_a_stock_that_could_not_be_read_is_not_left_out() -> None:
    pytest.importorskip("pandas")
    failed = {"symbol": "0050", "prices": NONE, "complete": False, "error": {"detail": "cold is away"}}
    good = {"symbol": "2330", "prices": COLUMNS, "complete": True}
    with pytest.raises(RuntimeError, match="0050: cold is away"):
        fake(answer({"unknown": [], "stocks": [good, failed]})).sync().price_frame(["2330", "0050"])
    with pytest.raises(KeyError, match="XX"):
        fake(answer({"unknown": ["XX"], "stocks": [good]})).sync().price_frame(["2330", "XX"])
