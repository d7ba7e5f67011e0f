//! Rows without their driver, and records as bytes, to keep an answer outside of the process.
//!
//! A cell holds what SQLite does: an instant is its microseconds, a day those of its midnight, a decimal its text, a boolean 0 or
//! 1. So a kept record reads like one of SQLite, whichever engine gave it. Only integers, texts and nothing are kept.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sqlx::postgres::PgRow;
use sqlx::{Column as _, Row as _, TypeInfo as _, ValueRef as _};

use super::super::postgres::codec as postgres;
use super::{Record, Row};
use crate::Tier;

/// A row without its driver.
#[derive(Debug)]
pub(crate) struct PortableRow {
    pub columns: Arc<[String]>,
    pub cells: Vec<Cell>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Cell {
    Null,
    Int(i64),
    Text(String),
    #[serde(skip)]
    Real(f64),
    #[serde(skip)]
    Bytes(Vec<u8>),
}

impl Cell {
    fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Int(_) => "an integer",
            Self::Text(_) => "a text",
            Self::Real(_) => "a floating-point number",
            Self::Bytes(_) => "bytes",
        }
    }
}

/// Records as they are written: the names of the columns once.
#[derive(Debug, Serialize, Deserialize)]
struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

impl PortableRow {
    /// Returns about how much memory the row takes, in bytes.
    pub fn size(&self) -> usize {
        let outside = |cell: &Cell| match cell {
            Cell::Text(text) => text.len(),
            Cell::Bytes(bytes) => bytes.len(),
            Cell::Null | Cell::Int(_) | Cell::Real(_) => 0,
        };
        self.cells.iter().map(|cell| size_of::<Cell>() + outside(cell)).sum()
    }

    /// Returns the cell of a column.
    pub fn cell(&self, column: &str) -> Result<&Cell, String> {
        let place = self.columns.iter().position(|name| name == column);
        place.and_then(|place| self.cells.get(place)).ok_or_else(|| format!("is missing: {column}"))
    }

    /// Reads an integer or NULL.
    pub fn int(&self, column: &str) -> Result<Option<i64>, String> {
        self.read(column, |cell| if let Cell::Int(int) = cell { Some(*int) } else { None })
    }

    /// Reads a text or NULL.
    pub fn text(&self, column: &str) -> Result<Option<&str>, String> {
        self.read(column, |cell| if let Cell::Text(text) = cell { Some(text.as_str()) } else { None })
    }

    /// Reads bytes or NULL.
    pub fn bytes(&self, column: &str) -> Result<Option<&[u8]>, String> {
        self.read(column, |cell| if let Cell::Bytes(bytes) = cell { Some(bytes.as_slice()) } else { None })
    }

    fn read<'a, T>(
        &'a self,
        column: &str,
        of: impl FnOnce(&'a Cell) -> Option<T>,
    ) -> Result<Option<T>, String> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            cell => of(cell).map(Some).ok_or_else(|| format!("is {}", cell.kind())),
        }
    }
}

/// Returns records as bytes; `None` if they hold a value of a kind that no list has, or two columns of one name.
pub fn encode(records: &[Record]) -> Option<Vec<u8>> {
    let columns = records.first().map_or_else(|| Some(Vec::new()), |first| names(&first.row))?;
    let mut rows = Vec::with_capacity(records.len());
    for record in records {
        rows.push(cells(&record.row, &columns)?);
    }
    serde_json::to_vec(&Table { columns, rows }).ok()
}

/// Returns the records that [`encode`] wrote, as an answer of this statement; `None` for any other bytes.
pub fn decode(bytes: &[u8], tier: Tier, statement: &'static str) -> Option<Vec<Record>> {
    let Table { columns, rows } = serde_json::from_slice(bytes).ok()?;
    if rows.iter().any(|cells| cells.len() != columns.len()) {
        return None;
    }
    let columns: Arc<[String]> = columns.into();
    let record = |cells| {
        let row = Row::Portable(PortableRow { columns: Arc::clone(&columns), cells });
        Record { row: row.into(), tier, statement }
    };
    Some(rows.into_iter().map(record).collect())
}

