//! Cross-origin requests of browsers: which pages may read the answers.

use std::str::FromStr;
use std::time::Duration;

use http::Method;
use http::header::{
    AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_NONE_MATCH, LINK, ORIGIN, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// The time for which a browser may cache the answer to a preflight request.
const MAX_AGE: Duration = Duration::from_hours(1);

/// The origins whose pages may read answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// None but the server's own.
    #[default]
    None,
    /// Any. Tokens travel in a header, which no foreign page has, and never in a cookie.
    Any,
    /// These.
    List(Vec<HeaderValue>),
}

impl FromStr for AllowedOrigins {
    type Err = String;

    /// Reads `*`, or origins such as `https://example.org`, separated by commas.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim() == "*" {
            return Ok(Self::Any);
        }
        text.split(',').map(|part| origin(part.trim())).collect::<Result<_, _>>().map(Self::List)
    }
}

impl AllowedOrigins {
    /// Returns the origins as texts; `None` for any.
    pub fn names(&self) -> Option<Vec<String>> {
        match self {
            Self::None => Some(Vec::new()),
            Self::Any => None,
            Self::List(origins) => {
                Some(origins.iter().filter_map(|origin| origin.to_str().ok()).map(str::to_owned).collect())
            }
        }
    }
}

/// Reads an origin as browsers send it: scheme, host and, unless it is the usual one, port.
fn origin(text: &str) -> Result<HeaderValue, String> {
    let fault = |why: &str| {
        format!("`{text}` is not an origin such as https://example.org or http://localhost:3000: {why}")
    };
    if text == "*" {
        return Err(fault("* stands alone"));
    }
    let (scheme, host) = text.split_once("://").ok_or_else(|| fault("it has no scheme"))?;
    let scheme_is_plain =
        scheme.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b));
    if !scheme_is_plain || scheme.is_empty() || host.is_empty() {
        return Err(fault("it has no scheme and host in lower case"));
    }
    if host.contains(['/', '?', '#', '@', '*']) {
        return Err(fault("it ends with the host or the port"));
    }
    if host.bytes().any(|b| !b.is_ascii_graphic() || b.is_ascii_uppercase()) {
        return Err(fault("browsers send hosts in lower case, and international ones in punycode"));
    }
    if (scheme, host.rsplit_once(':').map(|(_, port)| port)) == ("https", Some("443"))
        || (scheme, host.rsplit_once(':').map(|(_, port)| port)) == ("http", Some("80"))
    {
        return Err(fault("browsers leave out the usual port"));
    }
    HeaderValue::from_str(text).map_err(|_| fault("it cannot stand in a header"))
}

/// Returns the layer that answers preflight requests and lets pages of these origins read answers; none without origins.
pub fn layer(origins: &AllowedOrigins) -> Option<CorsLayer> {
    let origin = match origins {
        AllowedOrigins::None => return None,
        AllowedOrigins::Any => AllowOrigin::any(),
        AllowedOrigins::List(origins) => AllowOrigin::list(origins.clone()),
    };
    let name = HeaderName::from_static;
    Some(
        CorsLayer::new()
            .allow_origin(origin)
            .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::DELETE])
            .allow_headers([
                AUTHORIZATION,
                IF_NONE_MATCH,
                CONTENT_TYPE,
                name("last-event-id"),
                name("mcp-protocol-version"),
                name("mcp-session-id"),
                name("x-request-id"),
            ])
            .expose_headers([
                ETAG,
                LINK,
                RETRY_AFTER,
                WWW_AUTHENTICATE,
                name("mcp-session-id"),
                name("server-timing"),
                name("x-end-date"),
                name("x-missing"),
                name("x-request-id"),
                name("x-start-date"),
                name("x-unknown-symbols"),
            ])
            .max_age(MAX_AGE)
            // Only the origin changes an answer; a preflight request is never cached by shared caches.
            .vary([ORIGIN]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_written_as_browsers_send_them() {
        assert_eq!("*".parse(), Ok(AllowedOrigins::Any));
        let list = "https://example.org, http://localhost:3000,https://[::1]:8443,capacitor://localhost";
        let AllowedOrigins::List(origins) = list.parse().expect("origins") else { panic!("not a list") };
        assert_eq!(origins.len(), 4);
        assert_eq!(origins[1], "http://localhost:3000");
        for text in [
            "",
            "example.org",
            "null",
            "https://example.org/",
            "https://example.org/app",
            "https://*.example.org",
            "HTTPS://example.org",
            "https://Example.org",
            "https://exämple.org",
            "https://user@example.org",
            "https://example.org:443",
            "http://example.org:80",
            "https://example.org,",
            "https://example.org,*",
            "https://",
        ] {
            assert!(text.parse::<AllowedOrigins>().is_err(), "{text}");
        }
    }
}
