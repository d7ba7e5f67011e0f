//! The header line of a CSV file with the column names of the data model, in any order.

use super::csv::RawRecord;
use super::fields::{self, Reject};
use super::noun::Noun;
use super::record::Record;
use thermocline_core::table::Column;

/// Returns a column name as the data model writes it.
pub fn normalized(name: &str) -> String {
    name.trim().to_ascii_lowercase()
}

/// The columns of a file, in its order.
#[derive(Debug)]
pub struct Header {
    noun: &'static Noun,
    /// For each field of a record its place in [`Noun::columns`] and its column; `None` for a field that is not read.
    fields: Vec<Option<(usize, &'static Column)>>,
}

/// Returns the column of the data model that a column of a platform's archive is; `None` for one that says nothing of the row.
fn of_archive(name: &str) -> Option<String> {
    match name {
        // The archive numbers its rows anew.
        "id" | "archived_at" => None,
        "original_id" => Some("id".to_owned()),
        other => Some(other.to_owned()),
    }
}

impl Header {
    /// Reads the header line of a file with the columns of the data model, or with those of a platform's own archive. The error
    /// names every column that is unknown, missing or repeated.
    pub fn read(noun: &'static Noun, header: &RawRecord<'_>, archived: bool) -> Result<Self, String> {
        if let Some(fault) = header.fault {
            return Err(fault.to_string());
        }
        let names: Vec<String> = header.fields().map(normalized).collect();
        let names: Vec<Option<String>> =
            names.into_iter().map(|name| if archived { of_archive(&name) } else { Some(name) }).collect();
        let (mut fields, mut wrong) = (Vec::new(), Vec::new());
        for (at, name) in names.iter().enumerate() {
            let Some(name) = name else {
                fields.push(None);
                continue;
            };
            let quoted: String = name.chars().take(80).collect();
            match noun.columns().enumerate().find(|(_, column)| column.name == name) {
                None => wrong.push(format!("unknown column {quoted:?}")),
                Some(_) if names[..at].iter().flatten().any(|other| other == name) => {
                    wrong.push(format!("repeated column {quoted:?}"));
                }
                Some(field) => fields.push(Some(field)),
            }
        }
        let has = |name: &str| names.iter().flatten().any(|other| other == name);
        if archived && !has("id") {
            wrong.push("missing column \"original_id\"".to_owned());
        }
        let required = noun.columns().filter(|column| noun.requires_column(column) && !has(column.name));
        wrong.extend(required.map(|column| format!("missing column {:?}", column.name)));
        if let Some(parent) = &noun.parent
            && has(parent.key) == has(parent.id)
        {
            wrong.push(format!("expected one of the columns {:?} and {:?}", parent.key, parent.id));
        }
        if wrong.is_empty() { Ok(Self { noun, fields }) } else { Err(wrong.join(", ")) }
    }

