//! Ranks and merging: the position of each row in the merge of two sorted lists. Pure.

use std::cmp::Ordering;

use thermocline_core::keyset::{Key, Order};

/// A row and the tier it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed<R> {
    /// The row.
    pub row: R,
    /// Whether it came from cold.
    pub from_archive: bool,
}

impl<R> Placed<R> {
    /// Marks rows as read from hot.
    pub(super) fn from_hot(rows: Vec<R>) -> Vec<Self> {
        rows.into_iter().map(|row| Self { row, from_archive: false }).collect()
    }
}

/// Merges two lists that are each sorted in `order` into the first `take` rows of both together.
///
/// Where both hold a key the hot row wins: a price that was corrected in hot shadows the archived one. In other lists the
/// epoch rules out such keys.
pub fn merge<R>(
    hot: Vec<R>,
    cold: Vec<R>,
    key: impl Fn(&R) -> Key,
    order: Order,
    take: usize,
) -> Vec<Placed<R>> {
    let mut hot = hot.into_iter().peekable();
    let mut cold = cold.into_iter().peekable();
    let mut merged = Vec::with_capacity(take.min(hot.len() + cold.len()));
    while merged.len() < take {
        let first = match (hot.peek(), cold.peek()) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(hot), Some(cold)) => match order {
                Order::Desc => key(cold).cmp(&key(hot)),
                Order::Asc => key(hot).cmp(&key(cold)),
            },
        };
        if first == Ordering::Equal {
            cold.next();
        }
        let from_archive = first == Ordering::Greater;
        let next = if from_archive { cold.next() } else { hot.next() };
        merged.extend(next.map(|row| Placed { row, from_archive }));
    }
    merged
}

/// A page of `take` rows at `offset`, split at the newest cold row.
///
/// Hot rows that are older than the newest cold row are **late** rows; they lie among the cold ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// The number of rows of the page that are hot rows newer than every cold row.
    pub newer: i64,
    /// The number of rows that the page takes from late and cold rows together.
    pub rest: i64,
    /// The number of late and cold rows, newest first, that lie above the page.
    pub above: i64,
}

/// Splits a page at the newest cold row. `newer` hot rows are newer than that.
pub fn split(offset: i64, take: i64, newer: i64) -> Split {
    let in_newer = (newer - offset).clamp(0, take);
    Split { newer: in_newer, rest: take - in_newer, above: (offset - newer).max(0) }
}

/// Returns the cold rows to read, as `(skip, take)`: together with all of `late` late rows they hold the `rest` rows that
/// begin `above` rows below the newest cold row.
///
/// At most `late` of the `above` rows are late ones, so the first `above - late` cold rows are certainly among them.
pub fn cold_stretch(above: i64, rest: i64, late: i64) -> (i64, i64) {
    let skip = (above - late).max(0);
    (skip, above - skip + rest)
}

/// Cuts the page out of the merge of every late row and the cold rows of [`cold_stretch`].
///
/// The skipped cold rows rank before the merge or among its first late rows, in either case above the page. From the page on,
/// the row at position `i` of the merge therefore has rank `skip + i`.
pub fn cut<R>(merged: Vec<Placed<R>>, above: i64, rest: i64, late: i64) -> Vec<Placed<R>> {
    let (skip, _) = cold_stretch(above, rest, late);
    let from = usize::try_from(above - skip).unwrap_or(0);
    let rest = usize::try_from(rest).unwrap_or(0);
    merged.into_iter().skip(from).take(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use thermocline_core::clock::Timestamp;

    fn key(place: i64) -> Key {
        Key::new(Timestamp::default().plus(place / 3), place)
    }

    /// Two disjoint descending lists, and both together.
    fn lists() -> impl Strategy<Value = (Vec<i64>, Vec<i64>, Vec<i64>)> {
        proptest::collection::btree_map(0..400i64, prop::bool::weighted(0.4), 0..60).prop_map(|rows| {
            let pick = |hot| {
                let picked = rows.iter().rev().filter(move |(_, is_hot)| **is_hot == hot);
                picked.map(|(place, _)| *place).collect()
            };
            (pick(true), pick(false), rows.keys().rev().copied().collect())
        })
    }

    proptest! {
        /// Property P2 of the rank arithmetic alone: a page over both lists equals the same stretch of one sorted vector.
        #[test]
        fn a_page_is_the_stretch_of_the_sorted_whole((hot, cold, all) in lists(), offset in 0..70i64, take in 1..12i64) {
            let newest_cold = cold.first().copied().unwrap_or(-1);
            let newer = hot.iter().filter(|row| **row > newest_cold).count();
            let (above, late) = hot.split_at(newer);
            let split = split(offset, take, newer as i64);
            let (skip, read) = cold_stretch(split.above, split.rest, late.len() as i64);
            prop_assert!(read <= take + late.len() as i64, "P4: read {} rows", read);
            let cold: Vec<i64> = cold.iter().copied().skip(skip as usize).take(read as usize).collect();
            let merged = merge(late.to_vec(), cold, |row| key(*row), Order::Desc, usize::MAX);
            let below = cut(merged, split.above, split.rest, late.len() as i64);
            let mut page: Vec<i64> = above.iter().copied().skip(offset as usize).take(split.newer as usize).collect();
            page.extend(below.into_iter().map(|placed| placed.row));
            let expected: Vec<i64> = all.into_iter().skip(offset as usize).take(take as usize).collect();
            prop_assert_eq!(page, expected);
        }

        #[test]
        fn merging_ascending_is_merging_descending_reversed((hot, cold, all) in lists()) {
            let up = |rows: &[i64]| rows.iter().rev().copied().collect::<Vec<_>>();
            let merged = merge(up(&hot), up(&cold), |row| key(*row), Order::Asc, usize::MAX);
            prop_assert_eq!(merged.iter().map(|placed| placed.row).collect::<Vec<_>>(), up(&all));
            prop_assert!(merged.iter().all(|placed| placed.from_archive == cold.contains(&placed.row)));
        }
    }

    #[test]
    fn a_hot_row_shadows_the_cold_one_of_its_key() {
        let merged = merge(
            vec![(9, 'h'), (5, 'h')],
            vec![(7, 'c'), (5, 'c'), (3, 'c')],
            |row| key(row.0),
            Order::Desc,
            4,
        );
        let seen: Vec<(i64, char)> = merged.into_iter().map(|placed| placed.row).collect();
        assert_eq!(seen, [(9, 'h'), (7, 'c'), (5, 'h'), (3, 'c')]);
    }
}
