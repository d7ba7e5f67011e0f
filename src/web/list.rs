//! One page helper for every list: reads the parameters, asks the federation, writes the envelope.

use std::convert::Infallible;
use std::fmt::Write as _;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Uri, header};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::clock::{DAY, Timestamp};
use crate::federation::sql::SqlList;
use crate::federation::{Count, List, Page, Placed, ReadError};
use crate::page::{self, Key, ListId, MAX_LIMIT, Order, Span, TokenKind};
use crate::web::etag;
use crate::web::params::{Moment, Params};
use crate::web::problem::Problem;
use crate::web::state::{App, Reader};

/// The last page: beyond it the arithmetic would leave 64 bits, and no list is that long.
pub const MAX_PAGE: i64 = 1_000_000_000;
/// The largest offset, for the same reason.
pub const MAX_OFFSET: i64 = 1_000_000_000_000;
/// Seconds after which a tier that was away is worth another try.
const RETRY_AFTER: u64 = 5;

/// The parameters of every list. One style a request: pages, offsets, or one of the places.
pub const PARAMETERS: [&str; 13] = [
    "page", "per_page", "offset", "limit", "before", "after", "around", "at", "from", "to", "as_of", "count",
    "partial",
];

/// The parameters of a list, for its description.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by name; the fields describe them")]
pub struct ListParameters {
    /// The page, from 1; 1 when nothing says where to begin.
    #[param(minimum = 1, maximum = 1_000_000_000)]
    page: Option<i64>,
    /// Rows of a page; 20 by default.
    #[param(minimum = 1, maximum = 100)]
    per_page: Option<i64>,
    /// How many of the newest rows to leave out.
    #[param(minimum = 0, maximum = 1_000_000_000_000i64)]
    offset: Option<i64>,
    /// Rows from an offset or of a cursor page; 20 by default. Alone it begins a cursor walk at the newest row.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// A cursor: the rows just older.
    before: Option<String>,
    /// A cursor: the rows just newer, shown newest first.
    after: Option<String>,
    /// An id: the rows around it, half of them newer.
    #[param(minimum = 1)]
    around: Option<i64>,
    /// A time (RFC 3339) or a date: the rows around it.
    at: Option<String>,
    /// Only rows from this time or date on.
    from: Option<String>,
    /// Only rows before this time; a date includes its UTC day.
    to: Option<String>,
    /// Given back by the first page: pages then do not shift under new rows.
    as_of: Option<String>,
    /// Whether to count the list: `exact` (usual with pages and offsets) or `none` (usual otherwise).
    count: Option<String>,
    /// `allow`: while the archive cannot be reached, give what there is, marked `partial`.
    partial: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Page,
    Offset,
    Newest,
    Before(Key),
    After(Key),
    Around(i64),
    At(Timestamp),
}

/// What a client asked of a list.
#[derive(Clone, Debug)]
pub struct ListRequest {
    style: Style,
    offset: i64,
    limit: i64,
    span: Span,
    as_of: Option<Key>,
    count: Count,
    partial: bool,
    id: ListId,
    params: Params,
}

impl ListRequest {
    /// Reads the parameters of [`PARAMETERS`] for a list. Others in `params` are the handler's own.
    pub fn read<L: List>(list: &L, params: &Params) -> Result<Self, Problem> {
        let from = moment(params, "from", 0)?;
        let to = moment(params, "to", DAY)?;
        // A date as `to` includes its day: the day before `from` ends where `from` begins.
        let whole_day = matches!(params.time("to")?, Some(Moment::Day(_)));
        if let (Some(from), Some(to)) = (from, to)
            && (from > to || (whole_day && from == to))
        {
            return Err(Problem::parameter("to", "must not lie before `from`"));
        }
        // A cursor belongs to its time span too: following it without the span would leave the list it walks.
        let id = match (from, to) {
            (None, None) => list.id(),
            _ => list.id().within(from.map(Timestamp::micros), to.map(Timestamp::micros)),
        };
        let key = |name: &str, kind| token(params, name, kind, id);
        let span =
            Span { lower: from.map_or(Key::MIN, Key::first_at), upper: to.map_or(Key::MAX, Key::first_at) };

        one_style(params)?;
        let style = if params.raw("page").is_some() || params.raw("per_page").is_some() {
            Style::Page
        } else if params.raw("offset").is_some() {
            Style::Offset
        } else if let Some(key) = key("before", TokenKind::Cursor)? {
            Style::Before(key)
        } else if let Some(key) = key("after", TokenKind::Cursor)? {
            Style::After(key)
        } else if let Some(id) = params.integer("around", 1..=i64::MAX)? {
            Style::Around(id)
        } else if let Some(at) = moment(params, "at", 0)? {
            Style::At(at)
        } else if params.raw("limit").is_some() {
            Style::Newest
        } else {
            Style::Page
        };
        let as_of = key("as_of", TokenKind::AsOf)?;
        if as_of.is_some() && !matches!(style, Style::Page | Style::Offset) {
            return Err(Problem::parameter("as_of", "belongs to pages and offsets; a cursor does not shift"));
        }
        let (offset, limit) = if style == Style::Page {
            let page = params.integer("page", 1..=MAX_PAGE)?.unwrap_or(1);
            let per_page = params.integer("per_page", 1..=MAX_LIMIT)?.unwrap_or(page::DEFAULT_LIMIT);
            ((page - 1) * per_page, per_page)
        } else {
            let limit = params.integer("limit", 1..=MAX_LIMIT)?.unwrap_or(page::DEFAULT_LIMIT);
            (params.integer("offset", 0..=MAX_OFFSET)?.unwrap_or(0), limit)
        };
        let count = match params.one_of("count", &["exact", "none"])? {
            Some("exact") => Count::Exact,
            None if matches!(style, Style::Page | Style::Offset) => Count::Usual,
            _ => Count::None,
        };
        let partial = params.one_of("partial", &["allow"])?.is_some();
        Ok(Self { style, offset, limit, span, as_of, count, partial, id, params: params.clone() })
    }

