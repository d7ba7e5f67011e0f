"""Prices as frames of pandas, which is imported when the first one is made."""

from typing import TYPE_CHECKING, Final

from thermocline.schema import PriceColumnRange, PriceColumns, SeveralColumnRanges

if TYPE_CHECKING:
    from pandas import DataFrame

DECIMALS: Final = ("open_price", "high_price", "low_price", "close_price", "change_amount")
WHOLE: Final = ("volume", "turnover", "transaction_count")


def single_prices_frame(answer: PriceColumnRange) -> "DataFrame":
    """Returns the prices of one stock, indexed by trading day. `attrs` holds its symbol."""
    frame = _frame(answer["prices"])
    frame.attrs["symbol"] = answer["symbol"]
    return frame


def several_prices_frame(answer: SeveralColumnRanges) -> "DataFrame":
    """Returns the prices of several stocks, indexed by symbol and trading day.

    Raises `KeyError` when a symbol has no stock, and `RuntimeError` when the prices of a stock could not be read.
    """
    import pandas as pd

    if answer["unknown"]:
        raise KeyError(*answer["unknown"])
    failures = [f"{one['symbol']}: {one['error']['detail']}" for one in answer["stocks"] if "error" in one]
    if failures:
        raise RuntimeError("; ".join(failures))
    frames = {one["symbol"]: _frame(one["prices"]) for one in answer["stocks"]}
    return pd.concat(frames, names=["symbol", "trade_date"])


def _frame(columns: PriceColumns) -> "DataFrame":
    import pandas as pd

    index = pd.DatetimeIndex(columns["trade_date"], name="trade_date")
    decimals = {name: pd.Series(columns[name], index=index, dtype="float64") for name in DECIMALS}
    # Whole numbers that may be missing.
    whole = {name: pd.Series(columns[name], index=index, dtype="Int64") for name in WHOLE}
    return pd.DataFrame({**decimals, **whole}, index=index)
