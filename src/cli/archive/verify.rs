//! `thermocline archive verify`

use serde::Serialize;

use super::mover::stop_on_signal;
use super::resources::ResourceArgs;
use crate::archive::Family;
use crate::archive::auditor::Auditor;
use crate::archive::verify::{Verifier, VerifyReport};
use crate::cli::args;
use crate::cli::failure::Failure;
use crate::cli::output::print_json;
use crate::cli::tiers::Tiers;
use crate::clock::Clock;
use crate::tier::Engine;

/// Check that cold still has every archived row, and that no row is in both tiers
///
/// Changes nothing. Reads every batch of the journal, counts every block, and finds the tier of each archived row. Rows may
/// move meanwhile. The exit status is 1 if anything is wrong.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  thermocline archive verify
  thermocline archive verify --resource posts --batch 42
  thermocline archive verify --continuous --rate 500")]
pub struct Args {
    #[command(flatten)]
    resources: ResourceArgs,
    /// Only the batch with this number
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(1..))]
    batch: Option<i64>,
    /// Check random parts until stopped
    #[arg(long, conflicts_with = "batch")]
    pub continuous: bool,
    /// Rows to check in a second, with --continuous
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
}

#[derive(Debug, Serialize)]
struct Verified {
    violations: usize,
    resources: Vec<VerifyReport>,
}

/// Runs the command.
pub async fn run(args: &Args, tiers: &Tiers, clock: &Clock, json: bool) -> Result<(), Failure> {
    let cold = tiers.need_cold()?;
    let families = args.resources.families();
    let mut reports = Vec::new();
    if args.continuous {
        let auditor = Auditor { hot: &*tiers.hot, cold, clock, families: &families, rate: args.rate };
        reports = auditor.run(&stop_on_signal()).await;
    } else {
        check_known(args.batch, &*tiers.hot, cold, &families).await?;
        for family in families {
            let bar = args::bar(family.resource, 0, false);
            let mut progress =
                |report: &VerifyReport| bar.set_position((report.rows + report.blocks).cast_unsigned());
            let verifier = Verifier { hot: &*tiers.hot, cold, family };
            reports.push(verifier.run(args.batch, &mut progress).await.map_err(Failure::of)?);
            bar.finish_and_clear();
        }
    }
    let verified =
        Verified { violations: reports.iter().map(|report| report.violations).sum(), resources: reports };
    if json {
        print_json(&verified)?;
    } else {
        verified.resources.iter().for_each(print);
    }
    if verified.violations > 0 {
        return Err(Failure::Reported);
    }
    Ok(())
}

/// Refuses a batch that is in the journal of none of these resources.
pub(super) async fn check_known(
    batch: Option<i64>,
    hot: &dyn Engine,
    cold: &dyn Engine,
    families: &[&'static Family],
) -> Result<(), Failure> {
    let Some(batch) = batch else { return Ok(()) };
    for family in families {
        if (Verifier { hot, cold, family }).has_batch(batch).await.map_err(Failure::of)? {
            return Ok(());
        }
    }
    Err(Failure::Failed(format!("the journal has no batch {batch}")))
}

fn print(report: &VerifyReport) {
    let VerifyReport { resource, batches, rows, blocks, violations, found, seconds } = report;
    let verdict = if *violations == 0 { "sound".to_owned() } else { format!("{violations} VIOLATIONS") };
    outln!("{resource}: {verdict}; {batches} batches of {rows} rows, {blocks} blocks, {seconds:.1} s");
    for violation in found {
        let batch = violation.batch.map_or(String::new(), |batch| format!(" batch {batch}:"));
        outln!("  {}:{batch} {}", violation.kind, violation.detail);
    }
    if *violations > found.len() {
        outln!("  and {} more", violations - found.len());
    }
}
