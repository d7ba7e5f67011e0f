//! `thermocline openapi`

use super::Failure;
use crate::server;

/// Print the description of the API (OpenAPI, JSON)
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  thermocline openapi > openapi/openapi.json")]
pub struct Args;

/// Runs it.
pub fn run() -> Result<(), Failure> {
    say!("{}", server::openapi().to_pretty_json().map_err(Failure::of)?);
    Ok(())
}
