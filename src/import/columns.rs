//! CSV with the column names of the data model, in any order.

use super::csv::RawRecord;
use super::fields::{self, Reject};
use super::record::{
    Comment, Conversation, Like, Message, Noun, PRICE_VALUES, Post, Price, Record, Stock, StockRef, User,
};

/// What `noun` must have, and what it may have.
const fn names(noun: Noun) -> (&'static [&'static str], &'static [&'static str]) {
    match noun {
        Noun::Users => (&["username"], &["id", "email"]),
        Noun::Conversations => (&["user1_id"], &["id", "user2_id", "created_at", "updated_at"]),
        Noun::Messages => (&["conversation_id", "sender_id", "content", "created_at"], &["id", "is_read"]),
        Noun::Posts => (&["author_id", "title", "body", "created_at"], &["id"]),
        Noun::Comments => (&["post_id", "author_id", "body", "created_at"], &["id"]),
        Noun::Likes => (&["user_id", "post_id"], &[]),
        Noun::Stocks => (&["symbol"], &["id", "name", "exchange", "market_type", "created_at", "updated_at"]),
        Noun::Prices => (
            &["trade_date"],
            &[
                "id",
                "symbol",
                "stock_id",
                "open_price",
                "high_price",
                "low_price",
                "close_price",
                "change_amount",
                "volume",
                "turnover",
                "transaction_count",
                "name",
                "created_at",
            ],
        ),
    }
}

/// Whether `name` is a column of `noun`.
pub fn is_column(noun: Noun, name: &str) -> bool {
    let (required, optional) = names(noun);
    required.contains(&name) || optional.contains(&name)
}

/// A name as a header may write it, as the data model writes it.
pub fn plain(name: &str) -> String {
    name.trim().to_ascii_lowercase()
}

/// Which column is where.
#[derive(Debug)]
pub struct Columns {
    noun: Noun,
    names: Vec<String>,
}

impl Columns {
    /// Reads the header line; the error names every column that is unknown, missing or there twice.
    pub fn read(noun: Noun, header: &RawRecord<'_>) -> Result<Self, String> {
        if let Some(fault) = header.fault {
            return Err(fault.to_string());
        }
        let names: Vec<String> = header.fields().map(plain).collect();
        let has = |name: &str| names.iter().any(|other| other == name);
        let (required, _) = self::names(noun);
        let mut wrong = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let shown: String = name.chars().take(80).collect();
            if !is_column(noun, name) {
                wrong.push(format!("unknown column {shown:?}"));
            } else if names[..at].contains(name) {
                wrong.push(format!("column {shown:?} is there twice"));
            }
        }
        for name in required.iter().filter(|name| !has(name)) {
            wrong.push(format!("missing column {name:?}"));
        }
        if noun == Noun::Prices && has("symbol") == has("stock_id") {
            wrong.push("expected one of the columns \"symbol\" and \"stock_id\"".to_owned());
        }
        if wrong.is_empty() { Ok(Self { noun, names }) } else { Err(wrong.join(", ")) }
    }

    /// The record that `raw` holds.
    pub fn record(&self, raw: &RawRecord<'_>) -> Result<Record, Reject> {
        if let Some(fault) = raw.fault {
            return Err(Reject::because(&fault));
        }
        if raw.width() != self.names.len() {
            return Err(Reject::width(self.names.len(), raw.width()));
        }
        let row = Row { columns: self, raw };
        Ok(match self.noun {
            Noun::Users => Record::User(row.user()?),
            Noun::Conversations => Record::Conversation(row.conversation()?),
            Noun::Messages => Record::Message(row.message()?),
            Noun::Posts => Record::Post(row.post()?),
            Noun::Comments => Record::Comment(row.comment()?),
            Noun::Likes => Record::Like(row.like()?),
            Noun::Stocks => Record::Stock(row.stock()?),
            Noun::Prices => Record::Price(row.price()?),
        })
    }
}

