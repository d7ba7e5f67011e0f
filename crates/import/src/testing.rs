//! Nouns for the tests of this module.

use thermocline_core::table::{ColumnDefault, ColumnType, ID, StorageForm, Table, column, table};

use super::{Noun, Parent};

const USERS_TABLE: Table = table(
    "users",
    &[
        ID,
        column("username", ColumnType::Text).form(StorageForm::Length(200)),
        column("email", ColumnType::Text).form(StorageForm::Length(320)).null(),
    ],
    "",
);
const CONVERSATIONS_TABLE: Table = table(
    "conversations",
    &[
        ID,
        column("created_at", ColumnType::Time).default(ColumnDefault::Now),
        column("updated_at", ColumnType::Time).default(ColumnDefault::Now),
    ],
    "",
);
const MESSAGES_TABLE: Table = table(
    "messages",
    &[
        ID,
        column("conversation_id", ColumnType::Int).of("conversations"),
        column("sender_id", ColumnType::Int).of("users"),
        column("content", ColumnType::Text),
        column("created_at", ColumnType::Time).default(ColumnDefault::Now),
        column("is_read", ColumnType::Bool).default(ColumnDefault::Bool(false)),
    ],
    "",
);
const LIKES_TABLE: Table = table(
    "likes",
    &[column("user_id", ColumnType::Int).of("users"), column("post_id", ColumnType::Int).of("posts")],
    "",
);
pub const STOCKS_TABLE: Table = table(
    "stocks",
    &[
        ID,
        column("symbol", ColumnType::Text).form(StorageForm::Code(20)),
        column("name", ColumnType::Text).form(StorageForm::Length(200)).null(),
    ],
    "",
);
const PRICES_TABLE: Table = table(
    "prices",
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
    "",
);

pub static USERS: Noun = Noun::new("users", &USERS_TABLE).not_empty(&["username"]);
pub static CONVERSATIONS: Noun = Noun::new("conversations", &CONVERSATIONS_TABLE);
pub static MESSAGES: Noun = Noun::new("messages", &MESSAGES_TABLE).requires(&["created_at"]);
pub static LIKES: Noun = Noun::new("likes", &LIKES_TABLE);
pub static PRICES: Noun = Noun::new("prices", &PRICES_TABLE)
    .parent(Parent { id: "stock_id", table: &STOCKS_TABLE, key: "symbol", also: &["name"] })
    .with_exchange_files();