    /// The same for a list that has cursor pages only: without a place it begins at the newest row.
    #[must_use]
    pub fn by_cursor(self) -> Self {
        if self.style != Style::Page {
            return self;
        }
        Self { style: Style::Newest, count: Count::None, ..self }
    }

    /// Reads the page. `None` when `around` names a row that the list does not have.
    pub async fn run<L: SqlList>(
        &self,
        reader: Reader<'_>,
        list: &L,
    ) -> Result<Option<Listing<L::Row>>, ReadError> {
        let tiers = reader.tiers::<L>(self.partial);
        let span = self.as_of.map_or(self.span, |newest| self.span.below(newest.successor()));
        let mut page = match self.style {
            Style::Page | Style::Offset => {
                tiers.page(list, span, self.offset, self.limit, self.count).await?
            }
            Style::Newest => tiers.seek(list, span, Order::Desc, self.limit).await?,
            Style::Before(key) => tiers.seek(list, span.below(key), Order::Desc, self.limit).await?,
            Style::After(key) => {
                let mut page = tiers.seek(list, span.from(key.successor()), Order::Asc, self.limit).await?;
                page.rows.reverse();
                let oldest = page.rows.last().map_or(key.successor(), |placed| list.key(&placed.row));
                page.more = tiers.seek(list, span.below(oldest), Order::Desc, 0).await?.more;
                page
            }
            Style::Around(id) => match tiers.find(list, id).await? {
                Some(pivot) => tiers.around(list, span, list.key(&pivot.row), self.limit).await?,
                None => return Ok(None),
            },
            Style::At(at) => tiers.around(list, span, Key::new(at, i64::MAX), self.limit).await?,
        };
        if page.total.is_none() && self.count == Count::Exact && page.missing_from.is_none() {
            let counted = tiers.page(list, span, 0, 0, Count::Exact).await?;
            page.total = counted.total;
            // What should have been counted and was not is not the whole answer, even if all its rows are.
            page.missing_from = counted.missing_from;
        }
        let keys: Vec<Key> = page.rows.iter().map(|placed| list.key(&placed.row)).collect();
        Ok(Some(self.listing(page, &keys)))
    }

    fn listing<R>(&self, page: Page<R>, keys: &[Key]) -> Listing<R> {
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
            has_more: page.more,
            next: oldest.filter(|_| page.more).map(cursor),
            prev: cursor(newest),
            as_of: as_of.map(|key| page::encode(TokenKind::AsOf, self.id, key)),
            partial: page.missing_from.map(|_| true),
            missing: page.missing_from.map(|_| vec!["cold"]),
        };
        Listing { rows: page.rows.into_iter().map(Shown::from).collect(), info }
    }

    /// The `Link` header of a numbered page: its neighbours, the first and, where a total is known, the last.
    fn links(&self, uri: &Uri, info: &PageInfo) -> Option<HeaderValue> {
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
            format!("{}?{}", uri.path(), query.finish())
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

    /// Reads the page and answers with what `body` makes of it, as JSON with its `ETag` and, for a numbered page, its
    /// links. 404 for `what` when `around` names a row that the list does not have.
    pub async fn respond<L: SqlList, B: Serialize>(
        &self,
        app: &App,
        list: &L,
        asked: &Asked,
        what: &'static str,
        body: impl FnOnce(Vec<Shown<L::Row>>, PageInfo) -> B,
    ) -> Result<Response, Problem> {
        let listing = self.run(app.reader(), list).await?.ok_or(Problem::NotFound { what })?;
        Ok(self.show(listing, asked, body))
    }

    /// The answer for a page that was read.
    pub fn show<R, B: Serialize>(
        &self,
        Listing { rows, info }: Listing<R>,
        asked: &Asked,
        body: impl FnOnce(Vec<Shown<R>>, PageInfo) -> B,
    ) -> Response {
        let links = self.links(&asked.uri, &info);
        let mut response = asked.json(&body(rows, info));
        if let Some(links) = links {
            response.headers_mut().insert(header::LINK, links);
        }
        response
    }
}

