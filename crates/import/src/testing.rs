//! Nouns for the tests of this room.

use thermocline_core::table::{ColumnDefault, ID, Kind, StorageForm, Table, column, table};

use super::{Noun, Parent};

const USERS_TABLE: Table = table(
    "users",
    &[
        ID,
        column("username", Kind::Text).form(StorageForm::Length(200)),
        column("email", Kind::Text).form(StorageForm::Length(320)).null(),
    ],
    "",
);
const CONVERSATIONS_TABLE: Table = table(
    "conversations",
    &[
        ID,
        column("created_at", Kind::Time).default(ColumnDefault::Now),
        column("updated_at", Kind::Time).default(ColumnDefault::Now),
    ],
    "",
);
const MESSAGES_TABLE: Table = table(
    "messages",
    &[
        ID,
        column("conversation_id", Kind::Int).of("conversations"),
        column("sender_id", Kind::Int).of("users"),
        column("content", Kind::Text),
        column("created_at", Kind::Time).default(ColumnDefault::Now),
        column("is_read", Kind::Bool).default(ColumnDefault::Bool(false)),
    ],
    "",
);
const LIKES_TABLE: Table =
    table("likes", &[column("user_id", Kind::Int).of("users"), column("post_id", Kind::Int).of("posts")], "");
pub const STOCKS_TABLE: Table = table(
    "stocks",
    &[
        ID,
        column("symbol", Kind::Text).form(StorageForm::Code(20)),
        column("name", Kind::Text).form(StorageForm::Length(200)).null(),
    ],
    "",
);
const PRICES_TABLE: Table = table(
    "prices",
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
    "",
);

pub static USERS: Noun = Noun::new("users", &USERS_TABLE).not_empty(&["username"]);
pub static CONVERSATIONS: Noun = Noun::new("conversations", &CONVERSATIONS_TABLE);
pub static MESSAGES: Noun = Noun::new("messages", &MESSAGES_TABLE).requires(&["created_at"]);
pub static LIKES: Noun = Noun::new("likes", &LIKES_TABLE);
pub static PRICES: Noun = Noun::new("prices", &PRICES_TABLE)
    .parent(Parent { id: "stock_id", table: &STOCKS_TABLE, key: "symbol", also: &["name"] })
    .with_exchange_files();
