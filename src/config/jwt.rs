//! The key that verifies tokens.

use std::path::PathBuf;

use http::Uri;
use secrecy::SecretString;

use super::error::ConfigError;
use super::sources::Values;

/// The keys of the settings of this module, of which one at most may be set.
pub(super) const KEYS: [&str; 3] = ["jwt_secret", "jwt_public_key_file", "jwt_jwks_url"];

/// The key that verifies tokens. There is only one, so that no token can choose.
#[derive(Clone, Debug)]
pub enum JwtKey {
    /// A shared secret.
    Secret(SecretString),
    /// The file of a public key in PEM.
    PublicKeyFile(PathBuf),
    /// The URL where public keys are published.
    Published(String),
}

impl JwtKey {
    pub(super) fn resolve(values: &Values) -> Result<Option<Self>, ConfigError> {
        let mut set = KEYS.into_iter().filter(|key| values.text(key).is_some());
        if let (Some(first), Some(second)) = (set.next(), set.next()) {
            return Err(values.error(second, format!("{} is set too", values.name(first))));
        }
        if let Some(secret) = values.owned("jwt_secret") {
            return Ok(Some(Self::Secret(secret.into())));
        }
        if let Some(file) = values.text("jwt_public_key_file") {
            return Ok(Some(Self::PublicKeyFile(file.into())));
        }
        values.parse("jwt_jwks_url", published)
    }
}

/// Accepts `http://` on this machine only: on a network it would let others publish keys of their own.
fn published(url: &str) -> Result<JwtKey, &'static str> {
    let parsed = Uri::try_from(url).map_err(|_| "expected https://…")?;
    let host = parsed.host().unwrap_or("");
    let local = ["localhost", "127.0.0.1", "[::1]"].contains(&host);
    match parsed.scheme_str() {
        Some("https") if !host.is_empty() => Ok(JwtKey::Published(url.to_owned())),
        Some("http") if local => Ok(JwtKey::Published(url.to_owned())),
        Some("http") => Err("http:// is accepted for this machine only; expected https://…"),
        _ => Err("expected https://…"),
    }
}