    /// Returns the record that `raw` holds.
    pub fn record(&self, raw: &RawRecord<'_>) -> Result<Record, Reject> {
        if let Some(fault) = raw.fault {
            return Err(Reject::because(&fault));
        }
        if raw.width() != self.fields.len() {
            return Err(Reject::width(self.fields.len(), raw.width()));
        }
        let mut record = Record::new(self.noun);
        for (text, field) in raw.fields().zip(&self.fields) {
            let Some((place, column)) = field else { continue };
            if self.noun.not_empty.contains(&column.name) {
                fields::not_empty(column.name, text)?;
            }
            let optional = column.nullable || column.default.is_some() || column.identity;
            let parse = if optional && !self.noun.requires_column(column) {
                fields::optional
            } else {
                fields::required
            };
            record.set(*place, parse(column, text)?);
        }
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::super::csv::RecordReader;
    use super::super::testing::{LIKES, MESSAGES, PRICES, USERS};
    use super::*;
    use thermocline_core::clock::Timestamp;
    use thermocline_core::table::ColumnType;
    use thermocline_core::value::Value;

    fn read(noun: &'static Noun, text: &str) -> Result<Vec<Result<Record, String>>, String> {
        let mut reader = RecordReader::new(Box::new(Cursor::new(text.to_owned())));
        let line = reader.read().expect("memory").expect("a header");
        let header = Header::read(noun, &line, false)?;
        let mut records = Vec::new();
        while let Some(raw) = reader.read().expect("memory") {
            records.push(header.record(&raw).map_err(|reject| reject.reason));
        }
        Ok(records)
    }

    #[test]
    fn header_is_read_by_name() {
        let records = read(&LIKES, " Post_ID ,USER_ID\n7,3\n").expect("a header");
        assert_eq!(records, [Ok(Record::new(&LIKES).with("user_id", 3).with("post_id", 7))]);
    }

    /// A column that is ignored, or filled from the wrong one of two, is data lost without a word.
    #[test]
    fn unfit_header_is_rejected_by_name() {
        let wrong = |noun, text| read(noun, text).expect_err("a bad header");
        assert_eq!(
            wrong(&LIKES, "user_id,user_id,likes\n1,2,3\n"),
            "repeated column \"user_id\", unknown column \"likes\", missing column \"post_id\""
        );
        assert_eq!(wrong(&LIKES, "user_id,post_id"), "the file ends in the middle of a line");
        for header in ["trade_date\n", "trade_date,symbol,stock_id\n"] {
            assert!(wrong(&PRICES, header).starts_with("expected one of"), "{header}");
        }
    }

    #[test]
    fn required_columns_follow_from_the_declaration() {
        let required = |noun: &'static Noun| {
            let columns = noun.columns().filter(|column| noun.requires_column(column));
            columns.map(|column| column.name).collect::<Vec<_>>()
        };
        assert_eq!(required(&USERS), ["username"]);
        assert_eq!(required(&MESSAGES), ["conversation_id", "sender_id", "content", "created_at"]);
        assert_eq!(required(&PRICES), ["trade_date"]);
    }

    #[test]
    fn message_keeps_all_of_its_content() {
        let text =
            "conversation_id,sender_id,created_at,content\n1,2,2023-01-06,\" a\0\r\n\u{8}\"\n1,2,,x\n3,4\n";
        let records = read(&MESSAGES, text).expect("a header");
        let message = Record::new(&MESSAGES)
            .with("conversation_id", 1)
            .with("sender_id", 2)
            .with("content", " a\0\r\n\u{8}")
            .with("created_at", "2023-01-06".parse::<Timestamp>().expect("a date"));
        assert_eq!(records[0], Ok(message));
        let reason = records[1].as_ref().expect_err("no time");
        assert!(reason.starts_with("created_at: ") && reason.ends_with(": \"\""), "{reason}");
        assert_eq!(records[2], Err("expected 4 fields, found 2".to_owned()));
    }

    #[test]
    fn only_blank_optional_text_is_null() {
        let records = read(&USERS, "username,email\n li , \n,x\n").expect("a header");
        let user = Record::new(&USERS).with("username", " li ").with("email", Value::Null(ColumnType::Text));
        assert_eq!(records, [Ok(user), Err("username: empty: \"\"".to_owned())]);
    }

    /// Empty is NULL and zero is zero, a symbol is no number, and a column the file lacks is neither.
    #[test]
    fn price_tells_empty_from_zero() {
        let text = "symbol,trade_date,open_price,close_price,volume,turnover\n0050,2018-03-01,,0.0,0,\n";
        let records = read(&PRICES, text).expect("a header");
        let price = records[0].as_ref().expect("a price");
        assert_eq!(price.text("symbol"), Some("0050"));
        assert_eq!(price.get("open_price"), Some(&Value::Null(ColumnType::Price)));
        assert_eq!(price.get("close_price"), Some(&Value::Price(rust_decimal::Decimal::new(0, 2))));
        assert_eq!(
            (price.int("volume"), price.get("turnover")),
            (Some(0), Some(&Value::Null(ColumnType::Int)))
        );
        assert_eq!(price.get("high_price"), None);
        let text = "stock_id,trade_date\n5,2018-03-01\n0050x,2018-03-01\n";
        let records = read(&PRICES, text).expect("a header");
        assert_eq!(records[0].as_ref().map(|price| price.int("stock_id")), Ok(Some(5)));
        assert!(records[1].is_err());
    }
}
