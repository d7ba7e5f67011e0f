//! Reading the feed.

use std::collections::HashMap;

use thermocline_core::feed::{Position, Token};
use thermocline_database::{Engine, Record, Statement, TierError, Value};
use thermocline_journal::live::{self, Kind};

use super::{Change, Changed, Changes, FeedError};
use crate::attempt::{Attempt, retry};
use crate::cache::{ReadCache, SeenFeed};
use crate::consistency::Consistent;
use crate::merge::Placed;
use crate::reads::{Cold, HotSnapshot};
use crate::sql::{FeedStatements, SqlCold, SqlHot, SqlList, hot_snapshot};

/// The change feed of a list's rows, over both tiers. The filter of the list does not matter.
#[derive(Clone, Copy, Debug)]
pub struct Feed<'a, L: SqlList> {
    /// The hot tier.
    pub hot: &'a dyn Engine,
    /// The cold tier; absent in hot-only mode.
    pub cold: Option<SqlCold<'a>>,
    /// Snapshots of earlier reads.
    pub cache: &'a ReadCache,
    /// The list.
    pub list: &'a L,
    /// Whether the feed is wanted. Otherwise it is off even if hot has one.
    pub wanted: bool,
}

/// The place of a change in hot.
enum Place<R> {
    /// The row is in hot.
    Hot(R),
    /// The row has left hot.
    Moved,
    Erased,
}

/// A change as hot knows it.
struct Noted<R> {
    at: Position,
    id: i64,
    scope: i64,
    place: Place<R>,
}

/// One instant of the feed in hot.
struct Instant<R> {
    incarnation: i64,
    /// Changes below this version may be forgotten.
    floor: i64,
    /// Every transaction with a lower version has ended.
    bound: i64,
    snapshot: HotSnapshot,
    noted: Vec<Noted<R>>,
}

impl<R> Instant<R> {
    /// Returns whether everything from a token on is known.
    fn answers(&self, since: Token) -> bool {
        since.incarnation == self.incarnation && (self.floor..=self.bound).contains(&since.position.version)
    }
}

