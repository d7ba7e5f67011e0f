//! Several days as one. Pure: rows in, in either order; buckets out, each as soon as it is whole.

use chrono::{Datelike, Months, NaiveDate, Weekday};
use serde::Serialize;
use utoipa::ToSchema;

use super::row::Row;
use crate::page::Order;

/// How many days make a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = PriceInterval)]
#[expect(missing_docs, reason = "the calendar's own words")]
pub enum Interval {
    Day,
    /// ISO 8601: begins on a Monday.
    Week,
    Month,
    Quarter,
    Year,
}

impl Interval {
    /// Every interval with its name in a query.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("day", Self::Day),
        ("week", Self::Week),
        ("month", Self::Month),
        ("quarter", Self::Quarter),
        ("year", Self::Year),
    ];

    /// Returns the last day of the bucket of a day.
    pub fn last_day(self, day: NaiveDate) -> NaiveDate {
        let months = |months: u32| {
            let first = day.with_day0(0).and_then(|first| first.checked_add_months(Months::new(months)));
            first.and_then(|first| first.pred_opt()).unwrap_or(NaiveDate::MAX)
        };
        match self {
            Self::Day => day,
            Self::Week => day.week(Weekday::Mon).checked_last_day().unwrap_or(NaiveDate::MAX),
            Self::Month => months(1),
            Self::Quarter => months(3 - day.month0() % 3),
            Self::Year => months(12 - day.month0()),
        }
    }

    /// The bucket of a day: its year, and its number in it.
    fn bucket(self, day: NaiveDate) -> (i32, u32) {
        match self {
            Self::Day => (day.year(), day.ordinal()),
            // The first days of January may lie in a week of the year before.
            Self::Week => (day.iso_week().year(), day.iso_week().week()),
            Self::Month => (day.year(), day.month0()),
            Self::Quarter => (day.year(), day.month0() / 3),
            Self::Year => (day.year(), 0),
        }
    }
}

/// Makes buckets of days that come sorted.
#[derive(Clone, Debug)]
pub struct Buckets {
    interval: Interval,
    order: Order,
    open: Option<Row>,
}

impl Buckets {
    /// No days yet; they will come in `order`.
    pub const fn new(interval: Interval, order: Order) -> Self {
        Self { interval, order, open: None }
    }

    /// Whether every day is a row.
    pub fn daily(&self) -> bool {
        self.interval == Interval::Day
    }

    /// Takes the next day. Gives back the bucket before it, when the day begins a new one.
    pub fn push(&mut self, day: Row) -> Option<Row> {
        if self.daily() {
            return Some(day);
        }
        let day = Row { id: None, change_amount: None, ..day };
        let bucket = |row: &Row| self.interval.bucket(row.trade_date.0);
        let (open, whole) = match self.open.take() {
            Some(open) if bucket(&open) == bucket(&day) => match self.order {
                Order::Asc => (join(&open, &day), None),
                Order::Desc => (join(&day, &open), None),
            },
            before => (day, before),
        };
        self.open = Some(open);
        whole
    }

    /// The last bucket, when no more days come.
    pub fn finish(&mut self) -> Option<Row> {
        self.open.take()
    }
}

/// Two adjacent stretches of days as one.
fn join(earlier: &Row, later: &Row) -> Row {
    // `None` is less than every price.
    let high_price = earlier.high_price.max(later.high_price);
    let low_price = [earlier.low_price, later.low_price].into_iter().flatten().min();
    Row {
        id: None,
        trade_date: earlier.trade_date,
        open_price: earlier.open_price.or(later.open_price),
        high_price,
        low_price,
        close_price: later.close_price.or(earlier.close_price),
        change_amount: None,
        volume: sum(earlier.volume, later.volume),
        turnover: sum(earlier.turnover, later.turnover),
        transaction_count: sum(earlier.transaction_count, later.transaction_count),
        from_archive: earlier.from_archive && later.from_archive,
    }
}

