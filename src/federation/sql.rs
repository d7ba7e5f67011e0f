//! The two tiers of a list, read with SQL through any engine.
//!
//! Every list statement takes the same first parameters, then those of the list's filter:
//!
//! | hot | cold | meaning |
//! |---|---|---|
//! | 1, 2 | 1, 2 | lower key, inclusive |
//! | 3, 4 | 3, 4 | upper key, exclusive |
//! | 5, 6 | 5, 6 | take, skip |
//! | 7 | | whether to count |
//! | | 7, 8 | epoch, token |
//! | 8… | 9… | the filter |
//!
//! `find` statements take the id in place of the six, then what follows them. A row whose `id` is NULL is no row:
//! it only brings the state along.

use std::sync::LazyLock;

use async_trait::async_trait;
use tokio::sync::Mutex;

use super::blocks::{self, BlockStatements};
use super::reads::{Cold, ColdCount, ColdError, ColdRows, Hot, HotCount, HotRows, List, Mark};
use crate::page::{Key, Order, Slice, Span};
use crate::tier::{Begin, Engine, Record, Session, Statement, Tier, TierError, Value, cold_sql};

pub use super::blocks::{MESSAGES as MESSAGES_BLOCKS, POSTS as POSTS_BLOCKS};

static PROVEN: LazyLock<Statement> = LazyLock::new(|| cold_sql!("proven"));

/// A list with its SQL.
pub trait SqlList: List {
    /// Its statements.
    fn statements(&self) -> &'static ListStatements;

    /// The parameters of its filter.
    fn filter(&self) -> Vec<Value>;

    /// The scope its rows are counted under in blocks.
    fn scope(&self) -> Option<i64> {
        None
    }

    /// Reads a row.
    fn read(&self, record: &Record) -> Result<Self::Row, TierError>;
}

/// The statements of a list.
#[derive(Debug)]
pub struct ListStatements {
    hot: [Statement; 2],
    hot_find: Option<Statement>,
    cold: Option<ColdStatements>,
}

#[derive(Debug)]
struct ColdStatements {
    slice: [Statement; 2],
    find: Option<Statement>,
    count: Option<Statement>,
    blocks: Option<&'static BlockStatements>,
}

/// One text serves both orders: it is written newest first.
fn both_orders(newest_first: Statement) -> [Statement; 2] {
    [newest_first, newest_first.with(" DESC", " ASC")]
}

impl ListStatements {
    /// A list of the hot tier: its slice, newest first, and its row by id.
    pub fn hot(slice: Statement, find: Statement) -> Self {
        Self { hot_find: Some(find), ..Self::ranges(slice) }
    }

    /// A list of the hot tier whose rows have no ids to be found by.
    pub fn ranges(slice: Statement) -> Self {
        Self { hot: both_orders(slice), hot_find: None, cold: None }
    }

    /// The same list in the cold tier.
    #[must_use]
    pub fn cold(self, slice: Statement, find: Statement) -> Self {
        self.in_cold(slice, Some(find))
    }

    /// The same list in the cold tier, without ids.
    #[must_use]
    pub fn cold_ranges(self, slice: Statement) -> Self {
        self.in_cold(slice, None)
    }

    fn in_cold(mut self, slice: Statement, find: Option<Statement>) -> Self {
        self.cold = Some(ColdStatements { slice: both_orders(slice), find, count: None, blocks: None });
        self
    }

    /// The count of a span of it in cold; with `blocks` only of the two blocks at the span's ends.
    #[must_use]
    pub fn counted(mut self, count: Statement, blocks: Option<&'static BlockStatements>) -> Self {
        if let Some(cold) = &mut self.cold {
            cold.count = Some(count);
            cold.blocks = blocks;
        }
        self
    }
}

fn span_params(span: Span) -> Vec<Value> {
    let Span { lower, upper } = span;
    vec![lower.at.into(), lower.id.into(), upper.at.into(), upper.id.into()]
}

fn slice_params(slice: Slice) -> Vec<Value> {
    let mut params = span_params(slice.span);
    params.extend([slice.take.into(), slice.skip.into()]);
    params
}

fn rows<L: SqlList>(list: &L, records: &[Record]) -> Result<Vec<L::Row>, TierError> {
    let mut rows = Vec::with_capacity(records.len());
    for record in records {
        if !record.is_null("id")? {
            rows.push(list.read(record)?);
        }
    }
    Ok(rows)
}

fn hot_rows<L: SqlList>(list: &L, records: &[Record]) -> Result<HotRows<L::Row>, TierError> {
    // The state row comes along with no row too. Without it nobody knows what there is; that must not look like nothing.
    let first = records.first().ok_or_else(|| TierError::Row {
        tier: Tier::Hot,
        statement: list.name(),
        column: "epoch".to_owned(),
        problem: format!("is not there: archive_state has no row of {}", list.resource()),
    })?;
    let mark = Mark {
        epoch: first.int("epoch")?,
        token: first.int_or_null("token")?,
        cold_newest: first.key_or_null("cold_newest_at", "cold_newest_id")?,
    };
    let count = HotCount {
        rows: first.int_or_null("n")?.unwrap_or(0),
        late: first.int_or_null("late")?.unwrap_or(0),
    };
    Ok(HotRows { mark, rows: rows(list, records)?, count })
}

