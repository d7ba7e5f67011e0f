//! The hot tier: the platform's own tables, and what the mover keeps beside them.

use super::{
    ColumnDefault, ERASURES, ID, Kind, RESOURCE, RESOURCES, StorageForm, Table, column, index, table,
};

/// `users`
pub const USERS: Table = table(
    "users",
    &[
        ID,
        column("username", Kind::Text).form(StorageForm::Length(200)),
        column("email", Kind::Text).form(StorageForm::Length(320)).null(),
    ],
    "Who writes and reads.",
);

/// `conversations`
pub const CONVERSATIONS: Table = table(
    "conversations",
    &[
        ID,
        column("user1_id", Kind::Int).of("users"),
        column("user2_id", Kind::Int).of("users").null(),
        column("created_at", Kind::Time).default(ColumnDefault::Now),
        column("updated_at", Kind::Time).default(ColumnDefault::Now),
    ],
    "Two users and what they say to each other. They never move.",
)
.indexes(&[
    index("conversations_user1", &["user1_id", "updated_at DESC", "id DESC"], "a user's conversations"),
    index(
        "conversations_user2",
        &["user2_id", "updated_at DESC", "id DESC"],
        "the same, for the other of the two",
    ),
]);

/// `messages`, `messages_archive`
pub const MESSAGES: Table = table(
    "messages",
    &[
        ID,
        column("conversation_id", Kind::Int).of("conversations"),
        column("sender_id", Kind::Int).of("users"),
        column("content", Kind::Text),
        column("created_at", Kind::Time).default(ColumnDefault::Now),
        column("is_read", Kind::Bool).default(ColumnDefault::Bool(false)),
    ],
    "Messages that have not moved yet.",
)
.moves_to("messages_archive")
.indexes(&[
    index("messages_key", &["conversation_id", "created_at DESC", "id DESC"], "a conversation's pages"),
    index("messages_due", &["created_at", "id"], "the mover's scan for what is due"),
]);

/// `posts`, `posts_archive`
pub const POSTS: Table = table(
    "posts",
    &[
        ID,
        column("author_id", Kind::Int).of("users"),
        column("title", Kind::Text).form(StorageForm::Length(200)),
        column("body", Kind::Text),
        column("created_at", Kind::Time).default(ColumnDefault::Now),
    ],
    "Posts that have not moved yet.",
)
.moves_to("posts_archive")
.indexes(&[
    index("posts_key", &["created_at DESC", "id DESC"], "all posts; backwards the mover's scan"),
    index("posts_author_key", &["author_id", "created_at DESC", "id DESC"], "an author's posts"),
]);

/// `comments`, `comments_archive`
pub const COMMENTS: Table = table(
    "comments",
    &[
        ID,
        column("post_id", Kind::Int).of("posts"),
        column("author_id", Kind::Int).of("users"),
        column("body", Kind::Text),
        column("created_at", Kind::Time).default(ColumnDefault::Now),
    ],
    "What is said of a post; they move with it.",
)
.moves_to("comments_archive")
.indexes(&[index(
    "comments_key",
    &["post_id", "created_at DESC", "id DESC"],
    "a post's comments, and their number",
)]);

/// `likes`, `likes_archive`
pub const LIKES: Table = table(
    "likes",
    &[column("user_id", Kind::Int).of("users"), column("post_id", Kind::Int).of("posts")],
    "Who likes a post; they move with it.",
)
.moves_to("likes_archive")
.key(&["post_id", "user_id"]);

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

/// Every table that the platform owns, parents before children.
pub const PLATFORM: [&Table; 8] =
    [&USERS, &CONVERSATIONS, &MESSAGES, &POSTS, &COMMENTS, &LIKES, &STOCKS, &PRICES];

const STATE: Table = table(
    "archive_state",
    &[
        RESOURCE,
        column("pair", Kind::Int).null(),
        column("epoch", Kind::Int).default(ColumnDefault::Int(0)),
        column("token", Kind::Int).null(),
        column("cold_newest_at", Kind::Time).null(),
        column("cold_newest_id", Kind::Int).null(),
        column("mover", Kind::Text).form(StorageForm::Length(200)).null(),
        column("held", Kind::Bool).default(ColumnDefault::Bool(false)),
        column("updated_at", Kind::Time).null(),
    ],
    "The epoch of each resource, kept where the rows leave from, so that it changes in the transaction that removes them.",
)
.key(&["resource"])
.rows(RESOURCES);

const REJECTS: Table = table(
    "archive_rejects",
    &[RESOURCE, column("id", Kind::Int), column("reason", Kind::Text), column("at", Kind::Time)],
    "Rows that cold cannot hold: they stay, and why.",
)
.key(&["resource", "id"]);

/// Every table of the hot tier, parents before children.
pub const TABLES: [&Table; 11] = [
    &USERS,
    &CONVERSATIONS,
    &MESSAGES,
    &POSTS,
    &COMMENTS,
    &LIKES,
    &STOCKS,
    &PRICES,
    &STATE,
    &REJECTS,
    &ERASURES,
];
