//! Counted blocks and their signatures against the rows between their bounds.

use std::collections::{BTreeMap, BTreeSet};

use super::report::{Findings, ScopeKey, ViolationKind};
use super::verifier::Verifier;
use crate::counts::blocks::rows_between;
use crate::maintenance::queries::sql;
use crate::model::{Blocks, templates};
use thermocline_core::keyset::Key;
use thermocline_core::signature;
use thermocline_database::{Session, TierError, Value, row_of};

/// The last block that was checked. Blocks are ordered by scope, level and upper bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockCursor {
    scope: i64,
    level: i64,
    upper: Key,
}

impl Default for BlockCursor {
    /// Returns the position before the first block.
    fn default() -> Self {
        Self { scope: i64::MIN, level: -1, upper: Key::MIN }
    }
}

impl Verifier<'_> {
    /// Compares the block deltas of the batch `epoch` with the rows it brought, `own`, and closed.
    pub(super) async fn check_deltas(
        &self,
        cold: &mut dyn Session,
        epoch: i64,
        (own, oldest_readable): (&[Vec<Value>], i64),
        findings: &mut Findings,
    ) -> Result<(), TierError> {
        let Some(blocks) = &self.family.blocks else { return Ok(()) };
        let mut expected: BTreeMap<i64, i64> = BTreeMap::new();
        let mut count = |row: &[Value], n: i64| {
            for scope in (blocks.scopes)(row) {
                findings.counted_at.push((scope, (self.family.key)(row)));
                *expected.entry(scope).or_default() += n;
            }
        };
        for row in own {
            count(row, 1);
        }
        let moved = self.family.own();
        for record in cold.fetch(&moved.sql(templates::closed()), &[epoch.into()]).await? {
            count(&row_of(&record, moved.table)?, -1);
        }
        let scopes: Vec<i64> = expected.keys().copied().collect();
        let params = [scopes.into(), Key::MAX.at.into(), Key::MAX.id.into()];
        let mut complete = BTreeSet::new();
        for record in cold.fetch(&blocks.sql(sql::unbounded_levels()), &params).await? {
            if record.int("n")? == 2 {
                complete.insert(record.int("scope")?);
            }
        }
        for scope in expected.keys().filter(|scope| !complete.contains(scope)) {
            let detail = format!("scope {scope} has a level without an unbounded last block");
            findings.violation(ViolationKind::Blocks, Some(epoch), detail);
        }
        if epoch <= oldest_readable {
            // Vacuum has folded the deltas of the batch into others.
            return Ok(());
        }
        let mut found: [BTreeMap<i64, i64>; 2] = Default::default();
        for record in cold.fetch(&blocks.sql(sql::block_deltas()), &[epoch.into()]).await? {
            let (level, n) = (usize::from(record.int("level")? != 0), record.int("n")?);
            found[level].insert(record.int("scope")?, n);
        }
        for (level, found) in found.iter().enumerate() {
            for scope in expected.keys().chain(found.keys()).collect::<BTreeSet<_>>() {
                let of = |counts: &BTreeMap<i64, i64>| counts.get(scope).copied().unwrap_or(0);
                let (expected, found) = (of(&expected), of(found));
                if expected != found {
                    let detail = format!(
                        "it counts {found} rows in scope {scope}, level {level}; there are {expected}"
                    );
                    findings.violation(ViolationKind::Blocks, Some(epoch), detail);
                }
            }
        }
        Ok(())
    }

    /// Checks the next blocks after the cursor, at most `limit`; returns `None` when there are none.
    pub(super) async fn check_next_blocks(
        &self,
        cursor: &mut BlockCursor,
        limit: i64,
    ) -> Result<Option<Findings>, TierError> {
        let Some(blocks) = &self.family.blocks else { return Ok(None) };
        // Bounds and rows are read at one instant: a mover may be splitting a block.
        let mut cold = self.read_cold().await?;
        let findings = check_after(&mut *cold, blocks, cursor, limit).await?;
        cold.rollback().await?;
        Ok((findings.blocks > 0).then_some(findings))
    }

    /// Checks the block of this level that holds a key of a scope, and those after it, at most `limit` together.
    pub(crate) async fn check_blocks_at(
        &self,
        (scope, key): ScopeKey,
        level: i64,
        limit: i64,
    ) -> Result<Findings, TierError> {
        let Some(blocks) = &self.family.blocks else { return Ok(Findings::default()) };
        // The next block begins at the bound that is found here, as long as no mover splits it.
        let mut cold = self.read_cold().await?;
        let params = [scope.into(), level.into(), key.at.into(), key.id.into()];
        let upper = match cold.fetch(&blocks.sql(sql::block_before()), &params).await?.first() {
            Some(record) => Key::new(record.time("upper_at")?, record.int("upper_id")?),
            None => Key::MIN,
        };
        let mut cursor = BlockCursor { scope, level, upper };
        let findings = check_after(&mut *cold, blocks, &mut cursor, limit).await?;
        cold.rollback().await?;
        Ok(findings)
    }
}