fn hot_slice<L: SqlList>(list: &L, slice: Slice, count: bool) -> (&'static Statement, Vec<Value>) {
    let mut params = slice_params(slice);
    params.push(count.into());
    params.extend(list.filter());
    (&list.statements().hot[slice.order as usize], params)
}

fn hot_find<L: SqlList>(list: &L, id: i64) -> Result<(&'static Statement, Vec<Value>), TierError> {
    let mut params = vec![id.into()];
    params.extend(list.filter());
    Ok((list.statements().hot_find.as_ref().ok_or_else(|| no_ids(list, Tier::Hot))?, params))
}

fn no_ids<L: List>(list: &L, tier: Tier) -> TierError {
    TierError::Statement { tier, statement: list.name(), source: "its rows have no ids".into() }
}

/// The hot tier behind an engine.
#[derive(Clone, Copy, Debug)]
pub struct SqlHot<'a>(pub &'a dyn Engine);

#[async_trait]
impl<L: SqlList> Hot<L> for SqlHot<'_> {
    async fn read(&self, list: &L, slice: Slice, count: bool) -> Result<HotRows<L::Row>, TierError> {
        let (statement, params) = hot_slice(list, slice, count);
        hot_rows(list, &self.0.fetch(statement, &params).await?)
    }

    async fn find(&self, list: &L, id: i64) -> Result<HotRows<L::Row>, TierError> {
        let (statement, params) = hot_find(list, id)?;
        hot_rows(list, &self.0.fetch(statement, &params).await?)
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
        hot_rows(list, &self.0.lock().await.fetch(statement, &params).await?)
    }

    async fn find(&self, list: &L, id: i64) -> Result<HotRows<L::Row>, TierError> {
        let (statement, params) = hot_find(list, id)?;
        hot_rows(list, &self.0.lock().await.fetch(statement, &params).await?)
    }

    async fn snapshot(&self) -> Result<Box<dyn Hot<L> + '_>, TierError> {
        Err(TierError::Statement {
            tier: Tier::Hot,
            statement: "snapshot",
            source: "a snapshot has no snapshots".into(),
        })
    }
}

/// The cold tier behind an engine and its replicas.
///
/// A replica answers only when its journal knows the reader's epoch; otherwise the next one is asked, then the primary.
#[derive(Clone, Copy, Debug)]
pub struct SqlCold<'a>(pub &'a dyn Engine);

impl<'a> SqlCold<'a> {
    /// Asks the replicas, then the primary, until one can answer.
    async fn ask<T, F>(&self, ask: impl Fn(SqlServer<'a>) -> F) -> Result<T, ColdError>
    where
        F: Future<Output = Result<T, ColdError>>,
    {
        for replica in self.0.replicas() {
            match ask(SqlServer { engine: replica, lags: true }).await {
                Ok(answer) => return Ok(answer),
                Err(error) => tracing::debug!(?error, "a replica cannot answer"),
            }
        }
        ask(SqlServer { engine: self.0, lags: false }).await
    }
}

/// One server of the cold tier.
#[derive(Clone, Copy, Debug)]
struct SqlServer<'a> {
    engine: &'a dyn Engine,
    /// Whether it may be behind what hot says.
    lags: bool,
}

impl SqlServer<'_> {
    /// Makes sure that blocks are read as of the epoch: on a replica it may arrive between them and the rows, whose
    /// proof would then say nothing of the blocks.
    async fn caught_up(&self, resource: &'static str, mark: Mark) -> Result<(), ColdError> {
        if !self.lags || mark.epoch == 0 {
            return Ok(());
        }
        let token = Value::or_null(mark.token, crate::schema::Kind::Int);
        let records = self.engine.fetch(&PROVEN, &[resource.into(), mark.epoch.into(), token]).await?;
        match records.first().map(|record| record.int("n")).transpose()? {
            Some(1) => Ok(()),
            _ => Err(ColdError::Unproven),
        }
    }

    async fn proven<L: SqlList>(
        &self,
        list: &L,
        mark: Mark,
        statement: &Statement,
        mut params: Vec<Value>,
    ) -> Result<(Vec<Record>, i64), ColdError> {
        params.extend([mark.epoch.into(), Value::or_null(mark.token, crate::schema::Kind::Int)]);
        params.extend(list.filter());
        let records = self.engine.fetch(statement, &params).await?;
        let first = records.first().ok_or(ColdError::Unproven)?;
        let (proven, floor, confirmed) =
            (first.bool("proven")?, first.int("floor")?, first.int_or_null("confirmed")?.unwrap_or(0));
        if mark.epoch > 0 && !proven {
            return Err(ColdError::Unproven);
        }
        if mark.epoch < floor {
            return Err(ColdError::BelowFloor);
        }
        Ok((records, confirmed))
    }

