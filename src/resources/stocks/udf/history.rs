//! Bars of a stock, read newest first until the chart has enough of them.

use chrono::{DateTime, NaiveDate};
use serde::Serialize;
use utoipa::ToSchema;

use super::query::{Fault, Query};
use crate::clock::Timestamp;
use crate::federation::ReadError;
use crate::page::Order;
use crate::resources::stocks::prices::ask::{Ask, MAX_LIMIT};
use crate::resources::stocks::prices::interval::{Buckets, Interval};
use crate::resources::stocks::prices::read::Reading;
use crate::resources::stocks::prices::row::{Amount, Row};
use crate::web::state::App;

/// The resolutions, as a chart asks for them, and the days of a bar at most.
const RESOLUTIONS: [(&str, Interval, i64); 6] = [
    ("1D", Interval::Day, 1),
    ("D", Interval::Day, 1),
    ("1W", Interval::Week, 7),
    ("W", Interval::Week, 7),
    ("1M", Interval::Month, 31),
    ("M", Interval::Month, 31),
];

/// Bars as one array a field, oldest first.
#[derive(Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = UdfBars)]
pub struct Bars {
    /// The first trading day of each bar, as seconds since 1970 at its midnight in UTC.
    pub t: Vec<i64>,
    /// First prices.
    pub o: Vec<Amount>,
    /// Highest prices.
    pub h: Vec<Amount>,
    /// Lowest prices.
    pub l: Vec<Amount>,
    /// Last prices.
    pub c: Vec<Amount>,
    /// Shares traded.
    #[schema(value_type = Vec<i64>)]
    pub v: Vec<i128>,
}

impl Bars {
    /// Adds a bar. A price that is not known is the nearest one that is: a bar is drawn with all four or not at all.
    fn push(&mut self, row: &Row, close: Amount) {
        let open = row.open_price.unwrap_or(close);
        self.t.push(seconds(row));
        self.o.push(open);
        self.h.push(row.high_price.unwrap_or(open.max(close)));
        self.l.push(row.low_price.unwrap_or(open.min(close)));
        self.c.push(close);
        self.v.push(row.volume.unwrap_or(0));
    }

    fn reverse(&mut self) {
        self.t.reverse();
        for prices in [&mut self.o, &mut self.h, &mut self.l, &mut self.c] {
            prices.reverse();
        }
        self.v.reverse();
    }
}

/// The bars that a chart asks for: those that begin before `to`, from `from` on or, with `countback`, that many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    interval: Interval,
    /// The days of a bar at most.
    bar_days: i64,
    /// Seconds since 1970, inclusive.
    from: i64,
    /// Seconds since 1970, exclusive.
    to: i64,
    countback: Option<usize>,
}

impl Window {
    /// Reads the parameters of a request. `now` ends the window of a chart that names no end.
    pub fn read(query: &Query, now: Timestamp) -> Result<Self, Fault> {
        let name = query.required("resolution")?;
        let known = RESOLUTIONS.iter().find(|(known, ..)| *known == name);
        let (_, interval, bar_days) = known.ok_or("resolution must be one of 1D, 1W, 1M")?;
        let countback = query.integer("countback")?;
        if countback.is_some_and(|bars| !(1..=MAX_LIMIT).contains(&bars)) {
            return Err(format!("countback must be from 1 to {MAX_LIMIT}"));
        }
        let from = match (query.integer("from")?, countback) {
            (Some(from), _) => from,
            (None, Some(_)) => i64::MIN,
            (None, None) => return Err("from or countback is required".to_owned()),
        };
        let to = query.integer("to")?.unwrap_or(now.micros().div_euclid(1_000_000) + 1);
        let countback = countback.map(|bars| bars as usize);
        Ok(Self { interval: *interval, bar_days: *bar_days, from, to, countback })
    }

    /// Returns the last day that a bar of the window can hold; `None` when it lies before every day there can be.
    fn last_day(&self) -> Option<NaiveDate> {
        let (first, last) = (Timestamp::MIN.date(), Timestamp::MAX.date());
        let seconds = self.to.saturating_sub(1);
        if seconds < Timestamp::midnight(first).micros() / 1_000_000 {
            return None;
        }
        let day = DateTime::from_timestamp(seconds, 0).map_or(last, |at| at.date_naive().min(last));
        Some(self.interval.last_day(day).min(last))
    }

