//! The tables of stocks and prices.

use thermocline_core::archived::{OPEN, batch_index, closed_index, original_index, versions};
use thermocline_core::table::{ColumnDefault, ID, Kind, StorageForm, Table, column, index, table};

/// `stocks`
pub const STOCKS: Table = table(
    "stocks",
    &[
        ID,
        column("symbol", Kind::Text).form(StorageForm::Code(20)),
        column("name", Kind::Text).form(StorageForm::Length(200)).null(),
        column("exchange", Kind::Text).form(StorageForm::Length(50)).null(),
        column("market_type", Kind::Text).form(StorageForm::Length(50)).null(),
        column("created_at", Kind::Time).default(ColumnDefault::Now),
        column("updated_at", Kind::Time).default(ColumnDefault::Now),
    ],
    "Stocks. They are not archived.",
)
.indexes(&[index("stocks_symbol", &["symbol"], "one stock for each symbol").constraint()]);

/// `stock_prices`, `stock_prices_history`
pub const PRICES: Table = table(
    "stock_prices",
    &[
        ID,
        column("stock_id", Kind::Int).of("stocks"),
        column("trade_date", Kind::Date),
        column("open_price", Kind::Price).null(),
        column("high_price", Kind::Price).null(),
        column("low_price", Kind::Price).null(),
        column("close_price", Kind::Price).null(),
        column("change_amount", Kind::Price).null(),
        column("volume", Kind::Int).null(),
        column("turnover", Kind::Int).null(),
        column("transaction_count", Kind::Int).null(),
        column("created_at", Kind::Time).default(ColumnDefault::Now),
    ],
    "One row for each stock and trading day that has not been archived.",
)
.moves_to("stock_prices_history")
.indexes(&[
    index("stock_prices_day", &["stock_id", "trade_date"], "one row for each stock and day").constraint(),
    index("stock_prices_due", &["trade_date", "id"], "the mover's scan for due rows"),
]);

/// `stock_prices_history`
pub const PRICES_HISTORY: Table = table(
    "stock_prices_history",
    &versions::<{ PRICES.columns.len() + 4 }>(PRICES.columns),
    "Versions of archived prices; one open version for each stock and day.",
)
.key(&["stock_id", "id"])
.indexes(&[
    index("stock_prices_history_open", &["stock_id", "trade_date DESC"], "a stock's days")
        .unique()
        .only(OPEN),
    closed_index("stock_prices_history_closed"),
    original_index("stock_prices_history_original"),
    batch_index("stock_prices_history_batch"),
]);
