//! The answers of several shards to one slice, merged.
//!
//! The rows of an epoch never change, so answers of different instants fit together if each of them proves that epoch.

use std::cmp::Reverse;

use thermocline_core::keyset::{Key, Order, Slice};
use thermocline_database::{Record, TierError};

/// The most rows that each shard is asked for. A slice that skips more is left to the server.
const MOST: i64 = 512;

/// Returns the slice to ask every shard for, of which [`merged`] is `slice`; `None` if it is too long.
pub(super) fn of_each_shard(slice: Slice) -> Option<Slice> {
    let take = slice.skip.saturating_add(slice.take);
    (take <= MOST).then_some(Slice { skip: 0, take, ..slice })
}

/// Returns the slice out of the rows of all shards.
pub(super) fn merged(records: Vec<Record>, slice: Slice) -> Result<Vec<Record>, TierError> {
    let mut rows = Vec::with_capacity(records.len());
    for record in records {
        if let Some(key) = record.key_or_null("created_at", "id")? {
            rows.push((key, record));
        }
    }
    Ok(cut(rows, slice))
}

fn cut<T>(mut rows: Vec<(Key, T)>, slice: Slice) -> Vec<T> {
    match slice.order {
        Order::Desc => rows.sort_by_key(|(key, _)| Reverse(*key)),
        Order::Asc => rows.sort_by_key(|(key, _)| *key),
    }
    let length = |rows: i64| usize::try_from(rows).unwrap_or(0);
    rows.into_iter().map(|(_, row)| row).skip(length(slice.skip)).take(length(slice.take)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use thermocline_core::clock::Timestamp;
    use thermocline_core::keyset::Span;

    /// Returns the slice of the sorted rows, as one server answers it.
    fn answer(rows: &[Key], slice: Slice) -> Vec<Key> {
        let mut rows = rows.to_vec();
        rows.sort_unstable();
        if slice.order == Order::Desc {
            rows.reverse();
        }
        let (skip, take) = (slice.skip as usize, slice.take as usize);
        rows.into_iter().skip(skip).take(take).collect()
    }

    proptest! {
        /// The parts of any number of shards make the slice of one sorted list. Many rows are of one instant.
        #[test]
        fn parts_make_the_slice(
            rows in prop::collection::btree_map(0..200i64, (0..5i64, 0..5usize), 0..60),
            shards in 1..5usize,
            skip in 0..70i64,
            take in 0..70i64,
            descending: bool,
        ) {
            let order = if descending { Order::Desc } else { Order::Asc };
            let slice = Slice { span: Span::ALL, order, skip, take };
            let key = |id: i64, at: i64| Key::new(Timestamp::from_micros(at).expect("near 1970"), id);
            let of_shard = |shard: usize| -> Vec<Key> {
                let rows = rows.iter().filter(|(_, (_, of))| of % shards == shard);
                rows.map(|(id, (at, _))| key(*id, *at)).collect()
            };
            let asked = of_each_shard(slice).expect("is short");
            let parts = (0..shards).flat_map(|shard| answer(&of_shard(shard), asked));
            let parts: Vec<(Key, Key)> = parts.map(|key| (key, key)).collect();
            let all: Vec<Key> = (0..shards).flat_map(of_shard).collect();
            prop_assert_eq!(cut(parts, slice), answer(&all, slice));
        }
    }

    #[test]
    fn a_long_slice_is_left_to_the_server() {
        let slice = Slice::newest(Span::ALL, 100);
        assert_eq!(of_each_shard(slice.skipping(MOST - 100)).map(|slice| slice.take), Some(MOST));
        assert_eq!(of_each_shard(slice.skipping(MOST - 99)), None);
        assert_eq!(of_each_shard(slice.skipping(i64::MAX)), None);
    }
}
