//! The JSON reply of `STOCK_DAY`: one symbol, one month.

use std::borrow::Cow;
use std::io::{self, Read};

use serde_json::value::RawValue;

use super::super::container::Text;
use super::super::csv::RAW_LIMIT;
use super::{Layout, Noun, Origin, Problem, Record, Reject, normalized};

/// Largest reply, in bytes. A month of one symbol has some 3 KiB; the limit bounds memory.
const REPLY_LIMIT: u64 = 16 * 1024 * 1024;

/// A row of a reply: the line it begins on, its text, and the record it holds.
pub type ReplyRow = (u64, String, Result<Record, Reject>);

#[derive(serde::Deserialize)]
struct Reply<'a> {
    stat: String,
    #[serde(default)]
    fields: Vec<String>,
    #[serde(borrow, default)]
    data: Vec<&'a RawValue>,
}

/// Reads the rows of a reply. The outer error is one of reading, the inner one is about the reply.
pub fn read_reply(
    noun: &'static Noun,
    text: Text,
    origin: Origin<'_>,
) -> io::Result<Result<Vec<ReplyRow>, Problem>> {
    let mut whole = String::new();
    text.take(REPLY_LIMIT + 1).read_to_string(&mut whole)?;
    if whole.len() as u64 > REPLY_LIMIT {
        let why = format!("a reply of more than {REPLY_LIMIT} bytes");
        return Ok(Err(Problem::Exchange(why)));
    }
    Ok(rows(noun, &whole, origin))
}

fn rows(noun: &'static Noun, whole: &str, origin: Origin<'_>) -> Result<Vec<ReplyRow>, Problem> {
    let reply: Reply<'_> = serde_json::from_str(whole)
        .map_err(|error| Problem::Exchange(format!("not a reply of the exchange: {error}")))?;
    if reply.stat != "OK" {
        let stat: String = reply.stat.chars().take(80).collect();
        return Err(Problem::Exchange(format!("the exchange replied {stat:?}")));
    }
    let names = reply.fields.iter().map(|name| normalized(name)).collect();
    let layout = Layout::of_reply(noun, names, origin)?;
    let (mut line, mut seen) = (1, 0);
    let rows = reply.data.iter().map(|row| {
        let row = row.get();
        // Both are parts of one text, so their distance is the position of the row in it.
        let at = (row.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
        line += whole[seen..at].matches('\n').count() as u64;
        seen = at;
        let record = serde_json::from_str::<Vec<Cow<'_, str>>>(row)
            .map_err(|_| Reject::because(&"a row is an array of strings"))
            .and_then(|values| layout.price(&values.iter().map(AsRef::as_ref).collect::<Vec<_>>()));
        (line, row[..row.floor_char_boundary(RAW_LIMIT)].to_owned(), record)
    });
    Ok(rows.collect())
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::PRICES;
    use super::*;
    use thermocline_core::table::ColumnType;
    use thermocline_core::value::Value;

    fn read(text: &str) -> Result<Vec<ReplyRow>, Problem> {
        rows(&PRICES, text, Origin { stem: Some("2330"), symbol: None })
    }

    /// A reply is damaged as a whole or row by row, and its columns may be in another order.
    #[test]
    fn reply_is_read_by_the_names_of_its_fields() {
        let text = r#"{"stat":"OK",
"fields":["日期","成交股數","成交金額","開盤價","最高價","最低價","收盤價","漲跌價差","成交筆數","註記"],
"data":[["111/06/16","31,908,028","16,331,470,764","515.00","516.00","507.00","508.00","X0.00","42,177",""],
["111/06/17"]]}"#;
        let rows = read(text).expect("a reply");
        let (line, _, price) = &rows[0];
        let price = price.as_ref().expect("a price");
        assert_eq!((*line, price.int("transaction_count")), (3, Some(42_177)));
        assert_eq!(price.get("change_amount"), Some(&Value::Null(ColumnType::Price)));
        assert_eq!(price.text("symbol"), Some("2330"));
        let second = (4, r#"["111/06/17"]"#.to_owned(), Err(Reject::because(&"expected 10 fields, found 1")));
        assert_eq!(rows[1], second);
        for bad in [&text[..text.len() - 1], r#"{"stat":"很抱歉，沒有符合條件的資料!"}"#] {
            assert!(read(bad).is_err());
        }
        let renamed = text.replace("收盤價", "close");
        assert!(matches!(read(&renamed), Err(Problem::Header(_))));
    }
}
