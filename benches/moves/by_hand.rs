//! The same work by hand, by the driver alone.

use std::path::Path;

use futures::StreamExt as _;
use rusqlite::{ToSql, Transaction, TransactionBehavior};
use sqlx::{Connection as _, PgConnection};
use thermocline::clock::Timestamp;
use thermocline::demo::DemoPlan;

use super::Result;
use super::pair::Pair;

/// Rows of a batch, as many as the program moves at once by default.
const BATCH: usize = 1_000;
/// Rows of one `INSERT` of SQLite.
const ROWS: usize = 64;
/// Bytes that are sent to PostgreSQL at once.
const SENT: usize = 64 << 10;

const COLUMNS: &str = "id, conversation_id, sender_id, content, created_at, is_read";
const ARCHIVED: &str =
    "original_id, conversation_id, sender_id, content, created_at, is_read, archived_at, from_epoch";

/// A connection to each database of a pair.
pub enum ByHand {
    Sqlite(Box<[rusqlite::Connection; 2]>),
    Postgres(PgConnection, PgConnection),
}

/// A row of messages, as SQLite stores it.
type Row = (i64, i64, i64, String, i64, bool);

impl ByHand {
    pub async fn connect(pair: &Pair) -> Result<Self> {
        if !pair.hot.starts_with("sqlite:") {
            let (hot, cold) = (PgConnection::connect(&pair.hot), PgConnection::connect(&pair.cold));
            return Ok(Self::Postgres(hot.await?, cold.await?));
        }
        let file = |url: &str| -> rusqlite::Result<rusqlite::Connection> {
            let connection = rusqlite::Connection::open(url.trim_start_matches("sqlite:"))?;
            // As durable as the program's.
            connection.execute_batch(
                "PRAGMA journal_mode = wal; PRAGMA synchronous = full; PRAGMA foreign_keys = on; PRAGMA cache_size = -32768",
            )?;
            Ok(connection)
        };
        Ok(Self::Sqlite(Box::new([file(&pair.hot)?, file(&pair.cold)?])))
    }

    /// Inserts the messages in one transaction: the file as it is into PostgreSQL, and rows that were parsed before into SQLite.
    pub async fn import(&mut self, file: &Path, plan: DemoPlan) -> Result<()> {
        match self {
            Self::Sqlite(files) => {
                let transaction = files[0].transaction()?;
                let mut rows = plan.messages().peekable();
                while rows.peek().is_some() {
                    let rows: Vec<Row> = rows
                        .by_ref()
                        .take(ROWS)
                        .map(|row| {
                            let at = row.created_at.micros();
                            (row.id, row.conversation_id, row.sender_id, row.content, at, row.is_read)
                        })
                        .collect();
                    insert(&transaction, "messages", COLUMNS, &rows, None)?;
                }
                Ok(transaction.commit()?)
            }
            Self::Postgres(hot, _) => {
                let text = format!("COPY messages ({COLUMNS}) FROM STDIN (FORMAT csv, HEADER)");
                let mut copy = hot.copy_in_raw(&text).await?;
                copy.read_from(tokio::fs::File::open(file).await?).await?;
                copy.finish().await?;
                Ok(())
            }
        }
    }

    /// Moves all messages older than an instant, batch by batch.
    pub async fn archive(&mut self, older_than: Timestamp) -> Result<()> {
        loop {
            let moved = match self {
                Self::Sqlite(files) => move_rows(files, older_than)?,
                Self::Postgres(hot, cold) => copy_rows(hot, cold, older_than).await?,
            };
            if moved == 0 {
                return Ok(());
            }
        }
    }

    pub async fn close(self) -> Result<()> {
        match self {
            Self::Sqlite(_) => {}
            Self::Postgres(hot, cold) => {
                hot.close().await?;
                cold.close().await?;
            }
        }
        Ok(())
    }
}

/// Returns the text that removes a batch.
fn take(by_id: [&str; 2], older_than: &str, returning: &str) -> String {
    let [before, after] = by_id;
    format!(
        "DELETE FROM messages WHERE id {before}(
            SELECT id FROM messages WHERE created_at < {older_than} ORDER BY created_at, id LIMIT {BATCH}
        ){after} RETURNING {returning}"
    )
}

fn move_rows([hot, cold]: &mut [rusqlite::Connection; 2], older_than: Timestamp) -> Result<u64> {
    let leaving = hot.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let text = take(["IN ", ""], &older_than.micros().to_string(), COLUMNS);
    let row = |row: &rusqlite::Row<'_>| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
    };
    let rows: Vec<Row> =
        leaving.prepare_cached(&text)?.query_map([], row)?.collect::<rusqlite::Result<_>>()?;
    let entering = cold.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for rows in rows.chunks(ROWS) {
        insert(&entering, "messages_archive", ARCHIVED, rows, Some((older_than.micros(), 1)))?;
    }
    entering.commit()?;
    leaving.commit()?;
    Ok(rows.len() as u64)
}

/// Moves a batch as the server writes it, without looking at a row.
async fn copy_rows(hot: &mut PgConnection, cold: &mut PgConnection, older_than: Timestamp) -> Result<u64> {
    let (mut leaving, mut entering) = (hot.begin().await?, cold.begin().await?);
    // An array, or a database without statistics reads the whole table.
    let by_id = ["= ANY (ARRAY", ")"];
    let take = take(by_id, &format!("'{older_than}'"), &format!("{COLUMNS}, now(), 1::bigint"));
    let mut rows = leaving.copy_out_raw(&format!("COPY ({take}) TO STDOUT (FORMAT binary)")).await?;
    let into = format!("COPY messages_archive ({ARCHIVED}) FROM STDIN (FORMAT binary)");
    let mut copy = entering.copy_in_raw(&into).await?;
    // Each row comes as a message of its own, and the driver writes what it is given to the socket at once.
    let mut parts = Vec::with_capacity(2 * SENT);
    while let Some(part) = rows.next().await {
        parts.extend_from_slice(&part?);
        if parts.len() >= SENT {
            copy.send(&parts[..]).await?;
            parts.clear();
        }
    }
    copy.send(&parts[..]).await?;
    let moved = copy.finish().await?;
    drop(rows);
    entering.commit().await?;
    leaving.commit().await?;
    Ok(moved)
}

/// Inserts rows into a table of SQLite, `also` with two further values each.
fn insert(
    transaction: &Transaction<'_>,
    table: &str,
    columns: &str,
    rows: &[Row],
    also: Option<(i64, i64)>,
) -> rusqlite::Result<()> {
    let tuple = format!("({})", vec!["?"; columns.split(',').count()].join(", "));
    let text = format!("INSERT INTO {table} ({columns}) VALUES {}", vec![tuple; rows.len()].join(", "));
    let mut values: Vec<&dyn ToSql> = Vec::new();
    for (id, conversation, sender, content, at, is_read) in rows {
        values.extend([id as &dyn ToSql, conversation, sender, content, at, is_read]);
        if let Some((archived_at, epoch)) = &also {
            values.extend([archived_at as &dyn ToSql, epoch]);
        }
    }
    transaction.prepare_cached(&text)?.execute(&*values)?;
    Ok(())
}
