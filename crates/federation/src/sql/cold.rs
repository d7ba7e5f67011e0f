//! The cold tier of a list.

use async_trait::async_trait;

use super::blocks::BlockStatements;
use super::lists::SqlList;
use super::parts;
use super::rows::{no_ids, rows, slice_params, span_params};
use super::signatures::{SignatureStatements, Wanted};
use super::statements::ColdStatements;
use crate::reads::{Cold, ColdCount, ColdError, ColdRows, HotSnapshot};
use thermocline_core::keyset::{Key, Order, Slice, Span};
use thermocline_core::signature::{self, Probes};
use thermocline_core::table::ColumnType;
use thermocline_database::{Engine, Record, Statement, Tier, TierError, Value};
use thermocline_journal::claim::{self, Head};
use thermocline_journal::proof;

/// The records of an answer, and the highest move that cold knows to be committed in hot.
pub(super) type Proven = Result<(Vec<Record>, i64), ColdError>;

/// The blocks that a search looks at first. Each time it goes on it looks at more: a frequent text is found in the first ones, and
/// a rare one takes few statements.
const FIRST_BLOCKS: i64 = 4;
/// The factor by which it looks at more blocks.
const MORE_BLOCKS: i64 = 8;
/// The most blocks of one statement.
const MOST_BLOCKS: i64 = 4_096;

/// The cold tier behind an engine and its replicas.
///
/// A replica answers only when its journal knows the reader's epoch; otherwise the next one is asked, then the primary.
#[derive(Clone, Copy, Debug)]
pub struct SqlCold<'a>(pub &'a dyn Engine);

impl<'a> SqlCold<'a> {
    /// Asks the replicas, then the primary, until one can answer.
    async fn ask<T, F>(&self, ask: impl Fn(Server<'a>) -> F) -> Result<T, ColdError>
    where
        F: Future<Output = Result<T, ColdError>>,
    {
        for replica in self.0.replicas() {
            match ask(Server { engine: replica, lags: true }).await {
                Ok(answer) => return Ok(answer),
                Err(error) => tracing::debug!(?error, "a replica cannot answer"),
            }
        }
        ask(Server { engine: self.0, lags: false }).await
    }

    /// Runs a statement of which epoch and token are the last parameters, and checks the proof in its answer.
    pub(super) async fn proven(
        &self,
        resource: &str,
        statement: &Statement,
        snapshot: HotSnapshot,
        params: &[Value],
    ) -> Proven {
        self.ask(|server| async move {
            server.prove(resource, snapshot, statement, params.to_vec(), Vec::new()).await
        })
        .await
    }

    /// Reads the records of a slice.
    pub(super) async fn slice<L: SqlList>(&self, list: &L, snapshot: HotSnapshot, slice: Slice) -> Proven {
        self.ask(|server| async move { server.read(list, snapshot, slice).await }).await
    }

    /// Reads the record of a row.
    pub(super) async fn row<L: SqlList>(&self, list: &L, snapshot: HotSnapshot, id: i64) -> Proven {
        self.ask(|server| async move { server.find(list, snapshot, id).await }).await
    }
}

/// Reads the rows of an answer.
pub(super) fn cold_rows<L: SqlList>(
    list: &L,
    order: Order,
    (records, confirmed): (Vec<Record>, i64),
) -> Result<ColdRows<L::Row>, ColdError> {
    Ok(ColdRows { rows: rows(list, order, &records)?, confirmed })
}

#[async_trait]
impl<L: SqlList> Cold<L> for SqlCold<'_> {
    async fn prove(&self, list: &L, snapshot: HotSnapshot) -> Result<i64, ColdError> {
        let primary = Server { engine: self.0, lags: false };
        let (_, confirmed) = primary.slice(list, snapshot, Slice::newest(Span::ALL, 0)).await?;
        Ok(confirmed)
    }

    async fn read(
        &self,
        list: &L,
        snapshot: HotSnapshot,
        slice: Slice,
    ) -> Result<ColdRows<L::Row>, ColdError> {
        cold_rows(list, slice.order, self.slice(list, snapshot, slice).await?)
    }

    async fn count(&self, list: &L, snapshot: HotSnapshot, span: Span) -> Result<ColdCount, ColdError> {
        self.ask(|server| async move { server.count(list, snapshot, span).await }).await
    }

    async fn find(&self, list: &L, snapshot: HotSnapshot, id: i64) -> Result<ColdRows<L::Row>, ColdError> {
        cold_rows(list, Order::Desc, self.row(list, snapshot, id).await?)
    }

    async fn find_all(
        &self,
        list: &L,
        snapshot: HotSnapshot,
        ids: &[i64],
    ) -> Result<ColdRows<L::Row>, ColdError> {
        let records = self.ask(|server| async move { server.find_all(list, snapshot, ids).await });
        cold_rows(list, Order::Desc, records.await?)
    }
}

/// One server of the cold tier.
#[derive(Clone, Copy, Debug)]
struct Server<'a> {
    engine: &'a dyn Engine,
    /// Whether it may be behind what hot says.
    lags: bool,
}

