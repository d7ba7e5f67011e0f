//! Counted blocks, the reading side: ranks and totals of a cold list without counting its rows.
//!
//! A block is bounded by keys and knows how many rows it holds at every epoch, as the sum of signed deltas. Level 0
//! holds about a thousand rows a block, level 1 about a hundred thousand: the inner nodes of a counted B-tree, kept
//! beside the table. The mover writes them ([`crate::archive`]).

use std::sync::LazyLock;

use super::reads::Mark;
use crate::page::Key;
use crate::tier::{Engine, Statement, TierError, Value, cold_sql};

/// The statements over one table of blocks.
#[derive(Debug)]
pub struct BlockStatements {
    locate: Statement,
    rank: Statement,
}

impl BlockStatements {
    /// For the table `name`.
    pub fn of(name: &str) -> Self {
        let of = |statement: Statement| statement.with("{blocks}", name);
        Self { locate: of(cold_sql!("blocks_locate")), rank: of(cold_sql!("blocks_rank")) }
    }
}

/// Blocks of `messages_archive`, by conversation.
pub static MESSAGES: LazyLock<BlockStatements> =
    LazyLock::new(|| BlockStatements::of("messages_archive_blocks"));
/// Blocks of `posts_archive`, by author and for all.
pub static POSTS: LazyLock<BlockStatements> = LazyLock::new(|| BlockStatements::of("posts_archive_blocks"));

/// A block and what is newer than it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The newest key the block can hold.
    pub upper: Key,
    /// How many rows of the scope are newer than that.
    pub newer: i64,
}

/// The block that holds the row of this rank, newest first from 0; `None` past the end.
pub async fn locate(
    engine: &dyn Engine,
    blocks: &BlockStatements,
    scope: i64,
    mark: Mark,
    rank: i64,
) -> Result<Option<Place>, TierError> {
    place(engine, &blocks.locate, &[scope.into(), mark.epoch.into(), rank.into()]).await
}

/// The block whose stretch of keys `key` lies in; `None` for a scope without rows.
pub async fn holding(
    engine: &dyn Engine,
    blocks: &BlockStatements,
    scope: i64,
    mark: Mark,
    key: Key,
) -> Result<Option<Place>, TierError> {
    let params = [scope.into(), mark.epoch.into(), key.at.into(), key.id.into()];
    place(engine, &blocks.rank, &params).await
}

async fn place(
    engine: &dyn Engine,
    statement: &Statement,
    params: &[Value],
) -> Result<Option<Place>, TierError> {
    let rows = engine.fetch(statement, params).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(Place { upper: Key::new(row.time("upper_at")?, row.int("upper_id")?), newer: row.int("newer")? }))
}