    /// Returns about how many days have to be read.
    fn days_to_read(&self) -> usize {
        let bars = match self.countback {
            Some(bars) => bars as i64,
            None => self.to.saturating_sub(self.from).div_euclid(86_400).div_euclid(self.bar_days).max(0),
        };
        // A bar below the window ends the reading; a few days without a trade do not begin another one.
        usize::try_from(bars.saturating_add(2).saturating_mul(self.bar_days).saturating_add(5))
            .unwrap_or(usize::MAX)
    }
}

/// The bars of a window, newest first, as they are found.
struct Search {
    window: Window,
    bars: Bars,
    /// The newest bar below the window.
    older: Option<i64>,
}

impl Search {
    /// Takes the next older bar. Returns whether the window is full.
    fn take(&mut self, row: &Row) -> bool {
        let Window { from, to, countback, .. } = self.window;
        let (at, Some(close)) = (seconds(row), row.close_price) else { return false };
        if at >= to {
            return false;
        }
        if countback.is_none() && at < from {
            self.older = Some(at);
            return true;
        }
        self.bars.push(row, close);
        countback == Some(self.bars.t.len())
    }
}

/// Reads the bars of a window. Without any, returns the time of the next older bar too.
pub async fn history(app: &App, stock: i64, window: Window) -> Result<(Bars, Option<i64>), ReadError> {
    let mut search = Search { window, bars: Bars::default(), older: None };
    if let Some(last) = window.last_day() {
        read(app, stock, last, &mut search).await?;
    }
    search.bars.reverse();
    Ok((search.bars, search.older))
}

async fn read(app: &App, stock: i64, last: NaiveDate, search: &mut Search) -> Result<(), ReadError> {
    let mut reading = Reading::new(stock, &Ask::newest_days(last)).in_chunks_of(search.window.days_to_read());
    // Days without a trade must not begin a bar, so they are left out before the days become bars.
    let mut buckets = Buckets::new(search.window.interval, Order::Desc);
    while !reading.done() {
        let (days, _) = reading.next(app.reader()).await?;
        for day in days.into_iter().filter(|day| day.close_price.is_some()) {
            if buckets.push(day).is_some_and(|bar| search.take(&bar)) {
                return Ok(());
            }
        }
    }
    if let Some(bar) = buckets.finish() {
        search.take(&bar);
    }
    Ok(())
}

/// Returns the time of a bar.
fn seconds(row: &Row) -> i64 {
    Timestamp::midnight(row.trade_date.0).micros() / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(query: &str) -> Result<Window, Fault> {
        let now = "2026-11-20T09:00:00Z".parse().expect("a time");
        Window::read(&Query::read(Some(query)), now)
    }

    #[test]
    fn a_window_ends_with_its_last_bar() {
        for (query, last) in [
            // `to` is exclusive, and a bar that begins before it is shown whole.
            ("resolution=1D&from=0&to=86400", Some("1970-01-01")),
            ("resolution=1D&from=0&to=86401", Some("1970-01-02")),
            ("resolution=W&from=0&to=86400", Some("1970-01-04")),
            ("resolution=1M&from=-99999999999999&to=86400", Some("1970-01-31")),
            ("resolution=1M&countback=3", Some("2026-11-30")),
            ("resolution=D&from=0&to=9223372036854775807", Some("9999-12-31")),
            ("resolution=D&from=0&to=-62135596800", None),
            ("resolution=D&from=0&to=-9223372036854775808", None),
        ] {
            let last: Option<NaiveDate> = last.map(|day| day.parse().expect("a date"));
            assert_eq!(window(query).expect(query).last_day(), last, "{query}");
        }
    }

    #[test]
    fn unusable_parameters_are_named() {
        for (query, name) in [
            ("from=0&to=1", "resolution"),
            ("resolution=5&from=0&to=1", "resolution"),
            ("resolution=D&to=1", "from"),
            ("resolution=D&from=x&to=1", "from"),
            ("resolution=D&from=0&to=1.5", "to"),
            ("resolution=D&countback=0", "countback"),
            ("resolution=D&countback=100001", "countback"),
        ] {
            let fault = window(query).expect_err(query);
            assert!(fault.starts_with(name), "{query}: {fault}");
        }
    }
}