async fn check_after(
    cold: &mut dyn Session,
    blocks: &Blocks,
    cursor: &mut BlockCursor,
    limit: i64,
) -> Result<Findings, TierError> {
    let BlockCursor { scope, level, upper } = *cursor;
    let params = [scope.into(), level.into(), upper.at.into(), upper.id.into(), limit.into()];
    let mut findings = Findings::default();
    for record in cold.fetch(&blocks.sql(sql::block_page()), &params).await? {
        let block = BlockCursor {
            scope: record.int("scope")?,
            level: record.int("level")?,
            upper: Key::new(record.time("upper_at")?, record.int("upper_id")?),
        };
        let follows = (cursor.scope, cursor.level) == (block.scope, block.level);
        let lower = if follows { cursor.upper } else { Key::MIN };
        check(cold, blocks, lower, block, record.int("n")?, &mut findings).await?;
        findings.blocks += 1;
        *cursor = block;
    }
    Ok(findings)
}

/// Checks that the block above `lower` and up to `block.upper` holds the `n` rows it counts.
async fn check(
    cold: &mut dyn Session,
    blocks: &Blocks,
    lower: Key,
    block: BlockCursor,
    n: i64,
    findings: &mut Findings,
) -> Result<(), TierError> {
    let BlockCursor { scope, level, upper } = block;
    let (held, is_aligned) = if level == 0 {
        let rows = rows_between(cold, blocks, scope, (lower, upper)).await?;
        check_signature(cold, blocks, (scope, upper), &rows, findings).await?;
        (rows.len() as i64, true)
    } else {
        let params: [Value; 5] =
            [scope.into(), lower.at.into(), lower.id.into(), upper.at.into(), upper.id.into()];
        match cold.fetch(&blocks.sql(sql::block_leaves()), &params).await?.first() {
            Some(record) => (record.int("n")?, record.int("ends")? > 0),
            None => (0, false),
        }
    };
    findings.rows += held;
    let name = || format!("the block of scope {scope}, level {level}, up to {} {}", upper.at, upper.id);
    if held != n {
        let detail = format!("{} counts {n} rows and holds {held}", name());
        findings.violation(ViolationKind::Blocks, None, detail);
    }
    if !is_aligned {
        let detail = format!("{} ends inside a block of level 0", name());
        findings.violation(ViolationKind::Blocks, None, detail);
    }
    Ok(())
}

/// Checks that the signature of a block, if it has one that holds, hides none of its rows.
async fn check_signature(
    cold: &mut dyn Session,
    blocks: &Blocks,
    (scope, upper): (i64, Key),
    rows: &[(Key, String)],
    findings: &mut Findings,
) -> Result<(), TierError> {
    if blocks.signatures.is_none() {
        return Ok(());
    }
    let params = [scope.into(), upper.at.into(), upper.id.into()];
    let records = cold.fetch(&blocks.sql(sql::block_signature()), &params).await?;
    let Some(signature) = records.first().map(|record| record.bytes("bits")).transpose()? else {
        return Ok(());
    };
    if let Some((key, _)) = rows.iter().find(|(_, text)| !signature::covers(&signature, text)) {
        let detail = format!(
            "the signature of the block of scope {scope} up to {} {} hides the row at {} {}",
            upper.at, upper.id, key.at, key.id
        );
        findings.violation(ViolationKind::Blocks, None, detail);
    }
    Ok(())
}
