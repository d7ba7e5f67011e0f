//! Counted blocks against the rows between their bounds.

use super::{Kind, Looked, Verifier};
use crate::archive::family::Blocks;
use crate::page::Key;
use crate::tier::{Begin, Session, Statement, TierError, Value, cold_sql};

/// The statements over one table of blocks.
#[derive(Debug)]
pub(in crate::archive) struct BlockStatements {
    pub(super) deltas: Statement,
    pub(super) ends: Statement,
    page: Statement,
    before: Statement,
    leaves: Statement,
}

impl BlockStatements {
    /// For the table `name`.
    pub fn of(name: &str) -> Self {
        let of = |statement: Statement| statement.with("{blocks}", name);
        Self {
            deltas: of(cold_sql!("block_deltas")),
            ends: of(cold_sql!("block_ends")),
            page: of(cold_sql!("block_page")),
            before: of(cold_sql!("block_before")),
            leaves: of(cold_sql!("block_leaves")),
        }
    }
}

/// The last block that was looked at. Blocks go by scope, level and upper bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    scope: i64,
    level: i64,
    upper: Key,
}

impl Default for Cursor {
    /// Before the first block.
    fn default() -> Self {
        Self { scope: i64::MIN, level: -1, upper: Key::MIN }
    }
}

/// A list, and a key in it.
pub(super) type Place = (i64, Key);

impl Verifier<'_> {
    /// Counts the rows of the next `most` blocks; `None` when there are no more.
    pub(super) async fn blocks_after(
        &self,
        cursor: &mut Cursor,
        most: i64,
    ) -> Result<Option<Looked>, TierError> {
        let Some(blocks) = &self.family.blocks else { return Ok(None) };
        let mut cold = self.cold.session().await?;
        // Bounds and rows of one instant: a mover may be splitting a block.
        cold.begin(Begin::Read).await?;
        let looked = check_after(&mut *cold, blocks, cursor, most).await?;
        cold.rollback().await?;
        Ok((looked.blocks > 0).then_some(looked))
    }

    /// Counts the rows of the block of this level in which a place lies, and of those after it, `most` together.
    pub(super) async fn blocks_from(
        &self,
        (scope, key): Place,
        level: i64,
        most: i64,
    ) -> Result<Looked, TierError> {
        let Some(blocks) = &self.family.blocks else { return Ok(Looked::default()) };
        let mut cold = self.cold.session().await?;
        // The bound that is found is where the next block begins only as long as nobody splits one.
        cold.begin(Begin::Read).await?;
        let params = [scope.into(), level.into(), key.at.into(), key.id.into()];
        let upper = match cold.fetch(&blocks.verify.before, &params).await?.first() {
            Some(record) => Key::new(record.time("upper_at")?, record.int("upper_id")?),
            None => Key::MIN,
        };
        let mut cursor = Cursor { scope, level, upper };
        let looked = check_after(&mut *cold, blocks, &mut cursor, most).await?;
        cold.rollback().await?;
        Ok(looked)
    }
}

/// Counts the rows of the next `most` blocks.
async fn check_after(
    cold: &mut dyn Session,
    blocks: &Blocks,
    cursor: &mut Cursor,
    most: i64,
) -> Result<Looked, TierError> {
    let Cursor { scope, level, upper } = *cursor;
    let params = [scope.into(), level.into(), upper.at.into(), upper.id.into(), most.into()];
    let mut looked = Looked::default();
    for record in cold.fetch(&blocks.verify.page, &params).await? {
        let block = Cursor {
            scope: record.int("scope")?,
            level: record.int("level")?,
            upper: Key::new(record.time("upper_at")?, record.int("upper_id")?),
        };
        let follows = (cursor.scope, cursor.level) == (block.scope, block.level);
        let lower = if follows { cursor.upper } else { Key::MIN };
        check(cold, blocks, lower, block, record.int("n")?, &mut looked).await?;
        looked.blocks += 1;
        *cursor = block;
    }
    Ok(looked)
}

/// Whether the block below `block.upper` and above `lower` holds the `n` rows it says.
async fn check(
    cold: &mut dyn Session,
    blocks: &Blocks,
    lower: Key,
    block: Cursor,
    n: i64,
    looked: &mut Looked,
) -> Result<(), TierError> {
    let Cursor { scope, level, upper } = block;
    let params: [Value; 5] =
        [scope.into(), lower.at.into(), lower.id.into(), upper.at.into(), upper.id.into()];
    let (there, cut) = if level == 0 {
        (cold.fetch((blocks.keys)(scope), &params).await?.len() as i64, false)
    } else {
        let records = cold.fetch(&blocks.verify.leaves, &params).await?;
        match records.first() {
            Some(record) => (record.int("n")?, !record.bool("ends")?),
            None => (0, true),
        }
    };
    looked.rows += there;
    let place = || format!("the block of scope {scope}, level {level}, up to {} {}", upper.at, upper.id);
    if there != n {
        looked.violation(Kind::Blocks, None, format!("{} says {n} rows and holds {there}", place()));
    }
    if cut {
        looked.violation(Kind::Blocks, None, format!("{} ends inside one of level 0", place()));
    }
    Ok(())
}
