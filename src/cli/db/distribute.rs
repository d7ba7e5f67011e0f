//! `thermocline db distribute`

use serde::Serialize;

use super::target;
use crate::archive::adopt;
use crate::cli::failure::Failure;
use crate::cli::output::print_json;
use crate::cli::schema_setup;
use crate::config::Settings;
use crate::schema::spread::{self, Shards};
use crate::tier::Schema;

/// Spread the tables of cold over the workers of Citus
///
/// Each row goes to one worker, by its conversation, post, stock or user; the journal gets a copy on each. All of it is one
/// transaction: movers wait, readers go on with what was before. Running it again places only what is not placed yet. Restart
/// the servers afterwards. `db check` and `serve` refuse a database of which only a part is spread.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The extension citus must be there, and the workers added, before.

Examples:
  thermocline db distribute --citus --dry-run
  thermocline db distribute --citus --shards 64")]
pub struct Args {
    /// With Citus, the only way so far
    #[arg(long, required = true)]
    citus: bool,
    /// Print the statements, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// The shards of messages, prices and behaviour
    #[arg(long, value_name = "N", default_value = "32", value_parser = clap::value_parser!(u32).range(1..=4096))]
    shards: u32,
    /// The shards of posts, all of which a list of posts asks [default: one a worker]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    post_shards: Option<u32>,
}

/// The changes to cold.
#[derive(Debug, Serialize)]
struct Report {
    /// The tables that were local.
    placed: Vec<&'static str>,
    /// Whether functions that read a shard were missing, or of another version.
    has_new_functions: bool,
    /// The statements, in the order in which they are sent.
    statements: Vec<String>,
    dry_run: bool,
}

/// Runs the command.
pub async fn run(args: &Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let cold = target::open_cold_postgres(settings, "only a PostgreSQL with Citus has workers").await?;
    let report = distribute(&*cold, args).await;
    cold.close().await;
    let report = report?;
    if json {
        return print_json(&report);
    }
    if args.dry_run {
        report.statements.iter().for_each(|statement| outln!("{statement};"));
    } else if report.statements.is_empty() {
        outln!("cold: spread already, nothing to do");
    } else if report.placed.is_empty() && report.has_new_functions {
        outln!("cold: spread already; made the functions that read a shard; restart the servers");
    } else if report.placed.is_empty() {
        outln!("cold: spread already; removed the rows that an earlier run had left on the coordinator");
    } else {
        outln!("cold: spread {}; restart the servers", report.placed.join(", "));
    }
    Ok(())
}

async fn distribute(cold: &dyn Schema, args: &Args) -> Result<Report, Failure> {
    schema_setup::prepare(cold, false).await?;
    let Some(placements) = spread::read(cold).await.map_err(Failure::of)? else {
        return Err(Failure::Usage("cold: the database lacks the extension citus".to_owned()));
    };
    let records = cold.fetch(spread::sql::workers(), &[]).await.map_err(Failure::of)?;
    let workers = records.first().map_or(Ok(0), |record| record.int("n")).map_err(Failure::of)?;
    if workers == 0 {
        return Err(Failure::Usage("cold: no worker was added to Citus".to_owned()));
    }
    let waiting = adopt::unfinished(cold).await.map_err(Failure::of)?;
    if !waiting.is_empty() {
        return Err(Failure::Usage(format!("cold: the adoption of {} is not done", waiting.join(", "))));
    }
    let missing = spread::missing(&placements).map_err(|wrong| {
        let wrong = schema_setup::listed(&wrong);
        Failure::Failed(format!("cold is spread in another way, which nothing here changes:{wrong}"))
    })?;
    let functions = spread::functions::missing(&spread::functions::read(cold).await.map_err(Failure::of)?);
    let of_posts = args.post_shards.map_or(workers, i64::from);
    let report = Report {
        placed: missing.iter().map(|(table, _)| *table).collect(),
        has_new_functions: !functions.is_empty(),
        statements: spread::plan(
            &missing,
            &placements,
            &functions,
            Shards { most: args.shards.into(), of_posts },
        ),
        dry_run: args.dry_run,
    };
    if !args.dry_run {
        target::run_all(cold, &report.statements).await?;
    }
    Ok(report)
}
