//! The policy of the page: nothing but its own files, and no address but this server's and the provider's.

use http::HeaderMap;
use http::header::{CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY};

use super::provider::Provider;

/// Everything that the page may load. `connect-src` follows.
const LOADS: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; connect-src 'self'";
/// A page that this one opens, or that opens this one, cannot reach into it.
const OPENER: (HeaderName, HeaderValue) =
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));

/// Adds the policy.
pub fn apply(headers: &mut HeaderMap, provider: Option<&Provider>) {
    let origin = provider.map(|provider| format!(" {}", provider.origin())).unwrap_or_default();
    if let Ok(policy) = HeaderValue::from_str(&format!("{LOADS}{origin}")) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(OPENER.0, OPENER.1);
}
