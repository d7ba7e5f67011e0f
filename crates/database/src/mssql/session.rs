//! A connection and its transaction: snapshot isolation for readers, read committed for writers.

use std::time::Instant;

use async_trait::async_trait;

use super::super::{Begin, Record, Session, Statement, TierError, Value};
use super::pool::{Connections, Lease};
use super::{Mssql, fault};
use crate::schema::ColumnType;

/// Rows of one `INSERT`, well below the threshold of lock escalation.
const ROWS_PER_INSERT: usize = 1_000;
/// Bytes of one `INSERT`, unless a single row is larger.
const BYTES_PER_INSERT: usize = 4 << 20;
/// The maximum of UTF-16 units of a text in Babelfish's OPENJSON.
const UNITS_IN_JSON: usize = 4_000;
/// Parameters of one statement. The server's limit is 2,100.
const PARAMS: usize = 2_000;

pub(super) const BEGIN: &str = "BEGIN TRANSACTION";
pub(super) const COMMIT: &str = "COMMIT TRANSACTION";
/// An error may have ended the transaction already.
pub(super) const ROLLBACK: &str = "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION";

pub(super) struct MssqlSession {
    engine: Mssql,
    lease: Option<(Begin, Lease)>,
    open: bool,
}

impl MssqlSession {
    pub fn new(engine: Mssql) -> Self {
        Self { engine, lease: None, open: false }
    }

    fn pool(&self, begin: Begin) -> &Connections {
        match begin {
            Begin::Read => &self.engine.readers,
            Begin::Write => &self.engine.writers,
        }
    }

    /// Returns the connection for a transaction; outside of one, the current connection or a writer's.
    async fn lease(&mut self, begin: Option<Begin>) -> Result<&mut Lease, TierError> {
        let wanted = begin.or(self.lease.as_ref().map(|(begin, _)| *begin)).unwrap_or(Begin::Write);
        let lease = match self.lease.take() {
            Some((begin, lease)) if begin == wanted => lease,
            _ => self.engine.lease(self.pool(wanted)).await?,
        };
        Ok(&mut self.lease.insert((wanted, lease)).1)
    }

    async fn control(&mut self, begin: Option<Begin>, text: &'static str) -> Result<(), TierError> {
        let done = match self.lease(begin).await?.connection() {
            Ok(connection) => connection.batch(text).await.map(drop),
            Err(error) => Err(error),
        };
        done.map_err(|error| self.engine.refused(text, error))
    }

    async fn run(&mut self, name: &'static str, text: &str, params: &[Value]) -> Result<u64, TierError> {
        let done = match self.lease(None).await?.connection() {
            Ok(connection) => connection.execute(text, params).await,
            Err(error) => Err(error),
        };
        done.map_err(|error| self.engine.refused(name, error))
    }
}

#[async_trait]
impl Session for MssqlSession {
    async fn begin(&mut self, begin: Begin) -> Result<(), TierError> {
        // Set before the statement: if this future is dropped, the connection must not return to the pool.
        self.open = true;
        let lease = self.lease(Some(begin)).await?;
        let used = lease.is_used();
        let begun = match lease.connection() {
            Ok(connection) => connection.batch(BEGIN).await.map(drop),
            Err(error) => Err(error),
        };
        match begun {
            // It died in the pool, before the transaction did anything.
            Err(error) if used && fault::is_hangup(&error) => {
                self.lease = None;
                self.pool(begin).forget_idle();
                self.control(Some(begin), BEGIN).await
            }
            begun => begun.map_err(|error| self.engine.refused(BEGIN, error)),
        }
    }

