//! The four formats of prices, and which one a client wants.

use http::HeaderMap;
use http::header::ACCEPT;

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
const OFFERED: [(&str, &str, Format); 3] = [
    ("application", "json", Format::Json),
    ("text", "csv", Format::Csv),
    ("application", "x-ndjson", Format::NdJson),
];

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

    /// The format the `Accept` headers like best (RFC 9110, section 12.5.1); JSON when they want none of them.
    ///
    /// Of two that are liked equally the one that is named more exactly wins: `text/csv, */*` is a wish for CSV.
    pub fn accepted(headers: &HeaderMap) -> Self {
        let ranges: Vec<MediaRange> = headers
            .get_all(ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|list| list.split(','))
            .filter_map(MediaRange::parse)
            .collect();
        let mut best = (Self::Json, (0, 0));
        for (kind, subtype, format) in OFFERED {
            let exactest = ranges.iter().filter_map(|range| range.fits(kind, subtype)).max();
            let liking = exactest.map_or((0, 0), |(exactness, quality)| (quality, exactness));
            if liking.0 > 0 && liking > best.1 {
                best = (format, liking);
            }
        }
        best.0
    }
}

/// One element of an `Accept` header.
struct MediaRange {
    kind: String,
    subtype: String,
    /// Thousandths.
    quality: u16,
}

impl MediaRange {
    /// `None` for what is malformed: it asks for nothing.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let mut quality = 1000;
        for part in parts {
            if let Some((name, value)) = part.split_once('=')
                && name.trim().eq_ignore_ascii_case("q")
            {
                let value: f32 = value.trim().parse().ok()?;
                quality = (value.clamp(0.0, 1.0) * 1000.0).round() as u16;
            }
        }
        Some(Self { kind: kind.to_ascii_lowercase(), subtype: subtype.to_ascii_lowercase(), quality })
    }

    /// Returns the precision and the quality with which it accepts the type; `None` if it does not match.
    fn fits(&self, kind: &str, subtype: &str) -> Option<(u8, u16)> {
        let exactness = match (self.kind.as_str(), self.subtype.as_str()) {
            ("*", "*") => 1,
            (range, "*") if range == kind => 2,
            (range, exact) if range == kind && exact == subtype => 3,
            _ => return None,
        };
        Some((exactness, self.quality))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_header_chooses() {
        for (accept, expected) in [
            ("", Format::Json),
            ("*/*", Format::Json),
            ("text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", Format::Json),
            ("image/png", Format::Json),
            ("text/csv", Format::Csv),
            ("Text/CSV; charset=utf-8", Format::Csv),
            ("text/*", Format::Csv),
            ("text/csv, */*", Format::Csv),
            ("text/csv, application/json", Format::Json),
            ("text/csv;q=0.5, application/x-ndjson;q=0.6", Format::NdJson),
            ("application/json;q=0, application/*", Format::NdJson),
            ("text/csv;q=0", Format::Json),
            ("text/csv;q=much, application/x-ndjson;q=0.001", Format::NdJson),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().expect("a header"));
            assert_eq!(Format::accepted(&headers), expected, "{accept}");
        }
        let mut headers = HeaderMap::new();
        headers.append(ACCEPT, "application/json;q=0.2".parse().expect("a header"));
        headers.append(ACCEPT, "text/csv".parse().expect("a header"));
        assert_eq!(Format::accepted(&headers), Format::Csv);
    }
}
