//! Records as an import file would hold them.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use thermocline::clock::Timestamp;
use thermocline::import::Record;
use thermocline::import::record::{Comment, Conversation, Like, Message, Post, Price, Stock, StockRef};

/// The instant a text means.
pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|_| panic!("{text} is no time"))
}

/// A conversation, begun and last active at `when`.
pub fn conversation(id: i64, first: i64, second: Option<i64>, when: Timestamp) -> Record {
    Record::Conversation(Conversation {
        id: Some(id),
        user1_id: first,
        user2_id: second,
        created_at: Some(when),
        updated_at: Some(when),
    })
}

/// A message; every third one was read.
pub fn message(id: i64, conversation: i64, sender: i64, content: &str, created_at: Timestamp) -> Record {
    Record::Message(Message {
        id: Some(id),
        conversation_id: conversation,
        sender_id: sender,
        content: content.to_owned(),
        created_at,
        is_read: id % 3 == 0,
    })
}

/// A post.
pub fn post(id: i64, author: i64, body: &str, created_at: Timestamp) -> Record {
    Record::Post(Post {
        id: Some(id),
        author_id: author,
        title: format!("Post {id}"),
        body: body.to_owned(),
        created_at,
    })
}

/// A comment.
pub fn comment(id: i64, post: i64, author: i64, body: &str, created_at: Timestamp) -> Record {
    Record::Comment(Comment {
        id: Some(id),
        post_id: post,
        author_id: author,
        body: body.to_owned(),
        created_at,
    })
}

/// A like.
pub fn like(user: i64, post: i64) -> Record {
    Record::Like(Like { user_id: user, post_id: post })
}

/// A stock.
pub fn stock(id: i64, symbol: &str, name: &str) -> Record {
    Record::Stock(Stock {
        id: Some(id),
        symbol: symbol.to_owned(),
        name: Some(name.to_owned()),
        exchange: None,
        market_type: None,
        created_at: None,
        updated_at: None,
    })
}

/// A day of a stock: open, high, low, close and change in cents; volume, turnover and transactions.
pub fn price(
    id: Option<i64>,
    stock: i64,
    trade_date: NaiveDate,
    cents: [Option<i64>; 5],
    counts: [Option<i64>; 3],
) -> Record {
    let [open_price, high_price, low_price, close_price, change_amount] =
        cents.map(|cents| cents.map(|cents| Decimal::new(cents, 2)));
    let [volume, turnover, transaction_count] = counts;
    Record::Price(Price {
        id,
        stock: StockRef::Id(stock),
        trade_date,
        open_price,
        high_price,
        low_price,
        close_price,
        change_amount,
        volume,
        turnover,
        transaction_count,
        has: [true; 8],
        name: None,
        created_at: None,
    })
}
