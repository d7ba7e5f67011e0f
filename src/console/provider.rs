//! An identity provider (`OpenID` Connect) that signs users in: authorization code with PKCE, without a secret.

use http::Uri;
use serde::Serialize;

/// An identity provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Provider {
    issuer: String,
    client_id: String,
    scope: String,
    /// The origin of the issuer, at which the page asks for a token.
    #[serde(skip)]
    origin: String,
}

impl Provider {
    /// Returns the provider with this issuer, under whose address it publishes its configuration. `scope` is what the page
    /// asks for.
    ///
    /// # Errors
    /// The reason why the issuer is no address of a provider.
    pub fn new(issuer: &str, client_id: String, scope: String) -> Result<Self, &'static str> {
        const EXPECTED: &str = "expected https://…, as the provider names itself";
        let parsed = Uri::try_from(issuer).map_err(|_| EXPECTED)?;
        let host = parsed.host().unwrap_or("");
        let local = ["localhost", "127.0.0.1", "[::1]"].contains(&host);
        let is_plain = parsed.query().is_none() && !issuer.contains(['#', '@', ';', ',', '\'']);
        let scheme = match parsed.scheme_str() {
            Some("https") if !host.is_empty() && is_plain => "https",
            Some("http") if local && is_plain => "http",
            Some("http") if is_plain => {
                return Err("http:// is accepted for this machine only; expected https://…");
            }
            _ => return Err(EXPECTED),
        };
        let authority = parsed.authority().ok_or(EXPECTED)?;
        let origin = format!("{scheme}://{authority}");
        Ok(Self { issuer: issuer.to_owned(), client_id, scope, origin })
    }

    /// Returns the origin of the issuer, at which the page asks for a token.
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_an_address_without_more() {
        let new = |issuer: &str| Provider::new(issuer, "console".to_owned(), "openid".to_owned());
        for (issuer, origin) in [
            ("https://login.example", "https://login.example"),
            ("https://login.example:8443/realms/platform", "https://login.example:8443"),
            ("http://127.0.0.1:9000/x/", "http://127.0.0.1:9000"),
        ] {
            assert_eq!(new(issuer).expect(issuer).origin(), origin);
        }
        for issuer in [
            "",
            "login.example",
            "http://login.example",
            "ftp://login.example",
            "https://login.example?x=1",
            "https://user@login.example",
            "https://login.example; script-src *",
            "https://login.example;x",
        ] {
            assert!(new(issuer).is_err(), "{issuer}");
        }
    }
}