struct Row<'a> {
    columns: &'a Columns,
    raw: &'a RawRecord<'a>,
}

impl Row<'_> {
    fn has(&self, column: &str) -> bool {
        self.columns.names.iter().any(|name| name == column)
    }

    /// The field of a column; empty when the file has no such column.
    fn get(&self, column: &str) -> &str {
        let at = self.columns.names.iter().position(|name| name == column);
        at.and_then(|at| self.raw.field(at)).unwrap_or_default()
    }

    fn required<T>(&self, column: &str, parse: Parse<T>) -> Result<T, Reject> {
        parse(column, self.get(column))
    }

    fn optional<T>(&self, column: &str, parse: Parse<T>) -> Result<Option<T>, Reject> {
        let field = fields::filled(self.get(column));
        field.map(|field| parse(column, field)).transpose()
    }

    fn name(&self, column: &str) -> Option<String> {
        fields::filled(self.get(column)).map(str::to_owned)
    }

    fn user(&self) -> Result<User, Reject> {
        Ok(User {
            id: self.optional("id", fields::id)?,
            username: fields::text("username", self.get("username"), 1, 255)?,
            email: self.name("email"),
        })
    }

    fn conversation(&self) -> Result<Conversation, Reject> {
        Ok(Conversation {
            id: self.optional("id", fields::id)?,
            user1_id: self.required("user1_id", fields::id)?,
            user2_id: self.optional("user2_id", fields::id)?,
            created_at: self.optional("created_at", fields::time)?,
            updated_at: self.optional("updated_at", fields::time)?,
        })
    }

    fn message(&self) -> Result<Message, Reject> {
        Ok(Message {
            id: self.optional("id", fields::id)?,
            conversation_id: self.required("conversation_id", fields::id)?,
            sender_id: self.required("sender_id", fields::id)?,
            content: self.get("content").to_owned(),
            created_at: self.required("created_at", fields::time)?,
            is_read: self.required("is_read", fields::flag)?,
        })
    }

    fn post(&self) -> Result<Post, Reject> {
        Ok(Post {
            id: self.optional("id", fields::id)?,
            author_id: self.required("author_id", fields::id)?,
            title: fields::text("title", self.get("title"), 0, 200)?,
            body: self.get("body").to_owned(),
            created_at: self.required("created_at", fields::time)?,
        })
    }

    fn comment(&self) -> Result<Comment, Reject> {
        Ok(Comment {
            id: self.optional("id", fields::id)?,
            post_id: self.required("post_id", fields::id)?,
            author_id: self.required("author_id", fields::id)?,
            body: self.get("body").to_owned(),
            created_at: self.required("created_at", fields::time)?,
        })
    }

    fn like(&self) -> Result<Like, Reject> {
        Ok(Like {
            user_id: self.required("user_id", fields::id)?,
            post_id: self.required("post_id", fields::id)?,
        })
    }

    fn stock(&self) -> Result<Stock, Reject> {
        Ok(Stock {
            id: self.optional("id", fields::id)?,
            symbol: self.required("symbol", fields::symbol)?,
            name: self.name("name"),
            exchange: self.name("exchange"),
            market_type: self.name("market_type"),
            created_at: self.optional("created_at", fields::time)?,
            updated_at: self.optional("updated_at", fields::time)?,
        })
    }

    fn price(&self) -> Result<Price, Reject> {
        let stock = if self.has("stock_id") {
            StockRef::Id(self.required("stock_id", fields::id)?)
        } else {
            StockRef::Symbol(self.required("symbol", fields::symbol)?)
        };
        Ok(Price {
            id: self.optional("id", fields::id)?,
            stock,
            trade_date: self.required("trade_date", fields::date)?,
            open_price: self.optional("open_price", fields::decimal)?,
            high_price: self.optional("high_price", fields::decimal)?,
            low_price: self.optional("low_price", fields::decimal)?,
            close_price: self.optional("close_price", fields::decimal)?,
            change_amount: self.optional("change_amount", fields::decimal)?,
            volume: self.optional("volume", fields::count)?,
            turnover: self.optional("turnover", fields::count)?,
            transaction_count: self.optional("transaction_count", fields::count)?,
            has: PRICE_VALUES.map(|name| self.has(name)),
            name: self.name("name"),
            created_at: self.optional("created_at", fields::time)?,
        })
    }
}

