//! Tokens: the key that verifies them, and what their claims mean.

use std::path::PathBuf;

use http::Uri;
use secrecy::SecretString;

use super::error::ConfigError;
use super::sources::{Setting, Values};
use crate::web::auth::{ClaimSettings, UserLookup};

/// The settings of keys, of which one at most may be set.
const KEYS: [&str; 3] = ["jwt_secret", "jwt_public_key_file", "jwt_jwks_url"];
/// The settings of claims.
const CLAIMS: [&str; 6] =
    ["jwt_issuer", "jwt_audience", "jwt_user_claim", "jwt_user_lookup", "jwt_scope_claim", "jwt_admin_scope"];

/// Returns the settings of this module.
pub(super) fn settings() -> impl Iterator<Item = Setting> {
    let secret = |key: &str| key == "jwt_secret";
    KEYS.into_iter().chain(CLAIMS).map(move |key| Setting::shared(key).secret_if(secret(key)))
}

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

/// Reads where the claims of a token name its user and its rights.
pub(super) fn claims(values: &Values) -> Result<ClaimSettings, ConfigError> {
    let path = |path: &str| match path {
        _ if path.split('.').any(str::is_empty) => Err("expected the dotted path of a claim"),
        _ => Ok(path.to_owned()),
    };
    let word = |word: &str| match word {
        _ if word.is_empty() || word.contains(' ') => Err("expected one word"),
        _ => Ok(word.to_owned()),
    };
    let lookup = |column: &str| match column {
        "id" => Ok(UserLookup::Id),
        "username" => Ok(UserLookup::Username),
        "email" => Ok(UserLookup::Email),
        _ => Err("expected id, username or email"),
    };
    Ok(ClaimSettings {
        user: values.parse("jwt_user_claim", path)?,
        lookup: values.parse("jwt_user_lookup", lookup)?.unwrap_or_default(),
        scope: values.parse("jwt_scope_claim", path)?,
        admin: values.parse("jwt_admin_scope", word)?,
    })
}
