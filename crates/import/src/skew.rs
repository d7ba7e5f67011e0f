//! Rows dated in the future: mostly local times that were taken for UTC.

use super::Record;
use thermocline_core::clock::{DAY, SKEW, Timestamp};

/// The hours by which the earliest time zone is ahead of UTC. A day of prices begins there first.
const EARLIEST_ZONE: i64 = 14;

/// Returns why a record is dated too far in the future at `now`; `None` for any other record.
pub fn future_reason(record: &Record, now: Timestamp) -> Option<String> {
    let newest = record.newest()?;
    if record.noun().is_dated() {
        let today = now.plus(EARLIEST_ZONE * DAY / 24).date();
        return (newest.date() > today).then(|| format!("the day {} lies in the future", newest.date()));
    }
    (newest > now.plus(SKEW)).then(|| {
        let minutes = SKEW / 60_000_000;
        format!(
            "{newest} lies more than {minutes} minutes in the future; is it local time without its offset?"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{CONVERSATIONS, MESSAGES, PRICES};
    use super::*;

    #[test]
    fn a_small_skew_is_accepted() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let now = at("2026-01-01T12:00:00Z");
        let message = |text| future_reason(&Record::new(&MESSAGES).with("created_at", at(text)), now);
        assert_eq!(message("2026-01-01T12:10:00Z"), None);
        let reason = message("2026-01-01T12:10:00.000001Z").expect("too new");
        assert!(reason.contains("10 minutes"), "{reason}");
        let conversation = Record::new(&CONVERSATIONS)
            .with("created_at", at("2020-01-01"))
            .with("updated_at", at("2027-01-01"));
        assert!(future_reason(&conversation, now).is_some(), "the newest of its times");
        let price = |text| future_reason(&Record::new(&PRICES).with("trade_date", at(text).date()), now);
        assert_eq!(price("2026-01-02"), None, "it has begun somewhere");
        assert!(price("2026-01-03").is_some());
        assert_eq!(future_reason(&Record::new(&CONVERSATIONS), now), None);
    }
}
