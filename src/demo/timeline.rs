//! The times of records: more every year, more by day than by night, and a fixed share of recent ones.

use super::{RECENT_DAYS, SPAN_DAYS};
use crate::clock::{DAY, Timestamp};

/// The percentage of records in the last [`RECENT_DAYS`], which leaves enough in both tiers for walks.
const RECENT_SHARE: usize = 18;
/// The end of the day in Taipei, in microseconds of a UTC day; the night ends at midnight UTC.
const BEDTIME: i64 = DAY / 48 * 33;
/// The percentage of records before the end of the day.
const AWAKE_SHARE: i64 = 96;

/// Spreads `n` records over the years up to `now`.
#[derive(Clone, Copy)]
pub(super) struct Timeline {
    now: i64,
    n: usize,
}

impl Timeline {
    pub fn new(now: Timestamp, n: usize) -> Self {
        Self { now: now.micros(), n }
    }

    /// Returns the earliest instant.
    pub fn begin(self) -> i64 {
        self.now - SPAN_DAYS * DAY
    }

    /// Returns the time of record `i`, counted from 0. It grows with `i`, up to `now` for `n` and above.
    pub fn at(self, i: usize) -> i64 {
        if i >= self.n {
            return self.now;
        }
        let old = self.n - self.n * RECENT_SHARE / 100;
        let boundary = self.now - RECENT_DAYS * DAY;
        let even = if i < old {
            // Four times as many a day at the end as at the start. Products and sums only: all machines round them alike,
            // but not powers.
            let x = i as f64 / old as f64;
            let years = (boundary - self.begin()) as f64;
            self.begin() + (years * x * (1.6 - 0.6 * x)) as i64
        } else {
            boundary + scale((i - old) as i64, RECENT_DAYS * DAY, (self.n - old) as i64)
        };
        self.asleep(even).max(self.begin())
    }

    /// Moves most of a day into its waking hours. An instant only moves to an earlier one of its own day, so the order stays.
    /// Today stays as it is, so that the demo has records up to this minute.
    fn asleep(self, at: i64) -> i64 {
        let midnight = at - at.rem_euclid(DAY);
        if midnight + DAY > self.now {
            return at;
        }
        let awake = DAY / 100 * AWAKE_SHARE;
        let time = at - midnight;
        if time < awake {
            midnight + scale(time, BEDTIME, awake)
        } else {
            midnight + BEDTIME + scale(time - awake, DAY - BEDTIME, DAY - awake)
        }
    }
}

/// Returns `value` × `to` ÷ `from`; the product exceeds 64 bits.
fn scale(value: i64, to: i64, from: i64) -> i64 {
    (i128::from(value) * i128::from(to) / i128::from(from)) as i64
}