/// Skips nulls; of nothing but nulls null. Days of 64 bits cannot overflow it: there are under 2^22 of them.
fn sum(earlier: Option<i128>, later: Option<i128>) -> Option<i128> {
    match (earlier, later) {
        (Some(earlier), Some(later)) => Some(earlier + later),
        (known, None) | (None, known) => known,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::super::row::Amount;
    use super::*;
    use crate::web::day::Day;

    const INTERVALS: [Interval; 4] = [Interval::Week, Interval::Month, Interval::Quarter, Interval::Year];

    fn date(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn any_row() -> impl Strategy<Value = Row> {
        let amount = || {
            prop::option::weighted(0.7, -3..9i64).prop_map(|cents| cents.map(|c| Amount(Decimal::new(c, 2))))
        };
        let count = || {
            prop::option::weighted(0.7, prop_oneof![0..5i64, Just(i64::MAX)]).prop_map(|n| n.map(i128::from))
        };
        let prices = (amount(), amount(), amount(), amount(), amount());
        (prices, (count(), count(), count()), any::<bool>()).prop_map(|(prices, counts, from_archive)| Row {
            id: Some(7),
            trade_date: Day(NaiveDate::MIN),
            open_price: prices.0,
            high_price: prices.1,
            low_price: prices.2,
            close_price: prices.3,
            change_amount: prices.4,
            volume: counts.0,
            turnover: counts.1,
            transaction_count: counts.2,
            from_archive,
        })
    }

    /// Trading days with gaps, oldest first, around turns of the year.
    fn any_days() -> impl Strategy<Value = Vec<Row>> {
        let days = proptest::collection::btree_map(0..900u64, any_row(), 0..120);
        (0..400u64, days).prop_map(|(start, days)| {
            let day = |offset| date("2019-06-01") + chrono::Days::new(start + offset);
            days.into_iter().map(|(offset, row)| Row { trade_date: Day(day(offset)), ..row }).collect()
        })
    }

    fn stream(interval: Interval, order: Order, days: &[Row]) -> Vec<Row> {
        let mut buckets = Buckets::new(interval, order);
        let mut rows: Vec<Row> = days.iter().filter_map(|day| buckets.push(day.clone())).collect();
        rows.extend(buckets.finish());
        rows
    }

    /// The first calendar day of a bucket, found by counting days and not by [`Interval::bucket`].
    fn begins(interval: Interval, day: NaiveDate) -> NaiveDate {
        let first = |day: NaiveDate| match interval {
            Interval::Day => true,
            Interval::Week => day.weekday() == chrono::Weekday::Mon,
            Interval::Month => day.day() == 1,
            Interval::Quarter => day.day() == 1 && [1, 4, 7, 10].contains(&day.month()),
            Interval::Year => day.ordinal() == 1,
        };
        day.iter_days().rev().find(|day| first(*day)).expect("a first day")
    }

    /// Every day of a bucket at hand at once.
    fn naive(interval: Interval, days: &[Row]) -> Vec<Row> {
        let mut buckets: BTreeMap<NaiveDate, Vec<&Row>> = BTreeMap::new();
        for day in days {
            buckets.entry(begins(interval, day.trade_date.0)).or_default().push(day);
        }
        let total = |days: &[&Row], field: fn(&Row) -> Option<i128>| {
            let known: Vec<i128> = days.iter().filter_map(|day| field(day)).collect();
            (!known.is_empty()).then(|| known.iter().sum())
        };
        let of = |days: Vec<&Row>| Row {
            id: None,
            trade_date: days[0].trade_date,
            open_price: days.iter().find_map(|day| day.open_price),
            high_price: days.iter().filter_map(|day| day.high_price).max(),
            low_price: days.iter().filter_map(|day| day.low_price).min(),
            close_price: days.iter().rev().find_map(|day| day.close_price),
            change_amount: None,
            volume: total(&days, |day| day.volume),
            turnover: total(&days, |day| day.turnover),
            transaction_count: total(&days, |day| day.transaction_count),
            from_archive: days.iter().all(|day| day.from_archive),
        };
        buckets.into_values().map(of).collect()
    }

    proptest! {
        #[test]
        fn buckets_are_those_of_a_naive_aggregation_in_both_orders(days in any_days(), which in 0..4usize) {
            let interval = INTERVALS[which];
            let mut expected = naive(interval, &days);
            prop_assert_eq!(stream(interval, Order::Asc, &days), expected.clone());
            let newest_first: Vec<Row> = days.into_iter().rev().collect();
            expected.reverse();
            prop_assert_eq!(stream(interval, Order::Desc, &newest_first), expected);
        }

        #[test]
        fn a_day_stays_as_it_is(days in any_days()) {
            prop_assert_eq!(stream(Interval::Day, Order::Asc, &days), days);
        }
    }

    #[test]
    fn a_bucket_ends_with_its_last_day() {
        for interval in INTERVALS.into_iter().chain([Interval::Day]) {
            for day in date("2019-12-20").iter_days().take(800) {
                let last = interval.last_day(day);
                assert_eq!(interval.bucket(day), interval.bucket(last), "{interval:?} {day}");
                let next = last.succ_opt().expect("a day");
                assert_ne!(interval.bucket(day), interval.bucket(next), "{interval:?} {day}");
            }
        }
    }

    #[test]
    fn weeks_begin_on_mondays_across_the_year() {
        let bucket = |day| Interval::Week.bucket(date(day));
        assert_eq!(bucket("2020-12-28"), bucket("2021-01-03"));
        assert_ne!(bucket("2021-01-03"), bucket("2021-01-04"));
        // 2018-12-31 is a Monday; the two last weeks of 2018 must not meet the first one.
        assert_eq!(bucket("2018-12-31"), bucket("2019-01-06"));
        assert_ne!(bucket("2018-01-01"), bucket("2018-12-31"));
        // The earliest day there can be is a Monday as well.
        assert_eq!(bucket("0001-01-01"), bucket("0001-01-07"));
    }
}