fn names(row: &Row) -> Option<Vec<String>> {
    let names: Vec<String> = match row {
        Row::Portable(row) => row.columns.to_vec(),
        Row::Postgres(row) => row.columns().iter().map(|column| column.name().to_owned()).collect(),
        // Of a hot tier.
        Row::Mssql(_) => return None,
    };
    let is_repeated = |(place, name): (usize, &String)| names[..place].contains(name);
    (!names.iter().enumerate().any(is_repeated)).then_some(names)
}

fn cells(row: &Row, columns: &[String]) -> Option<Vec<Cell>> {
    columns
        .iter()
        .map(|column| match row {
            Row::Portable(row) => row.cell(column).ok().cloned(),
            Row::Postgres(row) => of_postgres(row, column),
            Row::Mssql(_) => None,
        })
        .collect()
}

fn of_postgres(row: &PgRow, column: &str) -> Option<Cell> {
    let value = row.try_get_raw(column).ok()?;
    if value.is_null() {
        return Some(Cell::Null);
    }
    match value.type_info().name() {
        "INT2" | "INT4" | "INT8" => postgres::int(row, column).ok()?.map(Cell::Int),
        "TEXT" | "VARCHAR" | "BPCHAR" | "NAME" => postgres::text(row, column).ok()?.map(Cell::Text),
        "BOOL" => postgres::bool(row, column).ok()?.map(|bit| Cell::Int(bit.into())),
        "TIMESTAMPTZ" | "TIMESTAMP" | "DATE" => postgres::micros(row, column).ok()?.map(Cell::Int),
        "NUMERIC" => postgres::price(row, column).ok()?.map(|price| Cell::Text(price.to_string())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Option<Vec<Record>> {
        decode(bytes, Tier::Cold, "test")
    }

    #[test]
    fn a_kept_record_is_read_by_name_and_type() {
        let rows = vec![
            vec![Cell::Int(i64::MAX), Cell::Text("12.50".to_owned()), Cell::Null, Cell::Int(1)],
            vec![Cell::Int(i64::MIN), Cell::Text("a \u{0} 😀".to_owned()), Cell::Int(-1), Cell::Int(0)],
        ];
        let columns = ["id", "text", "at", "bit"].map(str::to_owned).to_vec();
        let bytes = serde_json::to_vec(&Table { columns, rows }).expect("bytes");
        let records = read(&bytes).expect("records");
        assert_eq!(records[0].int("id").expect("an integer"), i64::MAX);
        assert_eq!(records[1].int("id").expect("an integer"), i64::MIN);
        assert_eq!(records[1].text("text").expect("a text"), "a \u{0} 😀");
        let price = records[0].price_or_null("text").expect("a decimal").expect("not null");
        assert_eq!(price.to_string(), "12.50");
        assert!(records[0].time_or_null("at").expect("an instant").is_none());
        assert_eq!(records[1].time("at").expect("an instant").micros(), -1);
        assert!(records[0].bool("bit").expect("a boolean") && !records[1].bool("bit").expect("a boolean"));
        assert!(records[0].int("text").is_err() && records[0].text("id").is_err());
        assert!(!records[0].has("other") && records[0].int("other").is_err());
    }

    #[test]
    fn other_bytes_are_no_records() {
        for bytes in [
            &b""[..],
            b"{}",
            b"[1,2]",
            br#"{"columns":["a"],"rows":[[1,2]]}"#,
            br#"{"columns":["a"],"rows":[[1.5]]}"#,
            br#"{"columns":["a"],"rows":[[{}]]}"#,
        ] {
            assert!(read(bytes).is_none(), "{}", String::from_utf8_lossy(bytes));
        }
        assert!(read(br#"{"columns":[],"rows":[]}"#).is_some_and(|records| records.is_empty()));
    }
}
