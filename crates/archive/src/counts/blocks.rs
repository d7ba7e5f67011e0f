//! Writes counted blocks: a batch adds one signed delta to each block it touches and splits blocks that grew too big.
//!
//! The federation reads them. A delta carries the epoch of its batch, so counts are exact at every epoch, and undoing
//! a batch undoes its splits too. A level 0 bound is never removed, since it may be a level 1 bound.
//!
//! A split of level 0 signs its parts, whose texts it reads. A signature holds as long as no later batch has counted in its block,
//! so one that is left behind hides nothing; vacuum signs again. The newest block, which grows, is not signed.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::queries::sql;
use crate::model::Blocks;
use thermocline_core::keyset::Key;
use thermocline_core::signature::Collector;
use thermocline_database::{Record, Session, TierError, Value};

/// The sizes of blocks, by level.
#[derive(Clone, Copy, Debug)]
pub struct BlockSizes {
    /// The largest number of rows of a block; a block with more is split.
    pub most: [i64; 2],
    /// The number of rows of each part after a split.
    pub part: [i64; 2],
}

impl Default for BlockSizes {
    fn default() -> Self {
        Self { most: [2_000, 200_000], part: [1_000, 100_000] }
    }
}

/// The largest number of scopes and levels that a mover remembers.
const REMEMBERED: usize = 100_000;

const COLUMNS: [&str; 6] = ["scope", "level", "upper_at", "upper_id", "from_epoch", "n"];
const SIGNATURE_COLUMNS: [&str; 5] = ["scope", "upper_at", "upper_id", "from_epoch", "bits"];

/// Counts rows that enter or leave cold at one epoch.
#[derive(Debug)]
pub struct Counter<'a> {
    /// The blocks.
    pub blocks: &'a Blocks,
    /// The sizes at which they are split.
    pub sizes: BlockSizes,
}

/// The deltas of a batch by scope, level and upper bound.
type Deltas = BTreeMap<(i64, i64, Key), i64>;

/// A block of level 0 by scope and upper bound, and the signature of its rows.
pub type Signed = (i64, Key, Vec<u8>);

/// The changes of a batch in one level.
#[derive(Default)]
struct Changes {
    deltas: Deltas,
    /// The signatures of the parts of split blocks.
    signed: Vec<Signed>,
    /// The blocks that rows entered or left.
    touched: BTreeSet<(i64, Key)>,
}

/// The newest blocks, as the last batch of a run left them.
///
/// Reading them for each batch would sum up the deltas of all earlier batches, so that a growing archive became slower.
#[derive(Debug, Default)]
pub struct KnownBlocks {
    /// The epoch and token of the move after which this is valid, until another mover has moved.
    after: Option<(i64, i64)>,
    /// By scope and level.
    tails: HashMap<(i64, i64), Tail>,
}

/// The newest blocks of one scope and level.
#[derive(Debug)]
struct Tail {
    /// All blocks that hold this key or newer ones are listed.
    since: Key,
    /// Upper bounds and numbers of rows, oldest first.
    blocks: Vec<(Key, i64)>,
}

impl KnownBlocks {
    /// Returns this if hot is still at the move that left it, and nothing otherwise.
    pub fn if_at(self, epoch: i64, token: Option<i64>) -> Self {
        if self.after.is_some() && self.after == token.map(|token| (epoch, token)) {
            return self;
        }
        Self::default()
    }

    /// Returns what the next move may use once hot has committed the move `number`.
    pub fn left_by(mut self, number: i64, token: i64) -> Self {
        if self.tails.len() > REMEMBERED {
            self.tails.clear();
        }
        self.after = Some((number, token));
        self
    }
}

