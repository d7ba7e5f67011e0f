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
    "What prices are of. They never move.",
)
.indexes(&[index("stocks_symbol", &["symbol"], "one stock a symbol").constraint()]);

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
    "A stock's day, until it moves.",
)
.moves_to("stock_prices_history")
.indexes(&[
    index("stock_prices_day", &["stock_id", "trade_date"], "one price a stock and day").constraint(),
    index("stock_prices_due", &["trade_date", "id"], "the mover's scan for what is due"),
]);

/// `stock_prices_history`
pub const PRICES_HISTORY: Table = table(
    "stock_prices_history",
    &versions::<{ PRICES.columns.len() + 4 }>(PRICES.columns),
    "Prices that moved; one open version a stock and day.",
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
