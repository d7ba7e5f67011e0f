//! `thermocline db auto`

use super::target::TierChoice;
use super::{adopt, upgrade};
use crate::adopt::AdoptionReport;
use crate::archive::adopt as archive;
use crate::cli::connect;
use crate::cli::failure::Failure;
use crate::cli::output::print_json;
use crate::cli::schema_setup::{SetupReport, bring_up_to_date};
use crate::config::Settings;
use crate::tier::Tier;

/// Wait for the databases, then create, adopt or upgrade their schemas and verify them, for the start of a container
///
/// Tables without a version table are recorded if they are those of a version. The tables of a live platform in a SQL
/// Server are adopted. Anything else is refused with a list of differences. Nothing is overwritten. Several processes may
/// run this at once.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  thermocline db auto && thermocline serve")]
pub struct Args {
    /// The tier
    #[arg(long, value_enum, default_value = "both")]
    tier: TierChoice,
    /// The number of attempts to reach each database [default: 30]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    tries: Option<u32>,
}

/// Runs the command.
pub async fn run(args: &Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let mut reports = Vec::new();
    let is_pair = args.tier == TierChoice::Both && settings.cold.is_some();
    for (tier, location) in args.tier.locations(settings)? {
        let tries = args.tries.unwrap_or(settings.tries);
        let database = connect::wait(tier, location, tries, &mut |attempt| errln!("{attempt}")).await?;
        if tier == Tier::Cold && is_pair {
            adopt::set_aside(&*database).await?;
        }
        let done = async {
            let report = bring_up_to_date(&*database, true).await?;
            Ok((report, upgrade::add_feed(&*database, settings.live, json).await?))
        };
        let done: Result<_, Failure> = done.await;
        database.close().await;
        let (report, live_added) = done?;
        if !json {
            print(&report);
            if live_added {
                outln!("{tier}: added the change feed");
            }
        }
        reports.push(report);
    }
    if is_pair {
        let adoption = adopt_archive(settings).await?;
        if let Some(report) = adoption.as_ref().filter(|_| !json) {
            adopt::print(report, false)?;
        }
        if let Some(cold) = reports.iter_mut().find(|report| report.upgraded.tier == Tier::Cold.name()) {
            cold.adoption = adoption;
        }
    }
    if json { print_json(&reports) } else { Ok(()) }
}

/// Adopts the archive of a platform that was set aside, if there is one.
async fn adopt_archive(settings: &Settings) -> Result<Option<AdoptionReport>, Failure> {
    let Some(location) = &settings.cold else { return Ok(None) };
    let cold = connect::open(Tier::Cold, location).await?;
    let waiting = archive::unfinished(&*cold).await.map_err(Failure::of)?;
    let mut report = None;
    if !waiting.is_empty() {
        let hot = connect::open(Tier::Hot, &settings.hot).await?;
        report = Some(adopt::complete(&*hot, &*cold, None).await?);
        hot.close().await;
    }
    cold.close().await;
    Ok(report)
}

fn print(SetupReport { adopted, upgraded, differs, .. }: &SetupReport) {
    let (tier, to) = (upgraded.tier, upgraded.to);
    if let Some(version) = adopted {
        outln!("{tier}: found the tables of version {version}, and recorded it");
    }
    match upgraded.applied.as_slice() {
        [] => outln!("{tier}: version {to}, nothing to do"),
        applied => outln!("{tier}: version {} to {to}: {}", upgraded.from, applied.join(", ")),
    }
    for text in differs {
        outln!("{tier}: {text}");
    }
}
