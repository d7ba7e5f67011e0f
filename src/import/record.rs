//! What a file can hold: one struct for each table, nothing of any database.

use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::shift;
use crate::clock::Timestamp;

/// The tables that can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the table of its name")]
pub enum Noun {
    Users,
    Conversations,
    Messages,
    Posts,
    Comments,
    Likes,
    Stocks,
    Prices,
}

impl Noun {
    /// Every noun, in an order in which what is referred to comes first.
    pub const ALL: [Self; 8] = [
        Self::Users,
        Self::Conversations,
        Self::Messages,
        Self::Posts,
        Self::Comments,
        Self::Likes,
        Self::Stocks,
        Self::Prices,
    ];

    /// The noun as it is written on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Conversations => "conversations",
            Self::Messages => "messages",
            Self::Posts => "posts",
            Self::Comments => "comments",
            Self::Likes => "likes",
            Self::Stocks => "stocks",
            Self::Prices => "prices",
        }
    }
}

impl fmt::Display for Noun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text names no table that can be imported.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("expected users, conversations, messages, posts, comments, likes, stocks or prices")]
pub struct BadNoun;

impl FromStr for Noun {
    type Err = BadNoun;

    fn from_str(text: &str) -> Result<Self, BadNoun> {
        Self::ALL.into_iter().find(|noun| noun.as_str() == text).ok_or(BadNoun)
    }
}

/// A row of `users`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is the column of its name")]
pub struct User {
    pub id: Option<i64>,
    pub username: String,
    pub email: Option<String>,
}

/// A row of `conversations`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is the column of its name")]
pub struct Conversation {
    pub id: Option<i64>,
    pub user1_id: i64,
    pub user2_id: Option<i64>,
    pub created_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
}

/// A row of `messages`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is the column of its name")]
pub struct Message {
    pub id: Option<i64>,
    pub conversation_id: i64,
    pub sender_id: i64,
    pub content: String,
    pub created_at: Timestamp,
    pub is_read: bool,
}

/// A row of `posts`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is the column of its name")]
pub struct Post {
    pub id: Option<i64>,
    pub author_id: i64,
    pub title: String,
    pub body: String,
    pub created_at: Timestamp,
}

/// A row of `comments`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is the column of its name")]
pub struct Comment {
    pub id: Option<i64>,
    pub post_id: i64,
    pub author_id: i64,
    pub body: String,
    pub created_at: Timestamp,
}

/// A row of `likes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is the column of its name")]
pub struct Like {
    pub user_id: i64,
    pub post_id: i64,
}

/// A row of `stocks`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is the column of its name")]
pub struct Stock {
    pub id: Option<i64>,
    pub symbol: String,
    pub name: Option<String>,
    pub exchange: Option<String>,
    pub market_type: Option<String>,
    pub created_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
}

/// How a price says whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum StockRef {
    /// By symbol; a stock nobody has imported yet can be created.
    Symbol(String),
    /// By `stocks.id`.
    Id(i64),
}

/// The columns of `stock_prices` that say what a day was like, in their order.
pub const PRICE_VALUES: [&str; 8] = [
    "open_price",
    "high_price",
    "low_price",
    "close_price",
    "change_amount",
    "volume",
    "turnover",
    "transaction_count",
];

/// A row of `stock_prices`. All decimals have scale 2, as `DECIMAL(10,2)` keeps them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is the column of its name")]
pub struct Price {
    pub id: Option<i64>,
    pub stock: StockRef,
    pub trade_date: NaiveDate,
    pub open_price: Option<Decimal>,
    pub high_price: Option<Decimal>,
    pub low_price: Option<Decimal>,
    pub close_price: Option<Decimal>,
    pub change_amount: Option<Decimal>,
    pub volume: Option<i64>,
    pub turnover: Option<i64>,
    pub transaction_count: Option<i64>,
    /// Which of [`PRICE_VALUES`] the file has a column for: of the others it says nothing, not that they are unknown.
    pub has: [bool; PRICE_VALUES.len()],
    /// The stock's name, where the file has it.
    pub name: Option<String>,
    pub created_at: Option<Timestamp>,
}

/// A row of any table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is a row of the table of its name")]
pub enum Record {
    User(User),
    Conversation(Conversation),
    Message(Message),
    Post(Post),
    Comment(Comment),
    Like(Like),
    Stock(Stock),
    Price(Price),
}

impl Record {
    /// The newest time the record holds; for a price the midnight at which its day begins.
    pub fn newest(&self) -> Option<Timestamp> {
        match self {
            Self::User(_) | Self::Like(_) => None,
            Self::Conversation(row) => row.created_at.max(row.updated_at),
            Self::Message(row) => Some(row.created_at),
            Self::Post(row) => Some(row.created_at),
            Self::Comment(row) => Some(row.created_at),
            Self::Stock(row) => row.created_at.max(row.updated_at),
            Self::Price(row) => Some(Timestamp::midnight(row.trade_date)),
        }
    }

    /// Moves every time the record holds by `micros`; a price by the whole weeks in it, so that a Monday stays
    /// a Monday and no two days of a stock meet.
    pub fn shift(&mut self, micros: i64) {
        let moved = |at: Option<Timestamp>| at.map(|at| at.plus(micros));
        match self {
            Self::User(_) | Self::Like(_) => {}
            Self::Conversation(row) => {
                row.created_at = moved(row.created_at);
                row.updated_at = moved(row.updated_at);
            }
            Self::Message(row) => row.created_at = row.created_at.plus(micros),
            Self::Post(row) => row.created_at = row.created_at.plus(micros),
            Self::Comment(row) => row.created_at = row.created_at.plus(micros),
            Self::Stock(row) => {
                row.created_at = moved(row.created_at);
                row.updated_at = moved(row.updated_at);
            }
            Self::Price(row) => {
                let weeks = shift::whole_weeks(micros);
                row.trade_date = Timestamp::midnight(row.trade_date).plus(weeks).date();
                row.created_at = row.created_at.map(|at| at.plus(weeks));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_noun_is_read_as_it_is_written() {
        for noun in Noun::ALL {
            assert_eq!(noun.to_string().parse(), Ok(noun));
        }
        assert_eq!("Users".parse::<Noun>(), Err(BadNoun));
    }

    /// A shift that forgets one of two times, or moves a price to a Sunday.
    #[test]
    fn a_shift_moves_every_time() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let mut conversation = Record::Conversation(Conversation {
            id: None,
            user1_id: 1,
            user2_id: None,
            created_at: Some(at("2020-01-01")),
            updated_at: Some(at("2020-01-02")),
        });
        conversation.shift(crate::clock::DAY);
        let Record::Conversation(row) = &conversation else { panic!("still a conversation") };
        assert_eq!(row.created_at, Some(at("2020-01-02")));
        assert_eq!(conversation.newest(), Some(at("2020-01-03")));

        let mut price = Record::Price(Price {
            id: None,
            stock: StockRef::Symbol("0050".to_owned()),
            trade_date: "2018-03-01".parse().expect("a date"),
            open_price: None,
            high_price: None,
            low_price: None,
            close_price: None,
            change_amount: None,
            volume: None,
            turnover: None,
            transaction_count: None,
            has: [true; PRICE_VALUES.len()],
            name: None,
            created_at: None,
        });
        price.shift(10 * crate::clock::DAY);
        assert_eq!(price.newest(), Some(at("2018-03-08")));
        price.shift(-crate::clock::DAY);
        assert_eq!(price.newest(), Some(at("2018-03-01")));
    }
}