    async fn slice<L: SqlList>(
        &self,
        list: &L,
        mark: Mark,
        slice: Slice,
    ) -> Result<ColdRows<L::Row>, ColdError> {
        let statement = &cold_statements(list)?.slice[slice.order as usize];
        let (records, confirmed) = self.proven(list, mark, statement, slice_params(slice)).await?;
        Ok(ColdRows { rows: rows(list, &records)?, confirmed })
    }

    /// Counts row by row.
    async fn count_rows<L: SqlList>(&self, list: &L, mark: Mark, span: Span) -> Result<ColdCount, ColdError> {
        let count = cold_statements(list)?.count;
        let count = count.ok_or_else(|| ColdError::absent(format!("{} are not counted", list.name())))?;
        let mut params = span_params(span);
        // Where a slice has take and skip.
        params.extend([0.into(), 0.into()]);
        let (records, confirmed) = self.proven(list, mark, &count, params).await?;
        let rows = records.first().map_or(Ok(0), |record| record.int("n"))?;
        Ok(ColdCount { rows, confirmed })
    }

    /// How many rows of the list have the key `key` or a newer one.
    async fn rank<L: SqlList>(
        &self,
        list: &L,
        mark: Mark,
        (blocks, scope): (&BlockStatements, i64),
        key: Key,
    ) -> Result<ColdCount, ColdError> {
        if key == Key::MAX {
            return Ok(ColdCount { rows: 0, confirmed: 0 });
        }
        let block = blocks::holding(self.engine, blocks, scope, mark, key).await?;
        // Without a block there are no rows, which has to be proven all the same.
        let (newer, upper) = block.map_or((0, key), |block| (block.newer, block.upper.successor()));
        let ColdCount { rows, confirmed } = self.count_rows(list, mark, Span { lower: key, upper }).await?;
        Ok(ColdCount { rows: newer + rows, confirmed })
    }
    async fn read<L: SqlList>(
        &self,
        list: &L,
        mark: Mark,
        slice: Slice,
    ) -> Result<ColdRows<L::Row>, ColdError> {
        let counted = blocks_of(list)?.filter(|_| slice.skip > 0 && slice.order == Order::Desc);
        let Some(counted) = counted else {
            return self.slice(list, mark, slice).await;
        };
        self.caught_up(list.resource(), mark).await?;
        let rank = slice.skip + self.rank(list, mark, counted, slice.span.upper).await?.rows;
        let stretch = match blocks::locate(self.engine, counted.0, counted.1, mark, rank).await? {
            Some(block) => Slice {
                span: Span { upper: block.upper.successor(), ..slice.span },
                skip: rank - block.newer,
                ..slice
            },
            // Past the end; the answer must still prove itself.
            None => Slice { skip: 0, take: 0, ..slice },
        };
        self.slice(list, mark, stretch).await
    }

    async fn count<L: SqlList>(&self, list: &L, mark: Mark, span: Span) -> Result<ColdCount, ColdError> {
        let Some(counted) = blocks_of(list)? else {
            return self.count_rows(list, mark, span).await;
        };
        self.caught_up(list.resource(), mark).await?;
        let above = self.rank(list, mark, counted, span.upper).await?;
        let all = self.rank(list, mark, counted, span.lower).await?;
        Ok(ColdCount { rows: all.rows - above.rows, confirmed: all.confirmed })
    }

    async fn find<L: SqlList>(&self, list: &L, mark: Mark, id: i64) -> Result<ColdRows<L::Row>, ColdError> {
        let statement = cold_statements(list)?.find.as_ref().ok_or_else(|| no_ids(list, Tier::Cold))?;
        let (records, confirmed) = self.proven(list, mark, statement, vec![id.into()]).await?;
        Ok(ColdRows { rows: rows(list, &records)?, confirmed })
    }
}

fn cold_statements<L: SqlList>(list: &L) -> Result<&'static ColdStatements, ColdError> {
    let cold = list.statements().cold.as_ref();
    cold.ok_or_else(|| ColdError::absent(format!("{} stay in hot", list.name())))
}

fn blocks_of<L: SqlList>(list: &L) -> Result<Option<(&'static BlockStatements, i64)>, ColdError> {
    Ok(cold_statements(list)?.blocks.zip(list.scope()))
}

#[async_trait]
impl<L: SqlList> Cold<L> for SqlCold<'_> {
    async fn prove(&self, list: &L, mark: Mark) -> Result<i64, ColdError> {
        let primary = SqlServer { engine: self.0, lags: false };
        Ok(primary.slice(list, mark, Slice::newest(Span::ALL, 0)).await?.confirmed)
    }

    async fn read(&self, list: &L, mark: Mark, slice: Slice) -> Result<ColdRows<L::Row>, ColdError> {
        self.ask(|server| async move { server.read(list, mark, slice).await }).await
    }

    async fn count(&self, list: &L, mark: Mark, span: Span) -> Result<ColdCount, ColdError> {
        self.ask(|server| async move { server.count(list, mark, span).await }).await
    }

    async fn find(&self, list: &L, mark: Mark, id: i64) -> Result<ColdRows<L::Row>, ColdError> {
        self.ask(|server| async move { server.find(list, mark, id).await }).await
    }
}
