//! Parses the query parameters of a list. Pure.

use crate::clock::{DAY, Timestamp};
use crate::federation::{Count, List};
use crate::page::{self, Key, ListId, MAX_LIMIT, Span, TokenKind};
use crate::web::list::parameters::{MAX_OFFSET, MAX_PAGE};
use crate::web::params::{Moment, Params};
use crate::web::problem::Problem;

/// The way a request names the rows it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Page,
    Offset,
    Newest,
    Before(Key),
    After(Key),
    Around(i64),
    At(Timestamp),
}

impl Style {
    /// Returns whether rows are numbered from the newest one.
    pub fn is_numbered(self) -> bool {
        matches!(self, Self::Page | Self::Offset)
    }
}

/// A request for a page of a list.
#[derive(Clone, Debug)]
pub struct ListRequest {
    pub(super) style: Style,
    pub(super) offset: i64,
    pub(super) limit: i64,
    pub(super) span: Span,
    pub(super) as_of: Option<Key>,
    pub(super) count: Count,
    pub(super) partial: bool,
    pub(super) id: ListId,
    pub(super) params: Params,
}

impl ListRequest {
    /// Reads the parameters in [`super::PARAMETERS`] for `list`. Others in `params` belong to the handler.
    pub fn read<L: List>(list: &L, params: &Params) -> Result<Self, Problem> {
        let (from, to) = time_range(params)?;
        // A cursor belongs to its time range too: without the range it would leave the list that it walks.
        let id = match (from, to) {
            (None, None) => list.id(),
            _ => list.id().within(from.map(Timestamp::micros), to.map(Timestamp::micros)),
        };
        let span =
            Span { lower: from.map_or(Key::MIN, Key::first_at), upper: to.map_or(Key::MAX, Key::first_at) };
        let style = style(params, id)?;
        let as_of = token(params, "as_of", TokenKind::AsOf, id)?;
        if as_of.is_some() && !style.is_numbered() {
            return Err(Problem::parameter("as_of", "belongs to pages and offsets; a cursor does not shift"));
        }
        let (offset, limit) = offset_and_limit(params, style)?;
        let count = match params.one_of("count", &["exact", "none"])? {
            Some("exact") => Count::Exact,
            None if style.is_numbered() => Count::Usual,
            _ => Count::None,
        };
        let partial = params.one_of("partial", &["allow"])?.is_some();
        Ok(Self { style, offset, limit, span, as_of, count, partial, id, params: params.clone() })
    }

    /// Returns whether it asks for the newest rows of the whole list.
    pub fn is_newest(&self) -> bool {
        let begins_there = match self.style {
            Style::Page | Style::Offset => self.offset == 0,
            Style::Newest => true,
            Style::Before(_) | Style::After(_) | Style::Around(_) | Style::At(_) => false,
        };
        begins_there && self.as_of.is_none() && self.span == Span::ALL
    }

    /// Returns whether an answer without what an unavailable cold holds is welcome.
    pub const fn takes_partial(&self) -> bool {
        self.partial
    }

    /// Returns whether the rows of the list are counted.
    pub(super) fn counts(&self) -> bool {
        self.style.is_numbered() || self.count == Count::Exact
    }

    /// Returns the same request to a list that has cursor pages only: by default it starts at the newest row.
    #[must_use]
    pub fn by_cursor(self) -> Self {
        if self.style != Style::Page {
            return self;
        }
        Self { style: Style::Newest, count: Count::None, ..self }
    }
}

/// Returns `from` and `to` as instants, the latter exclusive.
fn time_range(params: &Params) -> Result<(Option<Timestamp>, Option<Timestamp>), Problem> {
    let from = instant(params, "from", 0)?;
    let to = instant(params, "to", DAY)?;
    // A date as `to` includes its day: the day before `from` ends where `from` begins.
    let whole_day = matches!(params.time("to")?, Some(Moment::Day(_)));
    if let (Some(from), Some(to)) = (from, to)
        && (from > to || (whole_day && from == to))
    {
        return Err(Problem::parameter("to", "must not lie before `from`"));
    }
    Ok((from, to))
}

/// Returns the instant of a parameter. A date stands for its midnight plus `offset` microseconds.
fn instant(params: &Params, name: &str, offset: i64) -> Result<Option<Timestamp>, Problem> {
    Ok(params.time(name)?.map(|moment| match moment {
        Moment::At(at) => at,
        Moment::Day(date) => Timestamp::midnight(date).plus(offset),
    }))
}

fn style(params: &Params, id: ListId) -> Result<Style, Problem> {
    ensure_one_style(params)?;
    if params.raw("page").is_some() || params.raw("per_page").is_some() {
        return Ok(Style::Page);
    }
    if params.raw("offset").is_some() {
        return Ok(Style::Offset);
    }
    if let Some(key) = token(params, "before", TokenKind::Cursor, id)? {
        return Ok(Style::Before(key));
    }
    if let Some(key) = token(params, "after", TokenKind::Cursor, id)? {
        return Ok(Style::After(key));
    }
    if let Some(id) = params.integer("around", 1..=i64::MAX)? {
        return Ok(Style::Around(id));
    }
    if let Some(at) = instant(params, "at", 0)? {
        return Ok(Style::At(at));
    }
    Ok(if params.raw("limit").is_some() { Style::Newest } else { Style::Page })
}

/// Refuses a mixture of styles: the error names the parameter that does not fit the first one.
fn ensure_one_style(params: &Params) -> Result<(), Problem> {
    let styles: [&[&str]; 6] =
        [&["page", "per_page"], &["offset"], &["before"], &["after"], &["around"], &["at"]];
    let given = styles.iter().flat_map(|style| style.iter().map(move |name| (*name, style)));
    let mut given = given.filter(|(name, _)| params.raw(name).is_some());
    let Some((first, style)) = given.next() else { return Ok(()) };
    let other = given.find(|(_, other)| *other != style).map(|(name, _)| name);
    let limit = (style.contains(&"page") && params.raw("limit").is_some()).then_some("limit");
    match other.or(limit) {
        Some(name) => Err(Problem::parameter(name, &format!("cannot be used together with `{first}`"))),
        None => Ok(()),
    }
}

fn offset_and_limit(params: &Params, style: Style) -> Result<(i64, i64), Problem> {
    if style == Style::Page {
        let page = params.integer("page", 1..=MAX_PAGE)?.unwrap_or(1);
        let per_page = params.integer("per_page", 1..=MAX_LIMIT)?.unwrap_or(page::DEFAULT_LIMIT);
        return Ok(((page - 1) * per_page, per_page));
    }
    let limit = params.integer("limit", 1..=MAX_LIMIT)?.unwrap_or(page::DEFAULT_LIMIT);
    Ok((params.integer("offset", 0..=MAX_OFFSET)?.unwrap_or(0), limit))
}

fn token(params: &Params, name: &str, kind: TokenKind, id: ListId) -> Result<Option<Key>, Problem> {
    let key = params.raw(name).map(|token| page::decode(kind, id, token));
    key.transpose().map_err(|_| Problem::InvalidCursor { name: name.to_owned() })
}
