//! A range of prices, read from both tiers chunk by chunk.

use super::ask::Ask;
use super::interval::Buckets;
use super::row::Row;
use super::{Price, Prices};
use crate::federation::{List as _, Placed, ReadError};
use crate::page::{Order, Span};
use crate::web::admission::Pieces;
use crate::web::day::Day;
use crate::web::state::Reader;

/// The number of days read at once.
pub const CHUNK: usize = 1_000;

/// Where the reading of one stock's range stands.
///
/// Between chunks it holds the key of the last day and an unfinished bucket, so rows moved meanwhile are read exactly
/// once: from the tier they are in when their chunk is.
#[derive(Debug)]
pub struct Reading {
    prices: Prices,
    /// What is still to be read.
    rest: Span,
    order: Order,
    buckets: Buckets,
    /// How many rows are still wanted.
    left: usize,
    /// The number of days that are read at once.
    chunk: usize,
    partial: bool,
    progress: Progress,
    missing_cold: bool,
    /// The request that the prices are read for.
    pieces: Pieces,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    New,
    Begun,
    Done,
}

impl Reading {
    /// Nothing read yet of the prices of `stock`.
    pub fn new(stock: i64, ask: &Ask) -> Self {
        Self {
            prices: Prices { stock },
            rest: ask.span(),
            order: ask.order,
            buckets: Buckets::new(ask.interval, ask.order),
            left: ask.limit.unwrap_or(usize::MAX),
            chunk: CHUNK,
            partial: ask.partial,
            progress: Progress::New,
            missing_cold: false,
            pieces: Pieces::of_current(),
        }
    }

    /// Reads this many days first, within [`CHUNK`], and more each time: for a reader that expects to need no more.
    #[must_use]
    pub fn in_chunks_of(self, days: usize) -> Self {
        Self { chunk: days.clamp(1, CHUNK), ..self }
    }

    /// Whether everything has been read.
    pub fn done(&self) -> bool {
        self.progress == Progress::Done
    }

    /// Whether the archive's days are missing from what was read.
    pub const fn missing_cold(&self) -> bool {
        self.missing_cold
    }

    /// From here on the archive has to be there: for bodies whose end cannot say that it is not.
    pub fn demand_cold(&mut self) {
        self.partial = false;
    }

    /// The next rows, and how many days were read for them. No rows do not mean the end, [`Reading::done`] does.
    pub async fn next(&mut self, reader: Reader<'_>) -> Result<(Vec<Row>, usize), ReadError> {
        // Without an interval the limit is one of days.
        let take = if self.buckets.daily() { self.chunk.min(self.left) } else { self.chunk };
        let slot = self.pieces.turn().await;
        let (days, more) = self.days(reader, take as i64).await?;
        drop(slot);
        let read = days.len();
        self.pieces.read(read);
        if let Some(last) = days.last() {
            let key = self.prices.key(&last.row);
            self.rest = match self.order {
                Order::Desc => self.rest.below(key),
                Order::Asc => self.rest.from(key.successor()),
            };
        }
        let mut rows: Vec<Row> = days.into_iter().filter_map(|day| self.buckets.push(day.into())).collect();
        if !more {
            rows.extend(self.buckets.finish());
        }
        rows.truncate(self.left);
        self.left -= rows.len();
        self.chunk = (self.chunk * 4).min(CHUNK);
        self.progress = if !more || self.left == 0 { Progress::Done } else { Progress::Begun };
        Ok((rows, read))
    }

    async fn days(&mut self, reader: Reader<'_>, take: i64) -> Result<(Vec<Placed<Price>>, bool), ReadError> {
        loop {
            // Oldest first a gap would open behind days already given out.
            let partial = self.partial && (self.progress == Progress::New || self.order == Order::Desc);
            let page = reader.tiers(partial).seek(&self.prices, self.rest, self.order, take).await?;
            let Some(newest_cold) = page.missing_from else {
                return Ok((page.rows, page.more));
            };
            self.missing_cold = true;
            if self.order == Order::Desc {
                // The next rows may lie in cold, so the answer ends here.
                return Ok((page.rows, false));
            }
            // Hot alone answers above the newest day of cold.
            self.rest = self.rest.from(newest_cold.successor());
        }
    }

    /// The newest day there is of this stock, in any range.
    pub async fn newest(&mut self, reader: Reader<'_>) -> Result<Option<Day>, ReadError> {
        let page = reader.tiers(self.partial).seek(&self.prices, Span::ALL, Order::Desc, 1).await?;
        self.missing_cold |= page.missing_from.is_some();
        Ok(page.rows.first().map(|placed| Day(placed.row.trade_date)))
    }
}
