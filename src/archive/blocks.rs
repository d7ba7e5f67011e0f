//! Counted blocks, the writing side: one signed delta a touched block and batch, and a split where one grew too big.
//!
//! The reading side is in [`crate::federation`]. Deltas carry the epoch of their batch, so a count is exact at every
//! epoch, and undoing a batch takes its splits back too. A level 0 bound is never removed: it may bound level 1.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::family::Blocks;
use crate::page::Key;
use crate::tier::{Session, TierError, Value};

/// How big blocks grow, by level.
#[derive(Clone, Copy, Debug)]
pub struct BlockSizes {
    /// A block with more rows than this is split.
    pub most: [i64; 2],
    /// The rows of each part.
    pub part: [i64; 2],
}

impl Default for BlockSizes {
    fn default() -> Self {
        Self { most: [2_000, 200_000], part: [1_000, 100_000] }
    }
}

/// Places a mover remembers at most.
const PLACES: usize = 100_000;

const COLUMNS: [&str; 6] = ["scope", "level", "upper_at", "upper_id", "from_epoch", "n"];

/// Counts rows that enter or leave cold at one epoch.
pub(super) struct Counter<'a> {
    pub blocks: &'a Blocks,
    pub sizes: BlockSizes,
}

/// Deltas of a batch by `(scope, level, upper bound)`.
type Deltas = BTreeMap<(i64, i64, Key), i64>;

/// The blocks that the batches of a run fill, as the last one left them. Asking for them each time would sum up the
/// deltas of every batch before: the longer an archive grows, the slower.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The move after which this holds, with its token: until somebody else has moved.
    after: Option<(i64, i64)>,
    /// By scope and level.
    places: HashMap<(i64, i64), Place>,
}

/// The newer blocks of one scope and level.
#[derive(Debug)]
struct Place {
    /// No block that holds this key or a newer one is missing.
    since: Key,
    /// Upper bounds and numbers of rows, oldest first.
    blocks: Vec<(Key, i64)>,
}

impl Known {
    /// This, if hot stands at the move that it was left by.
    pub fn if_at(self, epoch: i64, token: Option<i64>) -> Self {
        if self.after.is_some() && self.after == token.map(|token| (epoch, token)) {
            return self;
        }
        Self::default()
    }

    /// What the move `number` leaves behind, once hot has committed it.
    pub fn left_by(mut self, number: i64, token: i64) -> Self {
        if self.places.len() > PLACES {
            self.places.clear();
        }
        self.after = Some((number, token));
        self
    }
}

