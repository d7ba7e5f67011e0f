//! Counted blocks, the reading side: ranks and totals of a cold list without counting its rows.
//!
//! A block is bounded by keys and knows how many rows it holds at every epoch, as the sum of signed deltas. Level 0 holds
//! about a thousand rows a block, level 1 about a hundred thousand: the inner nodes of a counted B-tree, kept beside the
//! table. The archive writes them.

use super::templates::queries;
use crate::reads::HotSnapshot;
use thermocline_core::keyset::Key;
use thermocline_database::{Engine, Statement, TierError, Value, WhichShards};

/// The statements over one table of blocks.
#[derive(Debug)]
pub(super) struct BlockStatements {
    locate: Statement,
    rank: Statement,
}

/// A block and what is newer than it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockPosition {
    /// The newest key the block can hold.
    pub upper: Key,
    /// The number of rows of the scope that are newer than that.
    pub newer: i64,
}

impl BlockStatements {
    /// Binds the statements to the table `blocks`.
    pub fn of(blocks: &'static str) -> Self {
        // The scope is the first parameter.
        let of = |statement: &Statement| {
            statement.bind(blocks, &[("blocks", blocks)]).in_shards_of(blocks, WhichShards::Of(1))
        };
        Self { locate: of(queries::blocks_locate()), rank: of(queries::blocks_rank()) }
    }

    /// Returns every statement.
    pub fn all(&self) -> [&Statement; 2] {
        [&self.locate, &self.rank]
    }

    /// Returns the block that holds the row of this rank, newest first from 0; `None` past the end.
    pub async fn locate(
        &self,
        engine: &dyn Engine,
        scope: i64,
        snapshot: HotSnapshot,
        rank: i64,
    ) -> Result<Option<BlockPosition>, TierError> {
        position(engine, &self.locate, &[scope.into(), snapshot.epoch.into(), rank.into()]).await
    }

    /// Returns the block between whose bounds `key` lies; `None` for a scope without rows.
    pub async fn holding(
        &self,
        engine: &dyn Engine,
        scope: i64,
        snapshot: HotSnapshot,
        key: Key,
    ) -> Result<Option<BlockPosition>, TierError> {
        let params = [scope.into(), snapshot.epoch.into(), key.at.into(), key.id.into()];
        position(engine, &self.rank, &params).await
    }
}

async fn position(
    engine: &dyn Engine,
    statement: &Statement,
    params: &[Value],
) -> Result<Option<BlockPosition>, TierError> {
    let rows = engine.fetch(statement, params).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let upper = Key::new(row.time("upper_at")?, row.int("upper_id")?);
    Ok(Some(BlockPosition { upper, newer: row.int("newer")? }))
}
