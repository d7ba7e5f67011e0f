//! `thermocline token`

use std::sync::Arc;

use super::{Failure, args};
use crate::clock::Clock;
use crate::config::Settings;
use crate::web::auth::{AuthSettings, KeySource, Verifier};

/// Print a token, alone, for scripts
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  curl -H \"Authorization: Bearer $(thermocline token --user 42)\" localhost:8080/api/conversations"
)]
pub struct Args {
    /// The user the token is for
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..))]
    user: i64,
    /// Scopes, separated by spaces; `admin` may read every conversation
    #[arg(long)]
    scope: Option<String>,
    /// How long it holds
    #[arg(long, default_value = "1h", value_parser = args::span)]
    ttl: i64,
}

/// The verifier of the settings' secret.
pub fn verifier(settings: &Settings, clock: &Clock) -> Result<Arc<Verifier>, Failure> {
    let secret = settings.jwt_secret.clone();
    let secret = secret
        .ok_or_else(|| Failure::Usage("JWT_SECRET: not set; at least 32 bytes are needed".to_owned()))?;
    let auth = AuthSettings {
        key: KeySource::Secret(secret),
        issuer: settings.jwt_issuer.clone(),
        audience: settings.jwt_audience.clone(),
    };
    let verifier = Verifier::new(auth, clock.clone());
    verifier.map(Arc::new).map_err(|error| Failure::Usage(format!("JWT_SECRET: {error}")))
}

/// Runs it.
pub fn run(args: &Args, settings: &Settings) -> Result<(), Failure> {
    let verifier = verifier(settings, &Clock::system())?;
    let token = verifier.issue(args.user, args.scope.as_deref(), args.ttl / 1_000_000);
    println!("{}", token.map_err(Failure::of)?);
    Ok(())
}
