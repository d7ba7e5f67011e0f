//! The tables and columns the program writes row by row, declared once for every engine.

/// What a column holds; each engine has its own type for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A 64-bit integer.
    Int,
    /// Unicode text.
    Text,
    /// A UTC instant at microseconds.
    Time,
    /// A day.
    Date,
    /// `DECIMAL(10,2)`.
    Price,
    /// True or false.
    Bool,
}

/// One column of a hot table and, where the mover copies it, its twin in cold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in hot.
    pub name: &'static str,
    /// Its name in cold.
    pub archived: &'static str,
    /// What it holds.
    pub kind: Kind,
}

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, archived: name, kind }
}

/// The id of a row that moves: cold keeps it as `original_id`.
const ID: Column = Column { name: "id", archived: "original_id", kind: Kind::Int };

/// A table of the hot tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name in hot.
    pub name: &'static str,
    /// Its name in cold; `None` for a table that stays.
    pub archived: Option<&'static str>,
    /// Its columns, in the order of the canonical encoding that digests are taken of.
    pub columns: &'static [Column],
}

impl Table {
    /// Its columns, for a `SELECT` in hot.
    pub fn names(&self) -> String {
        self.columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
    }

    /// Its columns under their names in hot, for a `SELECT` in cold.
    pub fn names_in_cold(&self) -> String {
        let name = |column: &Column| {
            if column.name == column.archived {
                column.name.to_owned()
            } else {
                format!("{} AS {}", column.archived, column.name)
            }
        };
        self.columns.iter().map(name).collect::<Vec<_>>().join(", ")
    }
}

/// `users`
pub const USERS: Table = Table {
    name: "users",
    archived: None,
    columns: &[ID, column("username", Kind::Text), column("email", Kind::Text)],
};

/// `conversations`
pub const CONVERSATIONS: Table = Table {
    name: "conversations",
    archived: None,
    columns: &[
        ID,
        column("user1_id", Kind::Int),
        column("user2_id", Kind::Int),
        column("created_at", Kind::Time),
        column("updated_at", Kind::Time),
    ],
};

/// `messages`, `messages_archive`
pub const MESSAGES: Table = Table {
    name: "messages",
    archived: Some("messages_archive"),
    columns: &[
        ID,
        column("conversation_id", Kind::Int),
        column("sender_id", Kind::Int),
        column("content", Kind::Text),
        column("created_at", Kind::Time),
        column("is_read", Kind::Bool),
    ],
};

/// `posts`, `posts_archive`
pub const POSTS: Table = Table {
    name: "posts",
    archived: Some("posts_archive"),
    columns: &[
        ID,
        column("author_id", Kind::Int),
        column("title", Kind::Text),
        column("body", Kind::Text),
        column("created_at", Kind::Time),
    ],
};

/// `comments`, `comments_archive`
pub const COMMENTS: Table = Table {
    name: "comments",
    archived: Some("comments_archive"),
    columns: &[
        ID,
        column("post_id", Kind::Int),
        column("author_id", Kind::Int),
        column("body", Kind::Text),
        column("created_at", Kind::Time),
    ],
};

/// `likes`, `likes_archive`
pub const LIKES: Table = Table {
    name: "likes",
    archived: Some("likes_archive"),
    columns: &[column("user_id", Kind::Int), column("post_id", Kind::Int)],
};

/// `stocks`
pub const STOCKS: Table = Table {
    name: "stocks",
    archived: None,
    columns: &[
        ID,
        column("symbol", Kind::Text),
        column("name", Kind::Text),
        column("exchange", Kind::Text),
        column("market_type", Kind::Text),
        column("created_at", Kind::Time),
        column("updated_at", Kind::Time),
    ],
};

/// `stock_prices`, `stock_prices_history`
pub const PRICES: Table = Table {
    name: "stock_prices",
    archived: Some("stock_prices_history"),
    columns: &[
        ID,
        column("stock_id", Kind::Int),
        column("trade_date", Kind::Date),
        column("open_price", Kind::Price),
        column("high_price", Kind::Price),
        column("low_price", Kind::Price),
        column("close_price", Kind::Price),
        column("change_amount", Kind::Price),
        column("volume", Kind::Int),
        column("turnover", Kind::Int),
        column("transaction_count", Kind::Int),
        column("created_at", Kind::Time),
    ],
};

/// Every table of the hot tier that the platform owns, parents before children.
pub const PLATFORM: [&Table; 8] =
    [&USERS, &CONVERSATIONS, &MESSAGES, &POSTS, &COMMENTS, &LIKES, &STOCKS, &PRICES];