impl Counter<'_> {
    /// Removes the deltas of the batch `epoch`, and its signatures.
    pub async fn undo(&self, cold: &mut dyn Session, epoch: i64) -> Result<(), TierError> {
        if self.blocks.signatures.is_some() {
            cold.execute(&self.blocks.sql(sql::undo_signatures()), &[epoch.into()]).await?;
        }
        cold.execute(&self.blocks.sql(sql::undo()), &[epoch.into()]).await.map(drop)
    }

    /// Counts `rows` at `epoch`. `sign` is 1 for rows that enter cold and are there already, -1 for rows that leave it.
    pub async fn add<'a>(
        &self,
        cold: &mut dyn Session,
        epoch: i64,
        rows: impl Iterator<Item = (&'a [Value], Key)>,
        sign: i64,
        known: &mut KnownBlocks,
    ) -> Result<(), TierError> {
        let mut scopes: BTreeMap<i64, Vec<Key>> = BTreeMap::new();
        for (row, key) in rows {
            for scope in (self.blocks.scopes)(row) {
                scopes.entry(scope).or_default().push(key);
            }
        }
        for keys in scopes.values_mut() {
            keys.sort_unstable();
        }
        for level in [0, 1] {
            let mut changes = Changes::default();
            for (scope, keys) in &scopes {
                let Some(oldest) = keys.first() else { continue };
                let tail = self.tail(cold, (*scope, level), *oldest, known).await?;
                let mut touched = BTreeSet::new();
                for key in keys {
                    let at = tail.blocks.partition_point(|(upper, _)| upper < key).min(tail.blocks.len() - 1);
                    let (upper, n) = &mut tail.blocks[at];
                    *n += sign;
                    *changes.deltas.entry((*scope, level, *upper)).or_default() += sign;
                    touched.insert(*upper);
                }
                for upper in touched {
                    changes.touched.insert((*scope, upper));
                    self.split(cold, (*scope, level), upper, tail, &mut changes).await?;
                }
            }
            // Level 1 is split along the bounds of level 0, so those are written first.
            write(cold, self.blocks.table, epoch, changes.deltas).await?;
            if level == 0 && sign < 0 {
                self.unsign(cold, &changes.touched).await?;
            }
            sign_blocks(cold, self.blocks, epoch, changes.signed).await?;
        }
        Ok(())
    }

    /// Deletes every signature.
    pub async fn unsign_all(&self, cold: &mut dyn Session) -> Result<(), TierError> {
        if self.blocks.signatures.is_none() {
            return Ok(());
        }
        cold.execute(&self.blocks.sql(sql::unsign_all()), &[]).await.map(drop)
    }

    /// Deletes the signatures of blocks that rows have left, which would still tell what an erased row held. A few more may go, of
    /// blocks that end at the same id in another of the scopes.
    async fn unsign(&self, cold: &mut dyn Session, left: &BTreeSet<(i64, Key)>) -> Result<(), TierError> {
        if self.blocks.signatures.is_none() || left.is_empty() {
            return Ok(());
        }
        let scopes: BTreeSet<i64> = left.iter().map(|(scope, _)| *scope).collect();
        let scopes: Vec<i64> = scopes.into_iter().collect();
        let ids: Vec<i64> = left.iter().map(|(_, upper)| upper.id).collect();
        cold.execute(&self.blocks.sql(sql::unsign()), &[scopes.into(), ids.into()]).await.map(drop)
    }

    /// Returns the blocks of a scope and level that hold `oldest` and newer keys; at least one.
    async fn tail<'k>(
        &self,
        cold: &mut dyn Session,
        (scope, level): (i64, i64),
        oldest: Key,
        known: &'k mut KnownBlocks,
    ) -> Result<&'k mut Tail, TierError> {
        let tail = match known.tails.entry((scope, level)) {
            Entry::Occupied(entry) if entry.get().since <= oldest => entry.into_mut(),
            entry => {
                let params = [scope.into(), level.into(), oldest.at.into(), oldest.id.into()];
                let mut blocks = Vec::new();
                for record in cold.fetch(&self.blocks.sql(sql::from()), &params).await? {
                    blocks.push((
                        Key::new(record.time("upper_at")?, record.int("upper_id")?),
                        record.int("n")?,
                    ));
                }
                entry.insert_entry(Tail { since: oldest, blocks }).into_mut()
            }
        };
        // A run moves from old to new, so older blocks receive no more rows.
        let behind = tail.blocks.partition_point(|(upper, _)| *upper < oldest);
        tail.blocks.drain(..behind);
        tail.since = oldest;
        if tail.blocks.is_empty() {
            tail.blocks.push((Key::MAX, 0));
        }
        Ok(tail)
    }

    /// Splits the block below `upper` if it has grown too big; new blocks are cut off its older end.
    async fn split(
        &self,
        cold: &mut dyn Session,
        (scope, level): (i64, i64),
        upper: Key,
        tail: &mut Tail,
        changes: &mut Changes,
    ) -> Result<(), TierError> {
        let at = tail.blocks.partition_point(|(bound, _)| *bound < upper);
        let n = tail.blocks[at].1;
        if n <= self.sizes.most[level as usize] {
            return Ok(());
        }
        let params = [scope.into(), level.into(), upper.at.into(), upper.id.into()];
        let lower = match cold.fetch(&self.blocks.sql(sql::below()), &params).await?.first() {
            Some(record) => Key::new(record.time("upper_at")?, record.int("upper_id")?),
            None => Key::MIN,
        };
        let rows = match level {
            0 => rows_between(cold, self.blocks, scope, (lower, upper)).await?,
            _ => Vec::new(),
        };
        let parts = match level {
            0 => rows.iter().map(|(key, _)| (*key, 1)).collect(),
            _ => self.parts_of_leaves(cold, scope, lower, upper).await?,
        };
        let cut = cut(&parts, self.sizes.part[level as usize], n);
        for (bound, rows) in &cut {
            *changes.deltas.entry((scope, level, *bound)).or_default() += rows;
            *changes.deltas.entry((scope, level, upper)).or_default() -= rows;
            tail.blocks[at].1 -= rows;
        }
        if level == 0 && self.blocks.signatures.is_some() {
            let mut rest = &rows[..];
            for bound in cut.iter().map(|(bound, _)| *bound).chain([upper]).filter(|bound| *bound != Key::MAX)
            {
                let (part, after) = rest.split_at(rest.partition_point(|(key, _)| *key <= bound));
                changes.signed.push((scope, bound, signature(part)));
                rest = after;
            }
        }
        tail.blocks.splice(at..at, cut);
        Ok(())
    }

    async fn parts_of_leaves(
        &self,
        cold: &mut dyn Session,
        scope: i64,
        lower: Key,
        upper: Key,
    ) -> Result<Vec<(Key, i64)>, TierError> {
        let first = lower.successor();
        let params = [scope.into(), 0.into(), first.at.into(), first.id.into()];
        let mut parts = Vec::new();
        for record in cold.fetch(&self.blocks.sql(sql::from()), &params).await? {
            let bound = Key::new(record.time("upper_at")?, record.int("upper_id")?);
            if bound > upper {
                break;
            }
            parts.push((bound, record.int("n")?));
        }
        Ok(parts)
    }
}

