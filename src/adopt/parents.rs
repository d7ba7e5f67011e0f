//! The rows of hot that adopted rows refer to: conversations with their users, and stocks. The platform may have deleted them,
//! and nothing could be read without them.

use std::collections::{BTreeSet, HashSet};

use super::sql;
use crate::archive::adopt::{Class, Source};
use crate::archive::{Family, Mover, present};
use crate::clock::Timestamp;
use crate::schema::{CONVERSATIONS, ColumnType, STOCKS, USERS};
use crate::telemetry::explain;
use crate::tier::{Begin, Engine, TierError, Value};

/// The tables of hot without whose rows nobody can read the rows that refer to them.
const NEEDED: [&str; 2] = [CONVERSATIONS.name, STOCKS.name];
/// Ids of one question to hot.
const IDS: usize = 2_000;

/// Rows of hot to insert: a table, its columns, and their values.
type Rows = (&'static str, &'static [&'static str], Vec<Vec<Value>>);

/// Returns the rows that a table of the platform refers to and hot does not hold.
pub async fn missing(
    hot: &dyn Engine,
    cold: &dyn Engine,
    source: &Source<'_>,
) -> Result<Vec<Class>, TierError> {
    let mut classes = Vec::new();
    for (table, ids) in wanted(hot, cold, source).await? {
        let mut class = Class::new(&format!("{table}_missing"));
        for id in ids {
            class.add(format!("{table} {id}"));
        }
        classes.push(class);
    }
    Ok(classes)
}

/// Makes the rows of hot that a table of the platform refers to and hot does not hold.
pub async fn make(mover: &Mover<'_>, source: &Source<'_>) -> Result<Vec<Class>, TierError> {
    let mut classes = Vec::new();
    for (table, ids) in wanted(mover.hot, mover.cold, source).await? {
        classes.extend(make_all(mover, table, ids).await?);
    }
    Ok(classes)
}

/// Makes rows of a table of hot; returns those that were made and those that cannot be.
async fn make_all(mover: &Mover<'_>, table: &str, ids: Vec<i64>) -> Result<Vec<Class>, TierError> {
    let (hot, cold, now) = (mover.hot, mover.cold, mover.clock.now());
    let (mut made, mut failed) =
        (Class::new(&format!("{table}_made")), Class::new(&format!("{table}_not_made")));
    for id in ids {
        let rows =
            if table == STOCKS.name { vec![stock(id, now)] } else { conversation(hot, cold, id).await? };
        if rows.is_empty() {
            continue;
        }
        match insert(hot, rows).await {
            Ok(()) => made.add(format!("{table} {id}")),
            Err(error @ TierError::Statement { .. }) => {
                failed.add(format!("{table} {id}: {}", explain(&error)));
            }
            Err(error) => return Err(error),
        }
    }
    Ok([made, failed].into_iter().filter(|class| class.rows > 0).collect())
}

/// Makes the rows of hot that rows of a family refer to and hot does not hold. Names those that cannot be made in the log.
pub async fn make_for(mover: &Mover<'_>, family: &Family, rows: &[Vec<Value>]) -> Result<(), TierError> {
    for (at, column) in family.own().table.columns.iter().enumerate() {
        let Some(table) = column.references.filter(|table| NEEDED.contains(table)) else { continue };
        let ids: BTreeSet<i64> = rows.iter().map(|row| row[at].int()).collect();
        let ids = absent(mover.hot, table, &Vec::from_iter(ids)).await?;
        for class in make_all(mover, table, ids).await? {
            tracing::info!(class = class.class, rows = class.rows, first = ?class.first, "made for imported rows");
        }
    }
    Ok(())
}

/// Returns the ids of each needed table that hot does not hold.
async fn wanted(
    hot: &dyn Engine,
    cold: &dyn Engine,
    source: &Source<'_>,
) -> Result<Vec<(&'static str, Vec<i64>)>, TierError> {
    let mut wanted = Vec::new();
    let mut session = cold.session().await?;
    session.allow_long_statements();
    for column in source.moved().table.columns {
        let Some(table) = column.references.filter(|table| NEEDED.contains(table)) else { continue };
        let (mut last, mut missing) = (i64::MIN, Vec::new());
        loop {
            let ids = source.references(&mut *session, column.name, last).await?;
            let Some(highest) = ids.last().copied() else { break };
            last = highest;
            for ids in ids.chunks(IDS) {
                missing.extend(absent(hot, table, ids).await?);
            }
        }
        if !missing.is_empty() {
            wanted.push((table, missing));
        }
    }
    Ok(wanted)
}

/// Returns those of some ids that a table of hot does not hold.
async fn absent(hot: &dyn Engine, table: &str, ids: &[i64]) -> Result<Vec<i64>, TierError> {
    let mut found = HashSet::new();
    for record in hot.fetch(&present(table), &[ids.to_vec().into()]).await? {
        found.insert(record.int("id")?);
    }
    Ok(ids.iter().copied().filter(|id| !found.contains(id)).collect())
}

/// Returns a stock that was only referred to: nobody knows its symbol.
fn stock(id: i64, now: Timestamp) -> Rows {
    let name: Value = format!("#{id}").as_str().into();
    let columns = &["id", "symbol", "name", "created_at", "updated_at"];
    (STOCKS.name, columns, vec![vec![id.into(), name.clone(), name, now.into(), now.into()]])
}

/// Returns a conversation whose two users are the first two senders, with the users that hot does not hold.
async fn conversation(hot: &dyn Engine, cold: &dyn Engine, id: i64) -> Result<Vec<Rows>, TierError> {
    let (mut senders, mut first, mut last) = (Vec::new(), None::<Timestamp>, None::<Timestamp>);
    for record in cold.fetch(sql::participants(), &[id.into()]).await? {
        senders.push(record.int("sender_id")?);
        let (from, to) = (record.time("first")?, record.time("last")?);
        first = Some(first.map_or(from, |first| first.min(from)));
        last = last.max(Some(to));
    }
    senders.truncate(2);
    let (Some(first), Some(last)) = (first, last) else { return Ok(Vec::new()) };
    let named = |id: i64| vec![id.into(), Value::from(format!("user{id}").as_str())];
    let users = absent(hot, USERS.name, &senders).await?;
    let user = |at: usize| Value::or_null(senders.get(at).copied(), ColumnType::Int);
    let columns = &["id", "user1_id", "user2_id", "created_at", "updated_at"];
    let row = vec![id.into(), user(0), user(1), first.into(), last.into()];
    Ok(vec![
        (USERS.name, &["id", "username"], users.into_iter().map(named).collect()),
        (CONVERSATIONS.name, columns, vec![row]),
    ])
}

/// Inserts rows in one transaction.
async fn insert(hot: &dyn Engine, rows: Vec<Rows>) -> Result<(), TierError> {
    let mut session = hot.session().await?;
    session.begin(Begin::Write).await?;
    for (table, columns, rows) in rows.iter().filter(|(_, _, rows)| !rows.is_empty()) {
        session.insert(table, columns, rows).await?;
    }
    session.commit().await
}
