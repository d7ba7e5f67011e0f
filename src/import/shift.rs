//! By how much a run's times are moved, so that old data can stand on both sides of the boundary.

use super::record::Noun;
use crate::clock::{DAY, Timestamp};

const WEEK: i64 = 7 * DAY;

/// The offset in microseconds that brings `newest` to `target`; for prices the whole weeks that bring it nearest
/// without passing it.
pub fn offset(noun: Noun, newest: Timestamp, target: Timestamp) -> i64 {
    let micros = target.micros() - newest.micros();
    if noun == Noun::Prices { whole_weeks(micros) } else { micros }
}

/// `micros` rounded to whole weeks towards the past.
pub fn whole_weeks(micros: i64) -> i64 {
    micros.div_euclid(WEEK).saturating_mul(WEEK)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Division towards zero would take a price past the target whenever the target lies in its past.
    #[test]
    fn prices_move_by_whole_weeks_and_never_past_the_target() {
        let newest = "2018-03-01".parse().expect("a date");
        for (target, days) in [
            ("2018-03-01", 0),
            ("2018-03-07T23:59:59Z", 0),
            ("2018-03-08", 7),
            ("2018-02-28T23:59:59Z", -7),
            ("2018-02-22", -7),
        ] {
            let target = target.parse().expect("a time");
            assert_eq!(offset(Noun::Prices, newest, target), days * DAY, "{target}");
        }
        let target = newest.plus(-1);
        assert_eq!(offset(Noun::Messages, newest, target), -1);
    }
}
