//! The query parameters of every list.

use utoipa::IntoParams;

use crate::web::schema::{CountMode, PartialMode};

/// The last page: beyond it the arithmetic would leave 64 bits, and no list is that long.
pub const MAX_PAGE: i64 = 1_000_000_000;
/// The largest offset, for the same reason.
pub const MAX_OFFSET: i64 = 1_000_000_000_000;

/// The parameters of every list. A request uses one style: pages, offsets, or one of the cursors and places.
pub const PARAMETERS: [&str; 13] = [
    "page", "per_page", "offset", "limit", "before", "after", "around", "at", "from", "to", "as_of", "count",
    "partial",
];

/// The parameters of a list in the description of the API.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by name; the fields describe them")]
pub struct ListParameters {
    /// The page, from 1; 1 by default.
    #[param(minimum = 1, maximum = 1_000_000_000)]
    page: Option<i64>,
    /// Rows of a page; 20 by default.
    #[param(minimum = 1, maximum = 100)]
    per_page: Option<i64>,
    /// The number of the newest rows to leave out.
    #[param(minimum = 0, maximum = 1_000_000_000_000i64)]
    offset: Option<i64>,
    /// Rows from an offset or of a cursor page; 20 by default. Alone it starts a cursor walk at the newest row.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// A cursor: the rows just older.
    #[param(format = "cursor", min_length = 1)]
    before: Option<String>,
    /// A cursor: the rows just newer, shown newest first.
    #[param(format = "cursor", min_length = 1)]
    after: Option<String>,
    /// An id: the rows around it, half of them newer.
    #[param(minimum = 1, maximum = 9_223_372_036_854_775_807i64)]
    around: Option<i64>,
    /// The rows around this time. A date stands for its midnight (UTC).
    #[param(format = DateTime)]
    at: Option<String>,
    /// Only rows from this time on. A date stands for its midnight (UTC).
    #[param(format = DateTime)]
    from: Option<String>,
    /// Only rows before this time. A date includes its UTC day.
    #[param(format = DateTime)]
    to: Option<String>,
    /// The `as_of` of the first page: with it, pages do not shift as new rows arrive.
    #[param(format = "cursor", min_length = 1)]
    as_of: Option<String>,
    /// Whether to count the list; `exact` is the default with pages and offsets, `none` otherwise.
    count: Option<CountMode>,
    /// `allow`: while the archive cannot be reached, return the rows there are, marked `partial`.
    partial: Option<PartialMode>,
}
