//! What tokens are verified with.

use std::path::PathBuf;

use http::Uri;
use secrecy::SecretString;

use super::ConfigError;

/// The key of tokens; never two of them, so that no token can choose.
#[derive(Clone, Debug)]
pub enum JwtKey {
    /// A shared secret.
    Secret(SecretString),
    /// The file of a public key in PEM.
    PublicKeyFile(PathBuf),
    /// Where public keys are published.
    Published(String),
}

impl JwtKey {
    pub(super) fn of(
        secret: Option<String>,
        file: Option<PathBuf>,
        url: Option<String>,
    ) -> Result<Option<Self>, ConfigError> {
        match (secret, file, url) {
            (None, None, None) => Ok(None),
            (Some(secret), None, None) => Ok(Some(Self::Secret(secret.into()))),
            (None, Some(file), None) => Ok(Some(Self::PublicKeyFile(file))),
            (None, None, Some(url)) => Self::published(url).map(Some),
            (Some(_), file, _) => {
                let other = if file.is_some() { "JWT_PUBLIC_KEY_FILE" } else { "JWT_JWKS_URL" };
                Err(ConfigError::new(other, "JWT_SECRET is set too"))
            }
            (None, Some(_), Some(_)) => {
                Err(ConfigError::new("JWT_JWKS_URL", "JWT_PUBLIC_KEY_FILE is set too"))
            }
        }
    }

    fn published(url: String) -> Result<Self, ConfigError> {
        let parsed =
            Uri::try_from(&url).map_err(|_| ConfigError::new("JWT_JWKS_URL", "expected https://…"))?;
        let host = parsed.host().unwrap_or("");
        // Whoever can change what comes over the wire could publish keys of his own.
        let here = ["localhost", "127.0.0.1", "[::1]"].contains(&host);
        match parsed.scheme_str() {
            Some("https") if !host.is_empty() => Ok(Self::Published(url)),
            Some("http") if here => Ok(Self::Published(url)),
            Some("http") => {
                Err(ConfigError::new("JWT_JWKS_URL", "http:// is for this machine; expected https://…"))
            }
            _ => Err(ConfigError::new("JWT_JWKS_URL", "expected https://…")),
        }
    }
}
