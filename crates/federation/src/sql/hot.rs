//! The hot tier of a list.

use async_trait::async_trait;
use tokio::sync::Mutex;

use super::lists::SqlList;
use super::rows::{no_ids, rows, slice_params};
use super::statements::ListStatements;
use crate::reads::{Hot, HotCount, HotRows, HotSnapshot};
use thermocline_core::feed::{Position, Token};
use thermocline_core::keyset::{Order, Slice, Span};
use thermocline_database::{Begin, Engine, Record, Session, Statement, Tier, TierError, Value};
use thermocline_journal::live::Kind;

/// The hot tier behind an engine.
#[derive(Clone, Copy, Debug)]
pub struct SqlHot<'a>(pub &'a dyn Engine);

#[async_trait]
impl<L: SqlList> Hot<L> for SqlHot<'_> {
    async fn read(&self, list: &L, slice: Slice, count: bool) -> Result<HotRows<L::Row>, TierError> {
        let (statement, params) = hot_slice(list, slice, count);
        hot_rows(list, slice.order, count, &self.0.fetch(statement, &params).await?)
    }

    async fn find(&self, list: &L, id: i64) -> Result<HotRows<L::Row>, TierError> {
        let (statement, params) = hot_find(list, id)?;
        hot_rows(list, Order::Desc, false, &self.0.fetch(statement, &params).await?)
    }

    async fn snapshot(&self) -> Result<Box<dyn Hot<L> + '_>, TierError> {
        let mut session = self.0.session().await?;
        session.begin(Begin::Read).await?;
        Ok(Box::new(SqlSnapshot(Mutex::new(session))))
    }
}

/// One instant of the hot tier, until it is dropped.
struct SqlSnapshot(Mutex<Box<dyn Session>>);

#[async_trait]
impl<L: SqlList> Hot<L> for SqlSnapshot {
    async fn read(&self, list: &L, slice: Slice, count: bool) -> Result<HotRows<L::Row>, TierError> {
        let (statement, params) = hot_slice(list, slice, count);
        hot_rows(list, slice.order, count, &self.0.lock().await.fetch(statement, &params).await?)
    }

    async fn find(&self, list: &L, id: i64) -> Result<HotRows<L::Row>, TierError> {
        let (statement, params) = hot_find(list, id)?;
        hot_rows(list, Order::Desc, false, &self.0.lock().await.fetch(statement, &params).await?)
    }

    async fn snapshot(&self) -> Result<Box<dyn Hot<L> + '_>, TierError> {
        Err(TierError::Statement {
            tier: Tier::Hot,
            statement: "snapshot",
            source: "a snapshot has no snapshots".into(),
        })
    }
}

fn hot_slice<L: SqlList>(list: &L, slice: Slice, count: bool) -> (&'static Statement, Vec<Value>) {
    let ListStatements { hot, hot_numbered, feed, .. } = list.statements();
    let own = match hot_numbered {
        Some(numbered) if count && slice.span == Span::ALL => {
            Some((&numbered[slice.order as usize], vec![slice.take.into(), slice.skip.into()]))
        }
        _ if count => None,
        _ => hot.shape(slice),
    };
    // The same parameters, with the token of the change feed in the answer.
    let with_token = followed(list, slice).zip(feed.as_ref()).map(|(kind, feed)| feed.newest(kind, count));
    let (statement, mut params) = if let Some((statement, params)) = own {
        (with_token.unwrap_or(statement), params)
    } else {
        let mut params = slice_params(slice);
        params.push(count.into());
        (hot.any(slice.order), params)
    };
    params.extend(list.filter());
    (statement, params)
}

/// Returns how rows get their versions, if a token of the change feed is wanted with this slice.
fn followed<L: SqlList>(list: &L, slice: Slice) -> Option<Kind> {
    let is_newest = slice == Slice::newest(Span::ALL, slice.take) && slice.take > 0;
    list.followed().filter(|_| is_newest)
}

fn hot_find<L: SqlList>(list: &L, id: i64) -> Result<(&'static Statement, Vec<Value>), TierError> {
    let mut params = vec![id.into()];
    params.extend(list.filter());
    Ok((list.statements().hot_find.as_ref().ok_or_else(|| no_ids(list, Tier::Hot))?, params))
}

/// Returns the state that an answer of hot carries.
pub(crate) fn hot_snapshot<L: SqlList>(list: &L, records: &[Record]) -> Result<HotSnapshot, TierError> {
    // The state comes along even without rows. A missing state row must not look like an empty list.
    let first = records.first().ok_or_else(|| TierError::Row {
        tier: Tier::Hot,
        statement: list.name(),
        column: "epoch".to_owned(),
        problem: format!("is missing: archive_state has no row of {}", list.resource()),
    })?;
    Ok(HotSnapshot {
        epoch: first.int("epoch")?,
        token: first.int_or_null("token")?,
        cold_watermark: first.key_or_null("cold_newest_at", "cold_newest_id")?,
    })
}

fn hot_rows<L: SqlList>(
    list: &L,
    order: Order,
    counted: bool,
    records: &[Record],
) -> Result<HotRows<L::Row>, TierError> {
    let snapshot = hot_snapshot(list, records)?;
    let count = if counted {
        HotCount { rows: records[0].int("n")?, late: records[0].int("late")? }
    } else {
        HotCount::default()
    };
    Ok(HotRows { snapshot, rows: rows(list, order, records)?, count, changes: changes(list, &records[0])? })
}

/// Reads the token of the change feed, if it was asked for.
fn changes<L: SqlList>(list: &L, record: &Record) -> Result<Option<Token>, TierError> {
    if list.followed().is_none() || !record.has("incarnation") {
        return Ok(None);
    }
    let token = record.int_or_null("incarnation")?.zip(record.int_or_null("bound")?);
    Ok(token.map(|(incarnation, bound)| Token { incarnation, position: Position::first_of(bound) }))
}
