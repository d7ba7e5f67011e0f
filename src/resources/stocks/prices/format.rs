//! The four formats of prices, and which one a client wants.

use http::HeaderMap;

use crate::web::accept::Accept;

/// The format of prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One object a row.
    Json,
    /// One array a field, for charts.
    Columns,
    /// With a header that `thermocline import prices` reads.
    Csv,
    /// One object a line.
    NdJson,
}

/// The types that an `Accept` header can ask for, in the server's order of preference.
const OFFERED: [(&str, Format); 3] =
    [("application/json", Format::Json), ("text/csv", Format::Csv), ("application/x-ndjson", Format::NdJson)];

impl Format {
    /// Every format with its name in a query.
    pub const NAMES: [(&'static str, Self); 4] =
        [("json", Self::Json), ("columns", Self::Columns), ("csv", Self::Csv), ("ndjson", Self::NdJson)];

    /// Its media type.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json | Self::Columns => "application/json",
            Self::Csv => "text/csv; charset=utf-8",
            Self::NdJson => "application/x-ndjson",
        }
    }

    /// The media types of the formats, for a path on which a parameter chooses one.
    pub const MEDIA_TYPES: &'static [&'static str] =
        &["application/json", "text/csv", "application/x-ndjson"];

    /// Returns the format that the `Accept` headers like best; JSON when they want none of them.
    pub fn accepted(headers: &HeaderMap) -> Self {
        Accept::of(headers).prefer(&OFFERED).unwrap_or(Self::Json)
    }

    /// Returns the format that the last segment of a path names, as in `/api/stocks/2/prices/csv`.
    pub fn of_path(path: &str) -> Option<Self> {
        let last = path.rsplit('/').next();
        Self::NAMES.iter().find(|(name, _)| Some(*name) == last).map(|(_, format)| *format)
    }

    /// Returns whether the body is JSON, or lines of it.
    pub const fn is_json(self) -> bool {
        !matches!(self, Self::Csv)
    }
}
