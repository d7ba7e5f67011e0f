//! `thermocline token`

use std::sync::Arc;
use std::time::Duration;

use super::args;
use super::failure::Failure;
use crate::clock::Clock;
use crate::config::{JwtKey, Settings};
use crate::telemetry::explain;
use crate::web::auth::{AuthSettings, IssueError, KeySource, Verifier};

/// The pause between two attempts to fetch published keys.
const PAUSE: Duration = Duration::from_secs(1);

/// Print a token and nothing else, for scripts
///
/// It is signed with `JWT_SECRET`. With public keys, tokens come from the owner of the private key.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  curl -H \"Authorization: Bearer $(thermocline token --user 42)\" localhost:8080/api/conversations"
)]
pub struct Args {
    /// The user the token is for: an id or, with `JWT_USER_LOOKUP`, a name or an email address
    #[arg(long)]
    user: String,
    /// Scopes, separated by spaces; `admin` may read every conversation, `messages:read`, `posts:read` and `prices:read` restrict the token to those
    #[arg(long)]
    scope: Option<String>,
    /// The time for which the token is valid
    #[arg(long, default_value = "1h", value_parser = args::span)]
    ttl: i64,
}

/// Returns the verifier for the key of the settings. Published keys are not fetched yet.
pub fn verifier(settings: &Settings, clock: &Clock) -> Result<Arc<Verifier>, Failure> {
    let key = settings.jwt_key.clone();
    let key = key.ok_or_else(|| {
        Failure::Usage(
            "JWT_SECRET: not set; set it to at least 32 bytes, or set JWT_PUBLIC_KEY_FILE or JWT_JWKS_URL"
                .to_owned(),
        )
    })?;
    let (name, key) = match key {
        JwtKey::Secret(secret) => ("JWT_SECRET", KeySource::Secret(secret)),
        JwtKey::PublicKeyFile(file) => {
            let pem = std::fs::read(&file).map_err(|error| {
                Failure::Usage(format!("JWT_PUBLIC_KEY_FILE: {} cannot be read: {error}", file.display()))
            })?;
            ("JWT_PUBLIC_KEY_FILE", KeySource::PublicKey(pem))
        }
        JwtKey::Published(url) => ("JWT_JWKS_URL", KeySource::Published(url)),
    };
    let (issuer, audience) = (settings.jwt_issuer.clone(), settings.jwt_audience.clone());
    let verifier = Verifier::new(AuthSettings { key, issuer, audience }, clock.clone())
        .map_err(|error| Failure::Usage(format!("{name}: {error}")))?;
    Ok(Arc::new(verifier.reading(settings.jwt_claims.clone())))
}

/// Fetches published keys with up to `tries` attempts: the issuer may still be starting.
pub async fn fetch_keys(verifier: &Verifier, tries: u32) -> Result<(), Failure> {
    let mut tried = 1;
    loop {
        let Err(error) = verifier.fetch_keys().await else { return Ok(()) };
        let why = explain(&error);
        if tried >= tries {
            return Err(Failure::Failed(format!("JWT_JWKS_URL: {why}")));
        }
        tracing::warn!(tried, tries, why, "waiting for the published keys");
        tokio::time::sleep(PAUSE).await;
        tried += 1;
    }
}

/// Runs the command.
pub fn run(args: &Args, settings: &Settings) -> Result<(), Failure> {
    let verifier = verifier(settings, &Clock::system())?;
    match verifier.issue_for(&args.user, args.scope.as_deref(), args.ttl / 1_000_000) {
        Ok(token) => outln!("{token}"),
        Err(error @ IssueError::BadUser(_)) => return Err(Failure::Usage(format!("--user: {error}"))),
        Err(error) => return Err(Failure::of(error)),
    }
    Ok(())
}