impl Server<'_> {
    /// Checks that a replica has reached the epoch before blocks are read from it. The epoch may arrive between the blocks
    /// and the rows, whose proof would then say nothing of the blocks.
    async fn check_caught_up(&self, resource: &'static str, snapshot: HotSnapshot) -> Result<(), ColdError> {
        let HotSnapshot { epoch, token, .. } = snapshot;
        if self.lags && !proof::knows(self.engine, resource, epoch, token).await? {
            return Err(ColdError::Unproven);
        }
        Ok(())
    }

    /// Runs a list statement and checks the proof that comes with its answer. Returns the answer and the highest move that
    /// cold knows to be committed in hot.
    async fn fetch_proven<L: SqlList>(
        &self,
        list: &L,
        snapshot: HotSnapshot,
        statement: &Statement,
        params: Vec<Value>,
    ) -> Proven {
        self.prove(list.resource(), snapshot, statement, params, list.filter()).await
    }

    /// Runs a statement whose answer carries the proof, and checks it. Epoch and token follow `params`, and `filter` follows
    /// them.
    async fn prove(
        &self,
        resource: &str,
        snapshot: HotSnapshot,
        statement: &Statement,
        mut params: Vec<Value>,
        filter: Vec<Value>,
    ) -> Proven {
        params.extend([snapshot.epoch.into(), Value::or_null(snapshot.token, ColumnType::Int)]);
        params.extend(filter);
        let records = self.engine.fetch(statement, &params).await?;
        let head = match records.first() {
            Some(first) if !statement.differs_on_citus() || first.has("floor") => {
                let each_has_proof = if statement.is_in_parts() { records.len() } else { 1 };
                common_head(&records[..each_has_proof])?
            }
            None if !statement.differs_on_citus() => return Err(ColdError::Unproven),
            // The rows of many shards are not of one instant and come without the proof. It is read after them: vacuum raises the
            // oldest readable epoch before it removes anything.
            _ => claim::head(self.engine, resource, snapshot.epoch, snapshot.token).await?,
        };
        let Head { proven, oldest_readable_epoch, confirmed, .. } = head;
        if snapshot.epoch > 0 && !proven {
            return Err(ColdError::Unproven);
        }
        if snapshot.epoch < oldest_readable_epoch {
            return Err(ColdError::EpochExpired);
        }
        Ok((records, confirmed))
    }

    async fn slice<L: SqlList>(&self, list: &L, snapshot: HotSnapshot, slice: Slice) -> Proven {
        let cold = &cold_statements(list)?.rows;
        let statement =
            |slice| cold.shape(slice).unwrap_or_else(|| (cold.any(slice.order), slice_params(slice)));
        if self.engine.is_spread()
            && let Some(of_each_shard) = parts::of_each_shard(slice)
            && let (statement, params) = statement(of_each_shard)
            && statement.is_in_parts()
        {
            let (records, confirmed) = self.fetch_proven(list, snapshot, statement, params).await?;
            return Ok((parts::merged(records, slice)?, confirmed));
        }
        let (statement, params) = statement(slice);
        self.fetch_proven(list, snapshot, &statement.in_one_answer(), params).await
    }

    /// Counts row by row.
    async fn count_rows<L: SqlList>(
        &self,
        list: &L,
        snapshot: HotSnapshot,
        span: Span,
    ) -> Result<ColdCount, ColdError> {
        let count = cold_statements(list)?.count.as_ref();
        let count = count.ok_or_else(|| ColdError::absent(format!("{} are not counted", list.name())))?;
        let mut params = span_params(span);
        // In the place of take and skip.
        params.extend([0.into(), 0.into()]);
        let (records, confirmed) = self.fetch_proven(list, snapshot, count, params).await?;
        let rows = records.iter().map(|record| record.int("n")).sum::<Result<i64, _>>()?;
        Ok(ColdCount { rows, confirmed })
    }

    /// Counts the rows with the key `key` or a newer one by blocks.
    async fn rank<L: SqlList>(
        &self,
        list: &L,
        snapshot: HotSnapshot,
        (blocks, scope): (&BlockStatements, i64),
        key: Key,
    ) -> Result<ColdCount, ColdError> {
        if key == Key::MAX {
            return Ok(ColdCount { rows: 0, confirmed: 0 });
        }
        let block = blocks.holding(self.engine, scope, snapshot, key).await?;
        // Without a block there are no rows, but that has to be proven too.
        let (newer, upper) = block.map_or((0, key), |block| (block.newer, block.upper.successor()));
        let ColdCount { rows, confirmed } =
            self.count_rows(list, snapshot, Span { lower: key, upper }).await?;
        Ok(ColdCount { rows: newer + rows, confirmed })
    }

    /// Reads a slice of a search. Blocks in which the text cannot be are not read.
    async fn search<L: SqlList>(
        &self,
        list: &L,
        snapshot: HotSnapshot,
        slice: Slice,
        (signatures, scope, probes): (&SignatureStatements, i64, &Probes),
    ) -> Proven {
        self.check_caught_up(list.resource(), snapshot).await?;
        let wanted = Wanted { scope, epoch: snapshot.epoch, probes };
        let (mut found, mut rows, mut proven) = (Vec::new(), 0, None);
        let (mut rest, mut blocks) = (Some(slice.span), FIRST_BLOCKS);
        while let Some(span) = rest {
            let window = signatures.window(self.engine, wanted, (span, slice.order), blocks).await?;
            if window.is_empty {
                // There are no rows, unless they are not counted.
                return self.slice(list, snapshot, slice).await;
            }
            for span in window.spans {
                let part = Slice { span, take: slice.take - rows, ..slice };
                let (records, confirmed) = self.slice(list, snapshot, part).await?;
                for record in &records {
                    rows += i64::from(!record.is_null("id")?);
                }
                found.extend(records);
                proven = proven.max(Some(confirmed));
                if rows >= slice.take {
                    return Ok((found, confirmed));
                }
            }
            (rest, blocks) = (window.rest, (blocks * MORE_BLOCKS).min(MOST_BLOCKS));
        }
        match proven {
            Some(confirmed) => Ok((found, confirmed)),
            // Nothing was read. That has to be proven too.
            None => self.slice(list, snapshot, Slice { take: 0, ..slice }).await,
        }
    }

    /// Reads a slice. A list with counted blocks skips whole blocks, and so does a search.
    async fn read<L: SqlList>(&self, list: &L, snapshot: HotSnapshot, slice: Slice) -> Proven {
        if slice.skip == 0
            && slice.take > 0
            && let Some((signatures, scope)) = cold_statements(list)?.signatures.as_ref().zip(list.scope())
            && let Some(probes) = list.part().and_then(signature::probes)
        {
            return self.search(list, snapshot, slice, (signatures, scope, &probes)).await;
        }
        let counted = blocks_of(list)?.filter(|_| slice.skip > 0 && slice.order == Order::Desc);
        let Some(counted) = counted else {
            return self.slice(list, snapshot, slice).await;
        };
        self.check_caught_up(list.resource(), snapshot).await?;
        let rank = slice.skip + self.rank(list, snapshot, counted, slice.span.upper).await?.rows;
        let (blocks, scope) = counted;
        let stretch = match blocks.locate(self.engine, scope, snapshot, rank).await? {
            Some(block) => Slice {
                span: Span { upper: block.upper.successor(), ..slice.span },
                skip: rank - block.newer,
                ..slice
            },
            // Past the end. The empty answer still carries its proof.
            None => Slice { skip: 0, take: 0, ..slice },
        };
        self.slice(list, snapshot, stretch).await
    }

    async fn count<L: SqlList>(
        &self,
        list: &L,
        snapshot: HotSnapshot,
        span: Span,
    ) -> Result<ColdCount, ColdError> {
        let Some(counted) = blocks_of(list)? else {
            return self.count_rows(list, snapshot, span).await;
        };
        self.check_caught_up(list.resource(), snapshot).await?;
        let above = self.rank(list, snapshot, counted, span.upper).await?;
        let all = self.rank(list, snapshot, counted, span.lower).await?;
        Ok(ColdCount { rows: all.rows - above.rows, confirmed: all.confirmed })
    }

    async fn find<L: SqlList>(&self, list: &L, snapshot: HotSnapshot, id: i64) -> Proven {
        let statement = cold_statements(list)?.find.as_ref().ok_or_else(|| no_ids(list, Tier::Cold))?;
        self.fetch_proven(list, snapshot, statement, vec![id.into()]).await
    }

    async fn find_all<L: SqlList>(&self, list: &L, snapshot: HotSnapshot, ids: &[i64]) -> Proven {
        let feed = list.statements().feed.as_ref();
        let feed = feed.ok_or_else(|| ColdError::absent(format!("{} have no change feed", list.name())))?;
        let params = vec![ids.to_vec().into()];
        self.prove(list.resource(), snapshot, &feed.moved, params, Vec::new()).await
    }
}

/// Returns what the journals of all shards prove.
fn common_head(records: &[Record]) -> Result<Head, TierError> {
    let mut common = Head { proven: true, ..Head::default() };
    for record in records {
        common.proven &= record.bool("proven")?;
        common.oldest_readable_epoch = common.oldest_readable_epoch.max(record.int("floor")?);
        common.confirmed = common.confirmed.max(record.int_or_null("confirmed")?.unwrap_or(0));
    }
    Ok(common)
}

pub(super) fn cold_statements<L: SqlList>(list: &L) -> Result<&'static ColdStatements, ColdError> {
    let cold = list.statements().cold.as_ref();
    cold.ok_or_else(|| ColdError::absent(format!("{} stay in hot", list.name())))
}

fn blocks_of<L: SqlList>(list: &L) -> Result<Option<(&'static BlockStatements, i64)>, ColdError> {
    Ok(cold_statements(list)?.blocks.as_ref().zip(list.scope()))
}