/// A request without its path: what it asks for, and on what conditions.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its target.
    pub uri: Uri,
    /// Its headers.
    pub headers: HeaderMap,
}

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self { uri: parts.uri.clone(), headers: parts.headers.clone() })
    }
}

impl Asked {
    /// Its query, in which only `allowed` parameters may stand.
    pub fn params(&self, allowed: &[&str]) -> Result<Params, Problem> {
        Params::parse(self.uri.query(), allowed)
    }

    /// `body` as a JSON answer with its `ETag`, or 304.
    pub fn json(&self, body: &impl Serialize) -> Response {
        match serde_json::to_vec(body) {
            Ok(body) => etag::answer(&self.headers, "application/json", Bytes::from(body)),
            Err(error) => Problem::internal(error).into_response(),
        }
    }
}

/// A page as it is shown.
#[derive(Debug)]
pub struct Listing<R> {
    /// Its rows, newest first.
    pub rows: Vec<Shown<R>>,
    /// Where it lies in its list.
    pub info: PageInfo,
}

/// A row as it is shown.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Shown<R> {
    #[serde(flatten)]
    row: R,
    /// Whether it was read from the archive. Of interest to operators alone: rows read the same from both tiers.
    from_archive: bool,
}

impl<R> From<Placed<R>> for Shown<R> {
    fn from(placed: Placed<R>) -> Self {
        Self { row: placed.row, from_archive: placed.from_archive }
    }
}

/// Where a page lies in its list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PageInfo {
    /// The page, in page style.
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<i64>,
    /// Rows a page, in page style.
    #[serde(skip_serializing_if = "Option::is_none")]
    per_page: Option<i64>,
    /// Rows left out, in offset style.
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<i64>,
    /// Rows asked for, except in page style.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<i64>,
    /// The length of the whole list; null when it was not counted.
    total: Option<i64>,
    /// The number of pages, in page style when the list was counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pages: Option<i64>,
    /// Whether there are older rows.
    has_more: bool,
    /// The cursor of the rows just older, for `before`; null when there are none.
    next: Option<String>,
    /// The cursor of the rows just newer, for `after`, also when there are none yet.
    prev: String,
    /// For `as_of` of the other pages of this walk.
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<String>,
    /// Set when the archive could not be reached and the page ends where its rows begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    partial: Option<bool>,
    /// The tiers that are missing from a partial page.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<Vec<&'static str>>,
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        if let Some(tier) = error.unavailable() {
            tracing::warn!(error = ?error, "a tier did not answer");
            return Self::TierUnavailable { tier: tier.name(), retry_after: RETRY_AFTER };
        }
        match error {
            ReadError::RecoverDue { .. } => {
                tracing::error!(%error, "the tiers do not belong together");
                Self::RecoverDue
            }
            other => Self::internal(other),
        }
    }
}

/// The instant a parameter means; a date means its midnight and `day` microseconds more.
fn moment(params: &Params, name: &str, day: i64) -> Result<Option<Timestamp>, Problem> {
    Ok(params.time(name)?.map(|moment| match moment {
        Moment::At(at) => at,
        Moment::Day(date) => Timestamp::midnight(date).plus(day),
    }))
}

fn token(params: &Params, name: &str, kind: TokenKind, id: ListId) -> Result<Option<Key>, Problem> {
    let key = params.raw(name).map(|token| page::decode(kind, id, token));
    key.transpose().map_err(|_| Problem::InvalidCursor { name: name.to_owned() })
}

/// One style a request: a mixture is named by the parameter that does not fit the first one.
fn one_style(params: &Params) -> Result<(), Problem> {
    let styles: [&[&str]; 6] =
        [&["page", "per_page"], &["offset"], &["before"], &["after"], &["around"], &["at"]];
    let mut used = None;
    for style in styles {
        for name in style.iter().filter(|name| params.raw(name).is_some()) {
            match used {
                Some((first, by)) if by != style => {
                    return Err(Problem::parameter(name, &format!("cannot be used together with `{first}`")));
                }
                Some(_) => {}
                None => used = Some((*name, style)),
            }
        }
    }
    match used {
        Some((first, style)) if style.contains(&"page") && params.raw("limit").is_some() => {
            Err(Problem::parameter("limit", &format!("cannot be used together with `{first}`")))
        }
        _ => Ok(()),
    }
}
