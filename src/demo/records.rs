//! The generated records: the columns of the data model, except for those of stored rows only.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::clock::Timestamp;

/// A row of `users`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// 1 to [`USERS`](super::USERS).
    pub id: i64,
    /// Unique.
    pub username: String,
    /// Unique, in a reserved domain.
    pub email: String,
}

/// A row of `conversations`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// 1 to [`CONVERSATIONS`](super::CONVERSATIONS).
    pub id: i64,
    /// The user who started it.
    pub user1_id: i64,
    /// The other user; absent if only one of them wrote.
    pub user2_id: Option<i64>,
    /// Not later than its first message.
    pub created_at: Timestamp,
    /// The time of its newest message; `created_at` without one.
    pub updated_at: Timestamp,
}

/// A row of `messages`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// 1, 2, 3, …: nearly, but not always, in the order of `created_at`.
    pub id: i64,
    /// Its conversation.
    pub conversation_id: i64,
    /// One of the conversation's users.
    pub sender_id: i64,
    /// Empty to some 12,000 characters.
    pub content: String,
    /// Not unique, not even in one conversation.
    pub created_at: Timestamp,
    /// Whether the other user has seen it.
    pub is_read: bool,
}

/// A row of `posts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// 1, 2, 3, … in the order of `created_at`.
    pub id: i64,
    /// A user; few users write most posts.
    pub author_id: i64,
    /// 200 characters at most.
    pub title: String,
    /// Some paragraphs.
    pub body: String,
    /// Not unique.
    pub created_at: Timestamp,
}

/// A row of `comments`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// 1, 2, 3, …: post by post, and within a post in the order of `created_at`.
    pub id: i64,
    /// Its post.
    pub post_id: i64,
    /// A user.
    pub author_id: i64,
    /// A sentence or so.
    pub body: String,
    /// Later than its post.
    pub created_at: Timestamp,
}

/// A row of `likes`: nobody likes a post twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Like {
    /// A user.
    pub user_id: i64,
    /// A post.
    pub post_id: i64,
}

/// A row of `stocks`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stock {
    /// 1, 2, 3, … in the order of `symbol`.
    pub id: i64,
    /// Text, not a number: `0050` and `1312A` are symbols.
    pub symbol: &'static str,
    /// In Chinese.
    pub name: &'static str,
    /// `TWSE`.
    pub exchange: &'static str,
    /// `stock`, `preferred` or `ETF`.
    pub market_type: &'static str,
}

/// A row of `stock_prices`: one stock's trading day, in New Taiwan dollars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// Its stock.
    pub stock_id: i64,
    /// A weekday on which the exchange was open; unique for a stock.
    pub trade_date: NaiveDate,
    /// The first price, with two decimal places like the others; all four are absent on a day without a trade.
    pub open_price: Option<Decimal>,
    /// The highest.
    pub high_price: Option<Decimal>,
    /// The lowest.
    pub low_price: Option<Decimal>,
    /// The last.
    pub close_price: Option<Decimal>,
    /// `close_price` less the previous close; absent if the source does not have it.
    pub change_amount: Option<Decimal>,
    /// Shares; 0 on a day without a trade, like the next two.
    pub volume: Option<i64>,
    /// Dollars, often beyond 32 bits.
    pub turnover: Option<i64>,
    /// The number of trades.
    pub transaction_count: Option<i64>,
}
