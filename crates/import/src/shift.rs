//! Moves the times of an import, so that old data can stand on both sides of the retention boundary.

use super::Noun;
use thermocline_core::clock::{DAY, Timestamp};

const WEEK: i64 = 7 * DAY;

/// Returns the microseconds that bring `newest` to `target`. For rows dated by day they are whole weeks, rounded so that
/// `target` is not passed.
pub fn offset(noun: &Noun, newest: Timestamp, target: Timestamp) -> i64 {
    let micros = target.micros() - newest.micros();
    if noun.is_dated() { whole_weeks(micros) } else { micros }
}

/// Returns `micros` rounded to whole weeks towards the past.
pub fn whole_weeks(micros: i64) -> i64 {
    micros.div_euclid(WEEK).saturating_mul(WEEK)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{MESSAGES, PRICES};
    use super::*;

    /// Rounding towards zero would take a price past a target that lies in its past.
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
            assert_eq!(offset(&PRICES, newest, target), days * DAY, "{target}");
        }
        assert_eq!(offset(&MESSAGES, newest, newest.plus(-1)), -1);
    }
}
