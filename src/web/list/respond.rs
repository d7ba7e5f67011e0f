//! Reads a page from the federation and answers with it.

use axum::response::Response;
use http::header;
use serde::Serialize;

use super::envelope::{Listing, PageInfo, Shown};
use super::request::{ListRequest, Style};
use crate::clock::{SKEW, Timestamp};
use crate::federation::sql::SqlList;
use crate::federation::{Count, Page, ReadError, Tiers};
use crate::page::{Key, Order};
use crate::web::admission;
use crate::web::context::RequestContext;
use crate::web::problem::Problem;
use crate::web::state::App;

/// Seconds after which another attempt to reach a tier makes sense.
const RETRY_AFTER: u64 = 5;

impl ListRequest {
    /// Reads the page and answers with `body` as JSON with its `ETag` and, for a numbered page, its links. Answers with
    /// 404 for `what` if `around` names a row that the list does not have.
    pub async fn respond<L: SqlList, B: Serialize>(
        &self,
        app: &App,
        list: &L,
        context: &RequestContext,
        what: &'static str,
        body: impl FnOnce(Vec<Shown<L::Row>>, PageInfo) -> B,
    ) -> Result<Response, Problem> {
        let listing = self.read_from(app, list, what).await?;
        Ok(self.show(listing, context, |Listing { rows, info, .. }| body(rows, info)))
    }

    /// Reads the page; 404 for `what` if `around` names a row that the list does not have.
    pub async fn read_from<L: SqlList>(
        &self,
        app: &App,
        list: &L,
        what: &'static str,
    ) -> Result<Listing<L::Row>, Problem> {
        self.find_in(app, list).await?.ok_or(Problem::NotFound { what })
    }

    /// Reads the page. Returns `None` if `around` names a row that the list does not have.
    pub async fn find_in<L: SqlList>(&self, app: &App, list: &L) -> Result<Option<Listing<L::Row>>, Problem> {
        // Held until the page is read.
        let _slot = if list.statements().reads_text {
            admission::slow().await?
        } else if self.counts() {
            // Not of the time span: a sender could count a large list under ever new ones.
            admission::counting(list.id()).await?
        } else {
            None
        };
        Ok(self.run(app, list).await?)
    }

    /// Returns the response for a page that was read.
    pub fn show<R, B: Serialize>(
        &self,
        listing: Listing<R>,
        context: &RequestContext,
        body: impl FnOnce(Listing<R>) -> B,
    ) -> Response {
        let links = self.links(&context.path(), &listing.info);
        let mut response = context.json(&body(listing));
        if let Some(links) = links {
            response.headers_mut().insert(header::LINK, links);
        }
        response
    }

    async fn run<L: SqlList>(&self, app: &App, list: &L) -> Result<Option<Listing<L::Row>>, ReadError> {
        let reader = app.reader();
        let tiers = reader.tiers::<L>(self.partial);
        let span = self.as_of.map_or(self.span, |newest| self.span.below(newest.successor()));
        let mut page = match self.style {
            Style::Page | Style::Offset => {
                tiers.page(list, span, self.offset, self.limit, self.count).await?
            }
            Style::Newest => tiers.seek(list, span, Order::Desc, self.limit).await?,
            Style::Before(key) => tiers.before(list, span, key, self.limit).await?,
            Style::After(key) => tiers.after(list, span, key, self.limit).await?,
            Style::Around(id) => match tiers.find(list, id).await? {
                Some(pivot) => self.around(&tiers, list, list.key(&pivot.row)).await?,
                None => return Ok(None),
            },
            Style::At(at) => self.around(&tiers, list, Key::new(at, i64::MAX)).await?,
        };
        if let Some(newest) = self.as_of
            && !page.newer
        {
            // The walk ends below newer rows; the list does not.
            page.newer = tiers.seek(list, self.span.from(newest.successor()), Order::Asc, 0).await?.more;
        }
        if page.total.is_none() && self.count == Count::Exact && page.missing_from.is_none() {
            let counted = tiers.page(list, span, 0, 0, Count::Exact).await?;
            page.total = counted.total;
            page.hot_rows = counted.hot_rows;
            // A page whose count is incomplete is partial, even if all its rows are there.
            page.missing_from = counted.missing_from;
        }
        if let Some(rows) = page.hot_rows {
            admission::counted(list.id(), rows).await;
        }
        let keys: Vec<Key> = page.rows.iter().map(|placed| list.key(&placed.row)).collect();
        let poll = self.poll_from(&tiers, list, &page, &keys, app.clock().now()).await?;
        Ok(Some(self.listing(page, &keys, poll)))
    }

    /// Returns the key from which a poll goes on at the top of a list whose newest row is dated in the future: the key of the
    /// newest row that is not, or the lower end of the list without one. Rows that are written later lie below the one in the
    /// future, and a poll from there would never see them. `None` below the top, and where the newest row is not
    /// dated in the future.
    async fn poll_from<L: SqlList>(
        &self,
        tiers: &Tiers<'_, L>,
        list: &L,
        page: &Page<L::Row>,
        keys: &[Key],
        now: Timestamp,
    ) -> Result<Option<Key>, ReadError> {
        let future = Key::first_at(now.plus(SKEW).plus(1));
        let top = keys.first().copied().or(match self.style {
            Style::After(key) => Some(key),
            _ => None,
        });
        if page.newer || self.as_of.is_some() || top.is_none_or(|key| key < future) {
            return Ok(None);
        }
        if let Some(key) = keys.iter().find(|key| **key < future) {
            return Ok(Some(*key));
        }
        let below = tiers.seek(list, self.span.below(future), Order::Desc, 1).await?;
        Ok(Some(below.rows.first().map_or(self.span.lower, |placed| list.key(&placed.row))))
    }

    async fn around<L: SqlList>(
        &self,
        tiers: &Tiers<'_, L>,
        list: &L,
        pivot: Key,
    ) -> Result<Page<L::Row>, ReadError> {
        match self.count {
            Count::Exact => tiers.around_counted(list, self.span, pivot, self.limit).await,
            _ => tiers.around(list, self.span, pivot, self.limit).await,
        }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        if let Some(tier) = error.unavailable() {
            tracing::warn!(error = ?error, "a tier did not answer");
            return Self::TierUnavailable { tier: tier.name(), retry_after: RETRY_AFTER };
        }
        match error {
            ReadError::Consistency(_) => {
                tracing::error!(%error, "the two databases disagree");
                Self::RecoveryDue
            }
            other => Self::internal(other),
        }
    }
}
