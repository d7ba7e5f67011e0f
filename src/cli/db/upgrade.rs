//! `thermocline db upgrade`

use serde::Serialize;

use super::target::{TierChoice, parse_version, steps};
use crate::cli::connect;
use crate::cli::failure::Failure;
use crate::cli::output::print_json;
use crate::cli::schema_setup::feed_is_wanted;
use crate::clock::Clock;
use crate::config::Settings;
use crate::journal;
use crate::tier::{Schema, migrate};

/// Apply the pending migrations
///
/// Each migration and its record are one transaction: one that fails is rolled back, and those before it stay.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  thermocline db upgrade\n  thermocline db upgrade 2 --tier hot\n  thermocline db upgrade --live"
)]
pub struct Args {
    /// The number or name of the version to reach
    #[arg(default_value = "head")]
    to: String,
    /// The tier
    #[arg(long, value_enum, default_value = "both")]
    tier: TierChoice,
    /// Add the change feed to hot, which embedded files have anyway
    #[arg(long)]
    live: bool,
}

/// The changes to a schema.
#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    upgraded: migrate::Upgraded,
    /// Whether the change feed was added.
    live_added: bool,
}

/// The cost of the change feed on a server.
const COSTS: &str = "hot: adding the change feed. Each message gets a column `live_version` (8 bytes) and a place in the index \
    `messages_live`; writers of messages wait until both are written. From then on an INSERT into messages without a list of columns \
    fails.";

/// Runs the command.
pub async fn run(args: &Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let mut wanted = Vec::new();
    for (tier, location) in args.tier.locations(settings)? {
        wanted.push((tier, location, parse_version(tier, steps(tier, location), &args.to)?));
    }
    let mut reports = Vec::new();
    for (tier, location, to) in wanted {
        let database = connect::open(tier, location).await?;
        let done = upgrade(&*database, to, args.live.then_some(true).or(settings.live), json).await;
        database.close().await;
        let Report { upgraded: report, live_added } = done?;
        if !json {
            match report.applied.as_slice() {
                [] => outln!("{tier}: version {}, nothing to do", report.to),
                applied => {
                    outln!("{tier}: version {} to {}: {}", report.from, report.to, applied.join(", "));
                }
            }
            if live_added {
                outln!("{tier}: added the change feed");
            }
        }
        reports.push(Report { upgraded: report, live_added });
    }
    if json { print_json(&reports) } else { Ok(()) }
}

/// Applies the migrations up to `to` and, with the newest, adds the change feed where it is wanted.
async fn upgrade(database: &dyn Schema, to: i64, live: Option<bool>, json: bool) -> Result<Report, Failure> {
    let upgraded = migrate::upgrade_to(database, Some(to)).await.map_err(Failure::of)?;
    let live_added = to == migrate::newest(database) && add_feed(database, live, json).await?;
    Ok(Report { upgraded, live_added })
}

/// Adds the change feed where it is wanted, and says before what it costs on a server. Returns whether it was added.
pub async fn add_feed(database: &dyn Schema, live: Option<bool>, json: bool) -> Result<bool, Failure> {
    if !feed_is_wanted(database, live) || journal::live::kind(database).await.map_err(Failure::of)?.is_some()
    {
        return Ok(false);
    }
    if !database.is_embedded() && !json {
        outln!("{COSTS}");
    }
    migrate::live::install(database, Clock::system().draw()).await.map_err(Failure::of)
}