type Parse<T> = fn(&str, &str) -> Result<T, Reject>;

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::super::csv::RecordReader;
    use super::*;

    fn read(noun: Noun, text: &str) -> Result<Vec<Result<Record, String>>, String> {
        let mut reader = RecordReader::new(Box::new(Cursor::new(text.to_owned())));
        let header = reader.read().expect("memory").expect("a header");
        let columns = Columns::read(noun, &header)?;
        let mut records = Vec::new();
        while let Some(raw) = reader.read().expect("memory") {
            records.push(columns.record(&raw).map_err(|reject| reject.reason));
        }
        Ok(records)
    }

    #[test]
    fn a_header_is_read_by_name() {
        let records = read(Noun::Likes, " Post_ID ,USER_ID\n7,3\n").expect("a header");
        let like = Like { user_id: 3, post_id: 7 };
        assert_eq!(records, [Ok(Record::Like(like))]);
    }

    /// A column that is ignored, or filled from the wrong one of two, is data lost without a word.
    #[test]
    fn a_header_that_does_not_fit_is_refused_by_name() {
        let wrong = |noun, text| read(noun, text).expect_err("a bad header");
        assert_eq!(
            wrong(Noun::Likes, "user_id,user_id,likes\n1,2,3\n"),
            "column \"user_id\" is there twice, unknown column \"likes\", missing column \"post_id\""
        );
        assert_eq!(wrong(Noun::Likes, "user_id,post_id"), "the file ends in the middle of a line");
        for header in ["trade_date\n", "trade_date,symbol,stock_id\n"] {
            assert!(wrong(Noun::Prices, header).starts_with("expected one of"), "{header}");
        }
    }

    #[test]
    fn a_message_keeps_all_of_its_content() {
        let text =
            "conversation_id,sender_id,created_at,content\n1,2,2023-01-06,\" a\0\r\n\u{8}\"\n1,2,,x\n3,4\n";
        let records = read(Noun::Messages, text).expect("a header");
        let message = Message {
            id: None,
            conversation_id: 1,
            sender_id: 2,
            content: " a\0\r\n\u{8}".to_owned(),
            created_at: "2023-01-06".parse().expect("a date"),
            is_read: false,
        };
        assert_eq!(records[0], Ok(Record::Message(message)));
        let reason = records[1].as_ref().expect_err("no time");
        assert!(reason.starts_with("created_at: ") && reason.ends_with(": \"\""), "{reason}");
        assert_eq!(records[2], Err("expected 4 fields, found 2".to_owned()));
    }

    /// Empty is null and zero is zero, and a symbol is no number.
    #[test]
    fn a_price_tells_empty_from_zero() {
        let text = "symbol,trade_date,open_price,close_price,volume,turnover\n0050,2018-03-01,,0.0,0,\n";
        let records = read(Noun::Prices, text).expect("a header");
        let Ok(Record::Price(price)) = &records[0] else { panic!("{records:?}") };
        assert_eq!(price.stock, StockRef::Symbol("0050".to_owned()));
        assert_eq!(price.open_price, None);
        assert_eq!(price.close_price.map(|close| close.to_string()), Some("0.00".to_owned()));
        assert_eq!((price.volume, price.turnover), (Some(0), None));
        assert_eq!(price.has, [true, false, false, true, false, true, true, false]);
        let text = "stock_id,trade_date\n5,2018-03-01\n0050x,2018-03-01\n";
        let records = read(Noun::Prices, text).expect("a header");
        assert!(matches!(&records[0], Ok(Record::Price(price)) if price.stock == StockRef::Id(5)));
        assert!(records[1].is_err());
    }
}
