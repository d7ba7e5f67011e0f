//! The tables of stocks and prices.

use thermocline_core::archived::{OPEN, batch_index, closed_index, original_index, versions};
use thermocline_core::table::{ColumnDefault, ColumnType, ID, StorageForm, Table, column, index, table};

/// `stocks`
pub const STOCKS: Table = table(
    "stocks",
    &[
        ID,
        column("symbol", ColumnType::Text).form(StorageForm::Code(20)),
        column("name", ColumnType::Text).form(StorageForm::Length(200)).null(),
        column("exchange", ColumnType::Text).form(StorageForm::Length(50)).null(),
        column("market_type", ColumnType::Text).form(StorageForm::Length(50)).null(),
        column("created_at", ColumnType::Time).default(ColumnDefault::Now),
        column("updated_at", ColumnType::Time).default(ColumnDefault::Now),
    ],
    "Stocks. They are not archived.",
)
.indexes(&[index("stocks_symbol", &["symbol"], "one stock for each symbol").constraint()]);

/// `stock_prices`, `stock_prices_history`
pub const PRICES: Table = table(
    "stock_prices",
    &[
        ID,
        column("stock_id", ColumnType::Int).of("stocks"),
        column("trade_date", ColumnType::Date),
        column("open_price", ColumnType::Price).null(),
        column("high_price", ColumnType::Price).null(),
        column("low_price", ColumnType::Price).null(),
        column("close_price", ColumnType::Price).null(),
        column("change_amount", ColumnType::Price).null(),
        column("volume", ColumnType::Int).null(),
        column("turnover", ColumnType::Int).null(),
        column("transaction_count", ColumnType::Int).null(),
        column("created_at", ColumnType::Time).default(ColumnDefault::Now),
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
.key(&["stock_id", "trade_date", "id"])
.indexes(&[
    index("stock_prices_history_open", &["stock_id", "trade_date DESC"], "a stock's days")
        .unique()
        .only(OPEN),
    closed_index("stock_prices_history_closed"),
    original_index("stock_prices_history_original"),
    batch_index("stock_prices_history_batch"),
]);
