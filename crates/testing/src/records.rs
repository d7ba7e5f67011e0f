//! Records as an import file holds them.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use thermocline::clock::Timestamp;
use thermocline::import::Record;
use thermocline::load::nouns;

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

/// Every column with a declared length: its noun, a header and a line with the text as `{}`, its name and its length.
pub const LIMITED: [(&str, &str, &str, &str, usize); 8] = [
    ("users", "username,email", "{},a@example.org", "username", 200),
    ("users", "username,email", "ann,{}", "email", 320),
    ("posts", "author_id,title,body,created_at", "1,{},body,2020-01-01", "title", 200),
    ("stocks", "symbol,name", "{},name", "symbol", 20),
    ("stocks", "symbol,name", "1101,{}", "name", 200),
    ("stocks", "symbol,exchange", "1102,{}", "exchange", 50),
    ("stocks", "symbol,market_type", "1103,{}", "market_type", 50),
    ("prices", "symbol,trade_date,name", "1104,2020-01-01,{}", "name", 200),
];

/// A file with a line one UTF-16 code unit over the length, and one of exactly the length. `𠮷` is two units.
pub fn limited_file(header: &str, line: &str, length: usize) -> String {
    let longest = "𠮷".repeat(length / 2);
    let lines = [format!("{longest}x"), longest].map(|text| line.replace("{}", &text));
    format!("{header}\n{}\n", lines.join("\n"))
}
