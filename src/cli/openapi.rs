//! `thermocline openapi`

use crate::config::Settings;
use crate::openapi::{Form, Version};
use crate::server;
use crate::web::ids::IdStyle;

/// Print the description of the API as OpenAPI in JSON
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  thermocline openapi --version 3.0 > openapi-3.0.json")]
pub struct Args {
    /// The version of OpenAPI
    #[arg(long, value_enum, default_value_t)]
    version: Version,
    /// Describe the API with `ids=string`: ids are texts
    #[arg(long)]
    ids_as_strings: bool,
}

/// Runs the command.
pub fn run(args: &Args, settings: &Settings) {
    let ids = if args.ids_as_strings { IdStyle::Text } else { IdStyle::Number };
    let form = Form { version: args.version, ids, base: settings.base_path.clone() };
    outln!("{:#}", server::openapi(&form));
}
