//! `thermocline db current`

use serde::Serialize;

use super::{Which, existing, shown, steps};
use crate::cli::{Failure, print_json, tiers};
use crate::config::Settings;
use crate::telemetry::explain;
use crate::tier::migrate::{self, Step};

/// Show the version each schema stands at
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  thermocline db current --json")]
pub struct Args {
    /// Which tier
    #[arg(long, value_enum, default_value = "both")]
    tier: Which,
}

#[derive(Debug, Serialize)]
struct Current {
    tier: &'static str,
    place: String,
    /// 0 without a version table.
    version: i64,
    newest: i64,
    pending: Vec<&'static str>,
    /// Why nothing can be applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
}

/// Runs it.
pub async fn run(args: &Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let mut report = Vec::new();
    for (tier, place) in args.tier.places(settings)? {
        let steps = steps(tier, place);
        let (mut rows, mut fault) = (Vec::new(), None);
        if let Some(database) = existing(tier, place).await? {
            rows = database.recorded().await.map_err(Failure::of)?.unwrap_or_default();
            fault = migrate::verify(&*database, &rows).err().map(|fault| explain(&fault));
            database.close().await;
        }
        let pending = steps.iter().filter(|step| rows.iter().all(|row| row.version != step.version()));
        let current = Current {
            tier: tier.name(),
            place: tiers::describe(tier, place)?,
            version: migrate::stands(&rows),
            newest: steps.last().map_or(0, Step::version),
            pending: pending.map(Step::name).collect(),
            fault,
        };
        if !json {
            let stands = if current.version == 0 { "base".to_owned() } else { shown(steps, current.version) };
            match (&current.fault, current.pending.as_slice()) {
                (Some(fault), _) => say!("{tier}: {stands}; {fault}"),
                (None, []) => say!("{tier}: {stands} (head)"),
                (None, pending) => say!("{tier}: {stands}; pending: {}", pending.join(", ")),
            }
        }
        report.push(current);
    }
    if json { print_json(&report) } else { Ok(()) }
}
