//! Notes of moves for the readers of the change feed.
//!
//! A row that moves to cold is gone from hot before a slow reader has seen its last change. The transaction that removes it
//! therefore notes its version and id, and the reader reads it in cold. The number of notes is bounded: the oldest are
//! dropped by raising the **floor** above them, and a reader below the floor has to begin anew. Erased rows are noted for all
//! readers.
//!
//! Movers lock the state row of the resource first, so that one at a time writes here.

use super::queries::sql;
use thermocline_database::migrate::live;
pub use thermocline_database::migrate::live::Kind;
use thermocline_database::{Engine, Record, Session, Statement, TierError, Value};

/// The number of notes of either kind above which the oldest are dropped.
pub const MOST: i64 = 20_000;
/// The number of notes that stay.
const KEPT: i64 = 10_000;

const MOVED: &str = "live_moved";
const ERASED: &str = "live_erased";

/// Returns the T-SQL for the bound: every transaction with a lower version has ended.
pub const fn bound(kind: Kind) -> &'static str {
    match kind {
        Kind::Transaction => "pg_catalog.txid_snapshot_xmin(pg_catalog.txid_current_snapshot())",
        Kind::Counter | Kind::RowVersion | Kind::TransactionId => "MIN_ACTIVE_ROWVERSION()",
    }
}

/// Returns the name under which statements of one kind are listed.
const fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Transaction => "Babelfish",
        Kind::Counter | Kind::RowVersion | Kind::TransactionId => "changes",
    }
}

/// Returns the statement that reads incarnation and bound.
pub fn now(kind: Kind) -> Statement {
    of_kind(kind, sql::live_bound().bind(name(kind), &[("bound", bound(kind))]))
}

/// Returns a statement as one for this kind of version. That of Babelfish has no text for PostgreSQL.
pub fn of_kind(kind: Kind, statement: Statement) -> Statement {
    if kind == Kind::Transaction { statement.of_subject(name(kind)).without_postgres() } else { statement }
}

/// Returns every statement of this file as it is sent.
pub(super) fn statements() -> Vec<Statement> {
    let mut all = vec![now(Kind::RowVersion), now(Kind::Transaction), *sql::live_kept()];
    all.extend(
        [MOVED, ERASED].iter().flat_map(|table| [of(sql::live_raise(), table), of(sql::live_drop(), table)]),
    );
    all
}

fn of(template: &Statement, table: &str) -> Statement {
    template.bind(table, &[("table", table)])
}

/// Returns how rows of hot get their versions; `None` without a feed.
pub async fn kind(hot: &dyn Engine) -> Result<Option<Kind>, TierError> {
    Kind::read(&hot.fetch(live::sql::kind(), &[]).await?)
}

/// The same in a transaction that holds the state row, so that the feed is not added until it ends.
pub async fn kind_in(hot: &mut dyn Session) -> Result<Option<Kind>, TierError> {
    Kind::read(&hot.fetch(live::sql::kind(), &[]).await?)
}

/// Notes rows that have left hot in the open transaction, each with its version, id and scope. Triggers of SQLite have
/// noted theirs.
pub async fn note_moved(hot: &mut dyn Session, left: &[(i64, i64, i64)]) -> Result<(), TierError> {
    let Kept { floor, moved, .. } = kept(hot).await?;
    let seen_late = left.iter().filter(|(version, ..)| *version >= floor);
    let notes: Vec<Vec<Value>> = seen_late
        .map(|(version, id, scope)| vec![(*version).into(), (*id).into(), (*scope).into()])
        .collect();
    if !notes.is_empty() {
        hot.insert(MOVED, &["version", "id", "scope"], &notes).await?;
    }
    if moved + notes.len() as i64 > MOST {
        prune(hot, MOVED).await?;
    }
    Ok(())
}

/// Notes rows, each with its id and scope, that the open transaction has erased.
pub async fn note_erased(hot: &mut dyn Session, erased: &[(i64, i64)]) -> Result<(), TierError> {
    let notes: Vec<Vec<Value>> =
        erased.iter().map(|(id, scope)| vec![(*scope).into(), (*id).into()]).collect();
    hot.insert(ERASED, &["scope", "id"], &notes).await?;
    if kept(hot).await?.erased > MOST {
        prune(hot, ERASED).await?;
    }
    Ok(())
}

/// Makes every token expire: a recovery has rewritten what readers may have seen.
pub async fn redraw(hot: &mut dyn Session, incarnation: i64) -> Result<(), TierError> {
    hot.execute(live::sql::redraw(), &[incarnation.into()]).await.map(drop)
}

/// The floor and the number of notes.
struct Kept {
    floor: i64,
    moved: i64,
    erased: i64,
}

async fn kept(hot: &mut dyn Session) -> Result<Kept, TierError> {
    let records = hot.fetch(sql::live_kept(), &[]).await?;
    let read = |record: &Record| {
        Ok(Kept { floor: record.int("floor")?, moved: record.int("moved")?, erased: record.int("erased")? })
    };
    // Without a state every row is noted, and every reader has to begin anew.
    records.first().map_or(Ok(Kept { floor: i64::MIN, moved: 0, erased: 0 }), read)
}

/// Raises the floor above all but the newest notes of a table, and drops the notes below it.
async fn prune(hot: &mut dyn Session, table: &str) -> Result<(), TierError> {
    hot.execute(&of(sql::live_raise(), table), &[KEPT.into()]).await?;
    for table in [MOVED, ERASED] {
        hot.execute(&of(sql::live_drop(), table), &[]).await?;
    }
    Ok(())
}
