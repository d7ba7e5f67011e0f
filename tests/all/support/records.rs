//! Records as an import file holds them.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use thermocline::clock::Timestamp;
use thermocline::import::{Record, nouns};

/// Parses an instant.
pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|_| panic!("{text} is no time"))
}

/// Returns a conversation that began and was last active at `when`.
pub fn conversation(id: i64, first: i64, second: Option<i64>, when: Timestamp) -> Record {
    Record::new(&nouns::CONVERSATIONS)
        .with("id", id)
        .with("user1_id", first)
        .with_optional("user2_id", second)
        .with("created_at", when)
        .with("updated_at", when)
}

/// Returns a message; every third one was read.
pub fn message(id: i64, conversation: i64, sender: i64, content: &str, created_at: Timestamp) -> Record {
    Record::new(&nouns::MESSAGES)
        .with("id", id)
        .with("conversation_id", conversation)
        .with("sender_id", sender)
        .with("content", content)
        .with("created_at", created_at)
        .with("is_read", id % 3 == 0)
}

pub fn post(id: i64, author: i64, body: &str, created_at: Timestamp) -> Record {
    Record::new(&nouns::POSTS)
        .with("id", id)
        .with("author_id", author)
        .with("title", format!("Post {id}").as_str())
        .with("body", body)
        .with("created_at", created_at)
}

pub fn comment(id: i64, post: i64, author: i64, body: &str, created_at: Timestamp) -> Record {
    Record::new(&nouns::COMMENTS)
        .with("id", id)
        .with("post_id", post)
        .with("author_id", author)
        .with("body", body)
        .with("created_at", created_at)
}

pub fn like(user: i64, post: i64) -> Record {
    Record::new(&nouns::LIKES).with("user_id", user).with("post_id", post)
}

pub fn stock(id: i64, symbol: &str, name: &str) -> Record {
    Record::new(&nouns::STOCKS).with("id", id).with("symbol", symbol).with("name", name)
}

/// Returns a day of a stock: open, high, low, close and change in cents; volume, turnover and transactions.
pub fn price(
    id: Option<i64>,
    stock: i64,
    trade_date: NaiveDate,
    cents: [Option<i64>; 5],
    counts: [Option<i64>; 3],
) -> Record {
    let record = Record::new(&nouns::PRICES)
        .with_optional("id", id)
        .with("stock_id", stock)
        .with("trade_date", trade_date);
    let amounts =
        ["open_price", "high_price", "low_price", "close_price", "change_amount"].into_iter().zip(cents);
    let record = amounts.fold(record, |record, (column, cents)| {
        record.with_optional(column, cents.map(|cents| Decimal::new(cents, 2)))
    });
    let counts = ["volume", "turnover", "transaction_count"].into_iter().zip(counts);
    counts.fold(record, |record, (column, count)| record.with_optional(column, count))
}
