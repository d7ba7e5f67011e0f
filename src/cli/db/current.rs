//! `thermocline db current`

use serde::Serialize;

use super::target::{TierChoice, open_existing, steps, version_name};
use crate::cli::failure::Failure;
use crate::cli::output::print_json;
use crate::config::Settings;
use crate::telemetry::explain;
use crate::tier::migrate::{self, Step};

/// Show the version of each schema
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  thermocline db current --json")]
pub struct Args {
    /// The tier
    #[arg(long, value_enum, default_value = "both")]
    tier: TierChoice,
}

#[derive(Debug, Serialize)]
struct Current {
    tier: &'static str,
    place: String,
    /// 0 without a version table.
    version: i64,
    newest: i64,
    pending: Vec<&'static str>,
    /// Why no migration can be applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
}

/// Runs the command.
pub async fn run(args: &Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let mut report = Vec::new();
    for (tier, location) in args.tier.locations(settings)? {
        let steps = steps(tier, location);
        let (mut rows, mut fault) = (Vec::new(), None);
        if let Some(database) = open_existing(tier, location).await? {
            rows = database.recorded().await.map_err(Failure::of)?.unwrap_or_default();
            fault = migrate::verify(&*database, &rows).err().map(|fault| explain(&fault));
            database.close().await;
        }
        let pending = steps.iter().filter(|step| rows.iter().all(|row| row.version != step.version()));
        let current = Current {
            tier: tier.name(),
            place: location.to_string(),
            version: migrate::stands(&rows),
            newest: steps.last().map_or(0, Step::version),
            pending: pending.map(Step::name).collect(),
            fault,
        };
        if !json {
            let version =
                if current.version == 0 { "base".to_owned() } else { version_name(steps, current.version) };
            match (&current.fault, current.pending.as_slice()) {
                (Some(fault), _) => outln!("{tier}: {version}; {fault}"),
                (None, []) => outln!("{tier}: {version} (head)"),
                (None, pending) => outln!("{tier}: {version}; pending: {}", pending.join(", ")),
            }
        }
        report.push(current);
    }
    if json { print_json(&report) } else { Ok(()) }
}