impl Counter<'_> {
    /// Takes back what the batch `epoch` counted.
    pub(super) async fn undo(&self, cold: &mut dyn Session, epoch: i64) -> Result<(), TierError> {
        cold.execute(&self.blocks.undo, &[epoch.into()]).await.map(drop)
    }

    /// Counts `rows` at `epoch`: with `sign` 1 as entering, and they are in cold already; with -1 as leaving.
    pub(super) async fn add<'a>(
        &self,
        cold: &mut dyn Session,
        epoch: i64,
        rows: impl Iterator<Item = (&'a [Value], Key)>,
        sign: i64,
        known: &mut Known,
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
            let mut deltas = Deltas::new();
            for (scope, keys) in &scopes {
                let Some(oldest) = keys.first() else { continue };
                let place = self.place(cold, (*scope, level), *oldest, known).await?;
                let mut touched = BTreeSet::new();
                for key in keys {
                    let at =
                        place.blocks.partition_point(|(upper, _)| upper < key).min(place.blocks.len() - 1);
                    let (upper, n) = &mut place.blocks[at];
                    *n += sign;
                    *deltas.entry((*scope, level, *upper)).or_default() += sign;
                    touched.insert(*upper);
                }
                for upper in touched {
                    self.split(cold, (*scope, level), upper, place, &mut deltas).await?;
                }
            }
            // Level 1 is split along the bounds of level 0, so those must be there before its turn.
            write(cold, self.blocks.table, epoch, deltas).await?;
        }
        Ok(())
    }

    /// The blocks of a scope and level that hold `oldest` and newer keys; there is one at least.
    async fn place<'k>(
        &self,
        cold: &mut dyn Session,
        (scope, level): (i64, i64),
        oldest: Key,
        known: &'k mut Known,
    ) -> Result<&'k mut Place, TierError> {
        let place = match known.places.entry((scope, level)) {
            Entry::Occupied(entry) if entry.get().since <= oldest => entry.into_mut(),
            entry => {
                let params = [scope.into(), level.into(), oldest.at.into(), oldest.id.into()];
                let mut blocks = Vec::new();
                for record in cold.fetch(&self.blocks.from, &params).await? {
                    blocks.push((
                        Key::new(record.time("upper_at")?, record.int("upper_id")?),
                        record.int("n")?,
                    ));
                }
                entry.insert_entry(Place { since: oldest, blocks }).into_mut()
            }
        };
        // A run goes from old to new: what is behind it is not filled any more.
        let behind = place.blocks.partition_point(|(upper, _)| *upper < oldest);
        place.blocks.drain(..behind);
        place.since = oldest;
        if place.blocks.is_empty() {
            place.blocks.push((Key::MAX, 0));
        }
        Ok(place)
    }

    /// Cuts new blocks off the older end of the one below `upper`, if it has grown too big.
    async fn split(
        &self,
        cold: &mut dyn Session,
        (scope, level): (i64, i64),
        upper: Key,
        place: &mut Place,
        deltas: &mut Deltas,
    ) -> Result<(), TierError> {
        let at = place.blocks.partition_point(|(bound, _)| *bound < upper);
        let n = place.blocks[at].1;
        if n <= self.sizes.most[level as usize] {
            return Ok(());
        }
        let params = [scope.into(), level.into(), upper.at.into(), upper.id.into()];
        let lower = match cold.fetch(&self.blocks.below, &params).await?.first() {
            Some(record) => Key::new(record.time("upper_at")?, record.int("upper_id")?),
            None => Key::MIN,
        };
        let parts = match level {
            0 => self.parts_of_rows(cold, scope, lower, upper).await?,
            _ => self.parts_of_leaves(cold, scope, lower, upper).await?,
        };
        let cut = cut(&parts, self.sizes.part[level as usize], n);
        for (bound, rows) in &cut {
            *deltas.entry((scope, level, *bound)).or_default() += rows;
            *deltas.entry((scope, level, upper)).or_default() -= rows;
            place.blocks[at].1 -= rows;
        }
        place.blocks.splice(at..at, cut);
        Ok(())
    }

    async fn parts_of_rows(
        &self,
        cold: &mut dyn Session,
        scope: i64,
        lower: Key,
        upper: Key,
    ) -> Result<Vec<(Key, i64)>, TierError> {
        let bounds = [lower.at.into(), lower.id.into(), upper.at.into(), upper.id.into()];
        let params: Vec<Value> = [scope.into()].into_iter().chain(bounds).collect();
        let records = cold.fetch((self.blocks.keys)(scope), &params).await?;
        let key = |record: &crate::tier::Record| {
            Ok((Key::new(record.time("created_at")?, record.int("original_id")?), 1))
        };
        records.iter().map(key).collect()
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
        for record in cold.fetch(&self.blocks.from, &params).await? {
            let bound = Key::new(record.time("upper_at")?, record.int("upper_id")?);
            if bound > upper {
                break;
            }
            parts.push((bound, record.int("n")?));
        }
        Ok(parts)
    }
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

/// The bounds at which `parts`, oldest first, `n` rows together, are cut into blocks of about `size` rows; what is
/// left stays with the old bound, and is never nothing.
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
    use crate::clock::Timestamp;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cut_keeps_every_row_and_leaves_some(sizes in proptest::collection::vec(0..50i64, 1..40), size in 1..120i64) {
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
