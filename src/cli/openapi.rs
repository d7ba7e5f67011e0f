//! `thermocline openapi`

use super::failure::Failure;
use crate::server;

/// Print the description of the API as OpenAPI in JSON
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  thermocline openapi > openapi/openapi.json")]
pub struct Args;

/// Runs the command.
pub fn run() -> Result<(), Failure> {
    outln!("{}", server::openapi().to_pretty_json().map_err(Failure::of)?);
    Ok(())
}
