//! `thermocline archive status`

use serde::Serialize;

use super::{RESOURCES, due};
use crate::archive::status::{self, Status};
use crate::cli::tiers::Tiers;
use crate::cli::{Failure, print_json};
use crate::clock::Clock;
use crate::config::Settings;
use crate::resources;

/// Show how far rows have moved, what is due, and what is in the way; changes nothing
///
/// Works while cold is away, and says so.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  thermocline archive status --json")]
pub struct Args {
    /// Only this resource; may be given several times [messages, posts, prices]
    #[arg(long, value_parser = RESOURCES)]
    resource: Vec<String>,
    #[command(flatten)]
    due: due::Args,
}

#[derive(Debug, Serialize)]
struct Report {
    /// Why cold cannot be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    cold_is_away: Option<String>,
    resources: Vec<Status>,
}

/// Runs it.
pub async fn run(args: &Args, settings: &Settings, clock: &Clock, json: bool) -> Result<(), Failure> {
    let (tiers, cold_is_away) = Tiers::open_to_look(settings).await?;
    let wanted = |name| args.resource.is_empty() || args.resource.iter().any(|wanted| wanted == name);
    let mut report = Report { cold_is_away, resources: Vec::new() };
    for family in resources::families().into_iter().filter(|family| wanted(family.resource)) {
        let rule = args.due.rule(&settings.archive, family.resource);
        let status = status::status(&*tiers.hot, tiers.cold(), clock, family, rule).await;
        report.resources.push(status.map_err(Failure::of)?);
    }
    tiers.close().await;
    if json {
        return print_json(&report);
    }
    if let Some(fault) = &report.cold_is_away {
        say!("cold is away: {fault}");
    }
    report.resources.iter().for_each(print);
    Ok(())
}

fn print(status: &Status) {
    let Status { resource, epoch, rows_in_hot, due, lag_days, .. } = status;
    say!("{resource}: epoch {epoch}");
    let lag = if *due > 0 { format!(", the oldest for {lag_days:.1} days") } else { String::new() };
    say!("  hot      {rows_in_hot} rows, {due} due{lag}");
    if let Some(cold) = &status.cold {
        say!("  cold     {} rows", cold.rows);
        if let Some(last) = &cold.last {
            say!("  last     {} {}, {} rows, {}", last.kind, last.epoch, last.rows, last.finished);
        }
        if let Some(mover) = &cold.mover {
            say!("  at work  {} since {}, on move {}", mover.name, mover.since, mover.epoch);
        }
        if !cold.unconfirmed.is_empty() {
            say!("  not yet confirmed: {:?}", cold.unconfirmed);
        }
    }
    for reason in &status.waits {
        say!("  waits    {reason}");
    }
    if status.rejects.rows > 0 {
        say!("  rejects  {} rows cold cannot hold", status.rejects.rows);
        for reject in &status.rejects.newest {
            say!("           {}: {} ({})", reject.id, reject.reason, reject.at);
        }
    }
}