impl<L: SqlList> Feed<'_, L> {
    /// Returns the token of now: everything that is committed before this call is below it. Read it before the rows that it
    /// is given out with.
    ///
    /// # Errors
    /// [`FeedError::Off`] without a feed; the error of hot.
    pub async fn now(&self) -> Result<Token, FeedError> {
        let (statements, kind) = self.statements().await?;
        let records = self.hot.fetch(statements.now(kind), &[]).await?;
        let record = records.first().ok_or(FeedError::Off)?;
        let position = Position::first_of(record.int("bound")?);
        Ok(Token { incarnation: record.int("incarnation")?, position })
    }

    /// Returns how rows of hot get their versions; none without a feed.
    ///
    /// # Errors
    /// The error of hot.
    pub async fn kind(&self) -> Result<Option<Kind>, FeedError> {
        match self.statements().await {
            Ok((_, kind)) => Ok(Some(kind)),
            Err(FeedError::Off) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the changes from `since` on, at most `limit`, of these scopes or of all. Each row comes once, at its newest
    /// state. A row that was inserted or changed and then moved comes from cold.
    ///
    /// # Errors
    /// [`FeedError::Off`] without a feed; [`FeedError::Expired`] if changes behind the token may be missing; the errors of
    /// the tiers.
    pub async fn changes(
        &self,
        since: Token,
        scopes: Option<&[i64]>,
        limit: i64,
    ) -> Result<Changes<L::Row>, FeedError> {
        let (statements, kind) = self.statements().await?;
        let statement = statements.changes(kind, scopes.is_some());
        let Position { version, id } = since.position;
        let mut params: Vec<Value> = vec![version.into(), id.into(), (limit + 1).into()];
        params.extend(scopes.map(|scopes| Value::from(scopes.to_vec())));
        let changes =
            retry(self.list.resource(), || self.try_changes(statement, &params, since, limit)).await?;
        changes.ok_or(FeedError::Expired)
    }

    /// Returns `None` for a token that has expired.
    async fn try_changes(
        &self,
        statement: &Statement,
        params: &[Value],
        since: Token,
        limit: i64,
    ) -> Attempt<Option<Changes<L::Row>>> {
        let records = self.hot.fetch(statement, params).await?;
        let Some(mut instant) = self.read(&records)? else { return Ok(None) };
        if !instant.answers(since) {
            return Ok(None);
        }
        let hot = SqlHot(self.hot);
        let cold = self.cold.as_ref().map(|cold| cold as &dyn Cold<L>);
        let tiers = Consistent { hot: &hot, cold, cache: self.cache };
        tiers.check(self.list, instant.snapshot).await?;
        let limit = usize::try_from(limit).unwrap_or(0);
        let has_more = instant.noted.len() > limit;
        instant.noted.truncate(limit);
        let moved = self.moved(&tiers, &instant).await?;
        Ok(Some(together(instant, moved, has_more, since)))
    }

    async fn statements(&self) -> Result<(&'static FeedStatements, Kind), FeedError> {
        let statements = self.list.statements().feed.as_ref().filter(|_| self.wanted);
        let statements = statements.ok_or(FeedError::Off)?;
        let mut seen = self.cache.feed();
        if seen.is_none() {
            let now = live::kind(self.hot).await?.map_or(SeenFeed::Off, SeenFeed::On);
            self.cache.keep_feed(now);
            seen = Some(now);
        }
        match seen {
            Some(SeenFeed::On(kind)) => Ok((statements, kind)),
            _ => Err(FeedError::Off),
        }
    }

    /// Reads the answer of hot; `None` if the feed has lost its state.
    fn read(&self, records: &[Record]) -> Result<Option<Instant<L::Row>>, TierError> {
        let Some(first) = records.first() else { return Ok(None) };
        let mut instant = Instant {
            incarnation: first.int("incarnation")?,
            floor: first.int("floor")?,
            bound: first.int("bound")?,
            snapshot: hot_snapshot(self.list, records)?,
            noted: Vec::with_capacity(records.len()),
        };
        for record in records {
            if let Some(place) = record.int_or_null("place")? {
                instant.noted.push(self.noted(record, place)?);
            }
        }
        Ok(Some(instant))
    }

    fn noted(&self, record: &Record, place: i64) -> Result<Noted<L::Row>, TierError> {
        let id = record.int("at_id")?;
        let place = match place {
            0 => Place::Hot(self.list.read(record)?),
            1 => Place::Moved,
            _ => Place::Erased,
        };
        let at = Position { version: record.int("at_version")?, id };
        Ok(Noted { at, id, scope: record.int("scope")?, place })
    }

    /// Reads the rows of an instant that have moved, by id. A row that is not visible was erased or restored since, which is a
    /// change of its own.
    async fn moved(
        &self,
        tiers: &Consistent<'_, L>,
        instant: &Instant<L::Row>,
    ) -> Attempt<HashMap<i64, L::Row>> {
        let moved = instant.noted.iter().filter(|noted| matches!(noted.place, Place::Moved));
        let ids: Vec<i64> = moved.map(|noted| noted.id).collect();
        let snapshot = instant.snapshot;
        if ids.is_empty() || snapshot.cold_watermark.is_none() {
            return Ok(HashMap::new());
        }
        let rows = tiers.cold(self.list)?.find_all(self.list, snapshot, &ids).await;
        let rows = tiers.accept(self.list, snapshot, rows).await?;
        Ok(rows.into_iter().map(|row| (self.list.key(&row).id, row)).collect())
    }
}

/// Puts the rows of both tiers together in the order of their versions.
fn together<R>(instant: Instant<R>, mut moved: HashMap<i64, R>, has_more: bool, since: Token) -> Changes<R> {
    let token = |position| Token { position, ..since };
    let next = match instant.noted.last() {
        Some(last) if has_more => last.at.successor(),
        _ => Position::first_of(instant.bound).max(since.position),
    };
    // A row that moved twice comes at its later version.
    let mut changes = Vec::with_capacity(instant.noted.len());
    for Noted { at, id, scope, place } in instant.noted.into_iter().rev() {
        let change = match place {
            Place::Hot(row) => Change::Row(Placed { row, from_archive: false }),
            Place::Moved => match moved.remove(&id) {
                Some(row) => Change::Row(Placed { row, from_archive: true }),
                None => continue,
            },
            Place::Erased => Change::Erased(id),
        };
        changes.push(Changed { scope, next: token(at.successor()), change });
    }
    changes.reverse();
    Changes { changes, next: token(next), has_more }
}