/// Reads the open rows of a scope above a key and up to another one, oldest first: their keys and, where blocks are signed, their
/// texts.
pub async fn rows_between(
    cold: &mut dyn Session,
    blocks: &Blocks,
    scope: i64,
    (lower, upper): (Key, Key),
) -> Result<Vec<(Key, String)>, TierError> {
    let params = [scope.into(), lower.at.into(), lower.id.into(), upper.at.into(), upper.id.into()];
    let texts = blocks.signatures.as_ref().map(|signatures| (signatures.texts)());
    let records = cold.fetch(texts.unwrap_or_else(|| (blocks.keys)(scope)), &params).await?;
    let row = |record: &Record| {
        let key = Key::new(record.time("created_at")?, record.int("original_id")?);
        Ok((key, if texts.is_some() { record.text("text")? } else { String::new() }))
    };
    records.iter().map(row).collect()
}

/// Returns the signature of some rows.
pub fn signature(rows: &[(Key, String)]) -> Vec<u8> {
    let mut texts = Collector::default();
    for (_, text) in rows {
        texts.add(text);
    }
    texts.signature()
}

/// Writes signatures, each as that of the last count of the batch `epoch` in its block.
pub async fn sign_blocks(
    cold: &mut dyn Session,
    blocks: &Blocks,
    epoch: i64,
    signed: Vec<Signed>,
) -> Result<(), TierError> {
    let Some(signatures) = blocks.signatures.as_ref().filter(|_| !signed.is_empty()) else { return Ok(()) };
    let rows: Vec<Vec<Value>> = signed
        .into_iter()
        .map(|(scope, upper, bits)| {
            vec![scope.into(), upper.at.into(), upper.id.into(), epoch.into(), Value::Bytes(bits.into())]
        })
        .collect();
    cold.insert(signatures.table, &SIGNATURE_COLUMNS, &rows).await.map(drop)
}

async fn write(
    cold: &mut dyn Session,
    table: &'static str,
    epoch: i64,
    deltas: Deltas,
) -> Result<(), TierError> {
    let rows: Vec<Vec<Value>> = deltas
        .into_iter()
        .map(|((scope, level, upper), n)| {
            vec![scope.into(), level.into(), upper.at.into(), upper.id.into(), epoch.into(), n.into()]
        })
        .collect();
    cold.insert(table, &COLUMNS, &rows).await.map(drop)
}

/// Returns the bounds at which `parts`, oldest first and `n` rows together, are cut into blocks of about `size` rows, with
/// the rows of each. At least one row is left for the old bound.
fn cut(parts: &[(Key, i64)], size: i64, n: i64) -> Vec<(Key, i64)> {
    let mut blocks = Vec::new();
    let (mut block, mut cut_off) = (0, 0);
    for (bound, rows) in parts {
        block += rows;
        if block >= size && cut_off + block < n {
            blocks.push((*bound, block));
            cut_off += block;
            block = 0;
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use thermocline_core::clock::Timestamp;

    proptest! {
        #[test]
        fn cut_keeps_every_row_and_leaves_some(sizes in proptest::collection::vec(0..50i64, 1..40), size in 1..120i64) {
            let parts: Vec<(Key, i64)> = (0..).map(|id| Key::new(Timestamp::default(), id)).zip(sizes).collect();
            let n: i64 = parts.iter().map(|(_, rows)| rows).sum();
            let blocks = cut(&parts, size, n);
            let cut_off: i64 = blocks.iter().map(|(_, rows)| rows).sum();
            prop_assert!(blocks.is_empty() || cut_off < n);
            for (bound, _) in &blocks {
                let below: i64 = parts.iter().filter(|(key, _)| key <= bound).map(|(_, rows)| rows).sum();
                let counted: i64 = blocks.iter().filter(|(key, _)| key <= bound).map(|(_, rows)| rows).sum();
                prop_assert_eq!(below, counted);
            }
        }
    }
}
