//! The envelope of a page: its rows, its place in the list, and its links. Pure.

use std::fmt::Write as _;

use http::HeaderValue;
use serde::Serialize;
use utoipa::ToSchema;

use super::request::{ListRequest, Style};
use crate::federation::{Page, Placed};
use crate::feed::Token;
use crate::page::{self, Key, TokenKind};
use crate::web::schema::TierName;

/// A page with its place in the list.
#[derive(Debug)]
pub struct Listing<R> {
    /// The rows, newest first.
    pub rows: Vec<Shown<R>>,
    /// The place of the page in its list.
    pub info: PageInfo,
    /// The token of the change feed from before these rows were read, if the list asks for it with its newest rows.
    pub changes: Option<Token>,
}

/// A row with its tier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Shown<R> {
    #[serde(flatten)]
    row: R,
    /// Whether the row was read from the archive. It matters to operators only: a row is the same in both tiers.
    from_archive: bool,
}

impl<R> Listing<R> {
    /// Returns the same page with other rows.
    pub fn map<S>(self, mut change: impl FnMut(R) -> S) -> Listing<S> {
        let row = |Shown { row, from_archive }| Shown { row: change(row), from_archive };
        Listing { rows: self.rows.into_iter().map(row).collect(), info: self.info, changes: self.changes }
    }
}

impl<R> Shown<R> {
    /// Returns the row.
    pub const fn row(&self) -> &R {
        &self.row
    }
}

impl<R> From<Placed<R>> for Shown<R> {
    fn from(placed: Placed<R>) -> Self {
        Self { row: placed.row, from_archive: placed.from_archive }
    }
}

/// The place of a page in its list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PageInfo {
    /// The page, in page style.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    page: Option<i64>,
    /// Rows a page, in page style.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    per_page: Option<i64>,
    /// Rows left out, in offset style.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    offset: Option<i64>,
    /// Rows asked for, except in page style.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    limit: Option<i64>,
    /// The length of the whole list; null when it was not counted.
    #[schema(required = true)]
    total: Option<i64>,
    /// The number of pages, in page style when the list was counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pages: Option<i64>,
    /// The number of rows that are newer than the page's first one: 0 for the newest page. With pages and offsets, and
    /// around a row or a time with `count=exact`. A walk with `as_of` counts from that row.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    position: Option<i64>,
    /// Whether there are older rows.
    has_more: bool,
    /// Whether there are newer rows than the first one: whether `after` with `prev` returns any.
    has_newer: bool,
    /// The cursor of the rows just older, for `before`; null when there are none.
    #[schema(required = true)]
    next: Option<String>,
    /// The cursor of the rows just newer, for `after`, also when there are none yet. Rows dated in the future do not end a
    /// poll: at the top of the list it is the cursor of the newest row that is not, and `after` returns the others again.
    prev: String,
    /// For `as_of` of the other pages of this walk.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    as_of: Option<String>,
    /// Set when the archive could not be reached and the page ends where its rows begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    partial: Option<bool>,
    /// The tiers that are missing from a partial page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<Vec<TierName>>)]
    missing: Option<Vec<&'static str>>,
}

impl PageInfo {
    /// Notes that the rows lack what cold would say of them.
    pub fn lacks_cold(&mut self) {
        self.partial = Some(true);
        self.missing = Some(vec!["cold"]);
    }
}

impl ListRequest {
    /// Returns the page that was read for this request in its envelope. `keys` are the keys of its rows. `poll` is where a
    /// poll goes on, if that is not its newest row.
    pub(super) fn listing<R>(&self, page: Page<R>, keys: &[Key], poll: Option<Key>) -> Listing<R> {
        let cursor = |key| page::encode(TokenKind::Cursor, self.id, key);
        let oldest = match (keys.last(), self.style) {
            (Some(key), _) => Some(*key),
            // An empty page gives its own cursor back.
            (None, Style::After(key)) => Some(key.successor()),
            (None, _) => page.missing_from.map(Key::successor),
        };
        let newest = match (keys.first(), self.style) {
            (Some(key), _) => *key,
            (None, Style::Before(key) | Style::After(key)) => key,
            (None, _) => page.missing_from.unwrap_or(Key::MIN),
        };
        let paged = matches!(self.style, Style::Page | Style::Offset);
        let as_of = self.as_of.or_else(|| keys.first().copied().filter(|_| paged && self.offset == 0));
        let by_page = self.style == Style::Page;
        let info = PageInfo {
            page: by_page.then_some(self.offset / self.limit + 1),
            per_page: by_page.then_some(self.limit),
            offset: (self.style == Style::Offset).then_some(self.offset),
            limit: (!by_page).then_some(self.limit),
            total: page.total,
            pages: page
                .total
                .filter(|_| by_page)
                .map(|total| total.div_euclid(self.limit) + i64::from(total % self.limit > 0)),
            position: page.position,
            has_more: page.more,
            has_newer: page.newer,
            next: oldest.filter(|_| page.more).map(cursor),
            prev: cursor(poll.unwrap_or(newest)),
            as_of: as_of.map(|key| page::encode(TokenKind::AsOf, self.id, key)),
            partial: page.missing_from.map(|_| true),
            missing: page.missing_from.map(|_| vec!["cold"]),
        };
        Listing { rows: page.rows.into_iter().map(Shown::from).collect(), info, changes: page.changes }
    }

    /// Returns the `Link` header of a numbered page: its neighbours, the first page and, with a known total, the last.
    pub(super) fn links(&self, path: &str, info: &PageInfo) -> Option<HeaderValue> {
        let (page, per_page) = (info.page?, info.per_page?);
        let to = |page: i64| {
            let mut query = form_urlencoded::Serializer::new(String::new());
            for (name, value) in
                self.params.iter().filter(|(name, _)| !["page", "per_page", "as_of"].contains(name))
            {
                query.append_pair(name, value);
            }
            query.append_pair("page", &page.to_string()).append_pair("per_page", &per_page.to_string());
            if let Some(as_of) = &info.as_of {
                query.append_pair("as_of", as_of);
            }
            format!("{path}?{}", query.finish())
        };
        let mut links = format!("<{}>; rel=\"first\"", to(1));
        let mut add = |rel: &str, page: i64| {
            // Writing into a String cannot fail.
            let _ = write!(links, ", <{}>; rel=\"{rel}\"", to(page));
        };
        if page > 1 {
            add("prev", page - 1);
        }
        if info.has_more {
            add("next", page + 1);
        }
        if let Some(pages) = info.pages {
            add("last", pages.max(1));
        }
        HeaderValue::from_str(&links).ok()
    }
}
