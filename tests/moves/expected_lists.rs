//! Compares the lists of the federation with a sorted vector.

use std::fmt::Debug;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use thermocline::federation::sql::{SqlCold, SqlHot, SqlList};
use thermocline::federation::{Count, Page, ReadCache, ReadError, Tiers};
use thermocline::page::{Key, Order, Span};
use thermocline::tier::Engine;

pub type Checked = Result<(), TestCaseError>;

/// Reads lists from both tiers, with the memory that a server keeps.
pub struct Reader<'a> {
    hot: SqlHot<'a>,
    cold: SqlCold<'a>,
    memory: ReadCache,
}

impl<'a> Reader<'a> {
    pub fn new(hot: &'a dyn Engine, cold: &'a dyn Engine) -> Self {
        Self { hot: SqlHot(hot), cold: SqlCold(cold), memory: ReadCache::default() }
    }

    /// Returns this reader, with its memory, over another hot tier.
    pub fn with_hot(self, hot: &'a dyn Engine) -> Self {
        Self { hot: SqlHot(hot), ..self }
    }

    pub fn tiers<L: SqlList>(&self) -> Tiers<'_, L> {
        Tiers { hot: &self.hot, cold: Some(&self.cold), cache: &self.memory, partial: false }
    }

    /// Reads all rows of a span by cursor. Each page must continue where the last one ended.
    pub async fn walk<L: SqlList>(
        &self,
        list: &L,
        span: Span,
        order: Order,
        limit: i64,
    ) -> Result<Vec<L::Row>, ReadError> {
        let mut rows = Vec::new();
        let mut left = span;
        loop {
            let page = self.tiers().seek(list, left, order, limit).await?;
            let more = page.more;
            assert!(!more || page.rows.len() as i64 == limit, "a short page and more to come");
            rows.extend(page.rows.into_iter().map(|placed| placed.row));
            match rows.last().map(|row| list.key(row)) {
                Some(end) if more && order == Order::Desc => left = span.below(end),
                Some(end) if more => left = span.from(end.successor()),
                _ => return Ok(rows),
            }
        }
    }

    /// Reads all rows page by page. Each page must give the same total.
    pub async fn pages<L: SqlList>(&self, list: &L, limit: i64) -> Result<Vec<L::Row>, ReadError> {
        let mut rows = Vec::new();
        loop {
            let page = self.tiers().page(list, Span::ALL, rows.len() as i64, limit, Count::Exact).await?;
            rows.extend(page.rows.into_iter().map(|placed| placed.row));
            if !page.more {
                assert_eq!(page.total, Some(rows.len() as i64), "the total of {}", list.name());
                return Ok(rows);
            }
        }
    }
}

/// A list and its expected rows, newest first.
pub struct Expected<'a, L: SqlList> {
    pub reader: &'a Reader<'a>,
    pub list: L,
    pub rows: Vec<L::Row>,
}

fn rows_of<R>(page: Page<R>) -> Vec<R> {
    page.rows.into_iter().map(|placed| placed.row).collect()
}

fn failed(error: impl std::error::Error) -> TestCaseError {
    TestCaseError::fail(thermocline::telemetry::explain(&error))
}

impl<L: SqlList> Expected<'_, L>
where
    L::Row: Clone + PartialEq + Debug,
{
    fn within(&self, span: Span) -> Vec<L::Row> {
        let inside = |row: &&L::Row| {
            let key = self.list.key(row);
            span.lower <= key && key < span.upper
        };
        self.rows.iter().filter(inside).cloned().collect()
    }

    /// Checks reading by cursor in both directions.
    pub async fn seek(&self, span: Span, limit: i64) -> Checked {
        let mut expected = self.within(span);
        let seen = self.reader.walk(&self.list, span, Order::Desc, limit).await.map_err(failed)?;
        prop_assert_eq!(&seen, &expected, "walking down {:?}", span);
        expected.reverse();
        let seen = self.reader.walk(&self.list, span, Order::Asc, limit).await.map_err(failed)?;
        prop_assert_eq!(&seen, &expected, "walking up {:?}", span);
        Ok(())
    }

    /// Checks one page at an offset, with its total.
    pub async fn page(&self, span: Span, offset: i64, limit: i64) -> Checked {
        let expected = self.within(span);
        let page = self.reader.tiers().page(&self.list, span, offset, limit, Count::Exact).await;
        let page = page.map_err(failed)?;
        prop_assert_eq!(page.total, Some(expected.len() as i64), "the count of {:?}", span);
        let rest: Vec<_> = expected.into_iter().skip(offset as usize).collect();
        prop_assert_eq!(page.more, rest.len() as i64 > limit, "more at {} of {:?}", offset, span);
        let rest: Vec<_> = rest.into_iter().take(limit as usize).collect();
        prop_assert_eq!(rows_of(page), rest, "{} rows at {} of {:?}", limit, offset, span);
        Ok(())
    }

    /// Checks every page of a span.
    pub async fn all_pages(&self, span: Span, limit: i64) -> Checked {
        let total = self.within(span).len() as i64;
        for offset in (0..=total + limit).step_by(limit as usize) {
            self.page(span, offset, limit).await?;
        }
        Ok(())
    }

    /// Checks the rows around a key: up to half of the page above it, the rest from the key down.
    pub async fn around(&self, pivot: Key, limit: i64) -> Checked {
        let at = self.rows.partition_point(|row| self.list.key(row) > pivot);
        let above = at.min((limit / 2) as usize);
        let expected: Vec<_> = self.rows.iter().skip(at - above).take(limit as usize).cloned().collect();
        let page = self.reader.tiers().around(&self.list, Span::ALL, pivot, limit).await.map_err(failed)?;
        prop_assert_eq!(rows_of(page), expected, "around {:?}", pivot);
        Ok(())
    }

    /// Checks looking up an id, whether or not the list has it.
    pub async fn find(&self, id: i64) -> Checked {
        let expected = self.rows.iter().find(|row| self.list.key(row).id == id).cloned();
        let found = self.reader.tiers().find(&self.list, id).await.map_err(failed)?;
        prop_assert_eq!(found.map(|placed| placed.row), expected, "id {}", id);
        Ok(())
    }
}