    async fn fetch(&mut self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError> {
        let (begun, text) = (Instant::now(), self.engine.text(statement)?);
        let rows = match self.lease(None).await?.connection() {
            Ok(connection) => connection.query(text, params).await,
            Err(error) => Err(error),
        };
        if rows.is_err()
            && let Some((_, lease)) = &mut self.lease
            && lease.connection().is_ok_and(|connection| connection.dirty)
        {
            // Its locks must be released before the error is examined.
            self.lease = None;
        }
        self.engine.answered(statement, params, begun, rows).await
    }

    async fn execute(&mut self, statement: &Statement, params: &[Value]) -> Result<u64, TierError> {
        let text = self.engine.text(statement)?;
        self.run(statement.name, text, params).await
    }

    async fn insert(
        &mut self,
        table: &'static str,
        columns: &[&'static str],
        rows: &[Vec<Value>],
    ) -> Result<u64, TierError> {
        let Some(first) = rows.first() else { return Ok(0) };
        let json = insert_text(table, columns, first);
        // Rows with ids may be inserted in any order, so rows of one kind are grouped.
        let mut rest: Vec<&Vec<Value>> = rows.iter().collect();
        if columns.first() == Some(&"id") {
            rest.sort_by_key(|row| !fits_json(row));
        }
        let mut rest = &rest[..];
        while let Some(next) = rest.first() {
            let (done, n) = if fits_json(next) {
                let (list, n) = json_rows(rest);
                (self.run(table, &json, &[Value::from(list.as_str())]).await, n)
            } else {
                let most = (PARAMS / columns.len().max(1)).max(1);
                let n = rest.iter().take(most).take_while(|row| !fits_json(row)).count();
                let params: Vec<Value> = rest[..n].iter().flat_map(|row| row.iter().cloned()).collect();
                (self.run(table, &values_text(table, columns, &rest[..n]), &params).await, n)
            };
            let fault = match done {
                Ok(inserted) if inserted == n as u64 => None,
                Ok(inserted) => Some(TierError::Statement {
                    tier: self.engine.schema.tier,
                    statement: table,
                    source: format!("{inserted} rows of {n} went in").into(),
                }),
                Err(error) => Some(error),
            };
            if let Some(error) = fault {
                // IDENTITY_INSERT may still be set.
                if let Some((_, lease)) = &mut self.lease {
                    lease.spoil();
                }
                return Err(error);
            }
            rest = &rest[n..];
        }
        Ok(rows.len() as u64)
    }

    async fn commit(&mut self) -> Result<(), TierError> {
        self.control(None, COMMIT).await?;
        self.open = false;
        Ok(())
    }

    async fn rollback(&mut self) -> Result<(), TierError> {
        self.control(None, ROLLBACK).await?;
        self.open = false;
        Ok(())
    }
}

impl Drop for MssqlSession {
    fn drop(&mut self) {
        if self.open
            && let Some((_, lease)) = &mut self.lease
        {
            // Closing rolls back. A connection with an open transaction must not serve another request.
            lease.spoil();
        }
    }
}

/// Returns the text that inserts all rows from one JSON parameter, so that each table needs one plan for any number of
/// rows. The first JSON column numbers the rows: rows without ids get theirs in this order.
pub(crate) fn insert_text(table: &str, columns: &[&str], first: &[Value]) -> String {
    let typed = columns
        .iter()
        .zip(first)
        .enumerate()
        .map(|(place, (column, value))| format!(", {column} {} '$[{}]'", sql_type(value), place + 1));
    let insert = format!(
        "INSERT INTO {table} ({columns}) SELECT {columns} FROM OPENJSON(@P1) WITH (row_number_ BIGINT '$[0]'{typed}) \
         ORDER BY row_number_;",
        columns = columns.join(", "),
        typed = typed.collect::<String>(),
    );
    with_ids(table, columns, insert)
}

/// Returns the text with a parameter for each value of each row.
pub(crate) fn values_text(table: &str, columns: &[&str], rows: &[&Vec<Value>]) -> String {
    let mut n = 0;
    let rows = rows.iter().map(|row| {
        let values = row.iter().map(|value| {
            n += 1;
            format!("CAST(@P{n} AS {})", sql_type(value))
        });
        format!("({})", values.collect::<Vec<_>>().join(", "))
    });
    let rows = rows.collect::<Vec<_>>().join(", ");
    with_ids(table, columns, format!("INSERT INTO {table} ({}) VALUES {rows};", columns.join(", ")))
}

/// Wraps the insert of explicit ids into an identity column.
fn with_ids(table: &str, columns: &[&str], insert: String) -> String {
    if columns.first() != Some(&"id") {
        return insert;
    }
    let switch = |to: &str| {
        format!(
            "IF EXISTS (SELECT 1 FROM sys.columns WHERE object_id = OBJECT_ID(N'{table}') AND is_identity = 1) \
             SET IDENTITY_INSERT {table} {to};"
        )
    };
    format!("{} {insert} {}", switch("ON"), switch("OFF"))
}

const fn sql_type(value: &Value) -> &'static str {
    match value {
        Value::Null(ColumnType::Int) | Value::Int(_) => "BIGINT",
        Value::Null(ColumnType::Text) | Value::Text(_) | Value::Ints(_) => "NVARCHAR(MAX)",
        Value::Null(ColumnType::Time) | Value::Time(_) => "DATETIME2(6)",
        Value::Null(ColumnType::Date) | Value::Date(_) => "DATE",
        Value::Null(ColumnType::Price) | Value::Price(_) => "DECIMAL(10, 2)",
        Value::Null(ColumnType::Bool) | Value::Bool(_) => "BIT",
        Value::Null(ColumnType::Bytes) | Value::Bytes(_) => "VARBINARY(MAX)",
    }
}

/// Returns whether a row can be sent as JSON. Babelfish's OPENJSON does not unescape.
fn fits_json(row: &[Value]) -> bool {
    row.iter().all(|value| match value {
        Value::Text(text) => {
            let escaped = text.bytes().any(|byte| matches!(byte, b'"' | b'\\' | 0..0x20 | 0x7f));
            // A text has no more UTF-16 units than bytes.
            !escaped && (text.len() <= UNITS_IN_JSON || text.encode_utf16().count() <= UNITS_IN_JSON)
        }
        Value::Bytes(_) => false,
        _ => true,
    })
}

/// Returns the first rows that fit as a JSON list of lists, and their number.
fn json_rows(rows: &[&Vec<Value>]) -> (String, usize) {
    let mut list = String::from("[");
    let mut n = 0;
    for row in rows.iter().take(ROWS_PER_INSERT).take_while(|row| fits_json(row)) {
        if n > 0 {
            list.push(',');
        }
        list.push('[');
        list.push_str(&n.to_string());
        for value in *row {
            list.push(',');
            list.push_str(&json_cell(value));
        }
        list.push(']');
        n += 1;
        if list.len() > BYTES_PER_INSERT {
            break;
        }
    }
    list.push(']');
    (list, n)
}

fn json_cell(value: &Value) -> String {
    match value {
        Value::Null(_) => "null".to_owned(),
        Value::Int(int) => int.to_string(),
        Value::Text(text) => serde_json::Value::from(&**text).to_string(),
        // DATETIME2 has no offset, so the Z is left out.
        Value::Time(at) => format!("\"{}\"", at.to_string().trim_end_matches('Z')),
        Value::Date(day) => format!("\"{day}\""),
        Value::Price(price) => format!("\"{price}\""),
        Value::Bool(bit) => bit.to_string(),
        Value::Bytes(_) => unreachable!("bytes do not fit JSON"),
        Value::Ints(ints) => format!("\"{ints:?}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(rows: &[Vec<Value>]) -> (String, usize) {
        json_rows(&rows.iter().collect::<Vec<_>>())
    }

    #[test]
    fn rows_travel_as_one_json_list() {
        let row = |id: i64, text: &str| vec![Value::Int(id), text.into(), Value::Null(ColumnType::Price)];
        let rows = [row(7, "a😀'"), row(8, ""), row(9, "\n")];
        assert_eq!(list(&rows), ("[[0,7,\"a😀'\",null],[1,8,\"\",null]]".to_owned(), 2));
        let text = insert_text("t", &["id", "b", "c"], &rows[0]);
        assert!(text.contains("id BIGINT '$[1]', b NVARCHAR(MAX) '$[2]', c DECIMAL(10, 2) '$[3]'"), "{text}");
        assert!(text.contains("SET IDENTITY_INSERT t ON;") && text.contains("SET IDENTITY_INSERT t OFF;"));
        assert!(!insert_text("t", &["b"], &rows[0][1..2]).contains("IDENTITY"));
        let text = values_text("t", &["b"], &[&rows[2][1..2].to_vec(), &rows[1][1..2].to_vec()]);
        assert_eq!(
            text,
            "INSERT INTO t (b) VALUES (CAST(@P1 AS NVARCHAR(MAX))), (CAST(@P2 AS NVARCHAR(MAX)));"
        );
    }

    #[test]
    fn a_list_is_cut_before_it_grows_too_long() {
        let rows: Vec<Vec<Value>> = (0..2_500).map(|id| vec![Value::Int(id)]).collect();
        assert_eq!(list(&rows).1, ROWS_PER_INSERT);
        let wide = vec![vec![Value::from("x".repeat(4_000).as_str()); 1_000]; 5];
        assert_eq!(list(&wide).1, 2);
        let long = [vec![Value::from("x")], vec![Value::from("x".repeat(4_001).as_str())]];
        assert_eq!(list(&long).1, 1);
    }
}
