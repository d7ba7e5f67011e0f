//! When things happen: more of them every year, more by day than by night, and a known share of them
//! recently. Knows nothing about what happens.

use super::{RECENT_DAYS, SPAN_DAYS};
use crate::clock::{DAY, Timestamp};

/// Of a hundred records, those of the last [`RECENT_DAYS`]. A little more than a sixth leaves both tiers
/// enough for a page walk to be worth watching.
const RECENT_SHARE: usize = 18;
/// When Taipei goes to bed, in microseconds of a UTC day; it is up again at midnight UTC.
const BEDTIME: i64 = DAY / 48 * 33;
/// Of a hundred records, those written before bedtime.
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

    /// The earliest instant of all.
    pub fn begin(self) -> i64 {
        self.now - SPAN_DAYS * DAY
    }

    /// When record `i`, counted from 0, is due. Never less than for a smaller `i`; `now` for `n` and above.
    pub fn at(self, i: usize) -> i64 {
        if i >= self.n {
            return self.now;
        }
        let old = self.n - self.n * RECENT_SHARE / 100;
        let boundary = self.now - RECENT_DAYS * DAY;
        let even = if i < old {
            // Four times as many a day at the end as at the beginning. Products and sums only, which
            // every machine rounds alike; a power would not be the same everywhere.
            let x = i as f64 / old as f64;
            let years = (boundary - self.begin()) as f64;
            self.begin() + (years * x * (1.6 - 0.6 * x)) as i64
        } else {
            boundary + scale((i - old) as i64, RECENT_DAYS * DAY, (self.n - old) as i64)
        };
        self.asleep(even).max(self.begin())
    }

    /// Squeezes most of a day into its waking hours. Only ever moves an instant to earlier in its own
    /// day, so order is kept. Today is left alone: the demo wants something new up to this minute.
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

/// `value` × `to` ÷ `from`, whose product is beyond 64 bits.
fn scale(value: i64, to: i64, from: i64) -> i64 {
    (i128::from(value) * i128::from(to) / i128::from(from)) as i64
}
