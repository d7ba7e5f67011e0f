//! `thermocline db hypertable`

use serde::Serialize;

use super::target;
use crate::cli::failure::Failure;
use crate::cli::output::print_json;
use crate::cli::schema_setup;
use crate::config::Settings;
use crate::schema::spread::hypertable;
use crate::tier::Schema;

/// Cut the archived messages and prices into chunks by time, with TimescaleDB
///
/// Each table becomes a hypertable with its rows, in a transaction of its own; readers and movers wait meanwhile. Running it again
/// cuts only what is not cut yet. `db check` names tables that are cut in another way.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The extension timescaledb must be there before.

Examples:
  thermocline db hypertable --dry-run
  thermocline db hypertable --yes")]
pub struct Args {
    /// Print the statements, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Change the tables
    #[arg(long, required_unless_present = "dry_run", conflicts_with = "dry_run")]
    yes: bool,
}

/// The changes to cold.
#[derive(Debug, Serialize)]
struct Report {
    /// The statements, in the order in which they are sent.
    statements: Vec<String>,
    dry_run: bool,
}

/// Runs the command.
pub async fn run(args: &Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let cold = target::open_cold_postgres(settings, "only a PostgreSQL has hypertables").await?;
    let statements = cut(&*cold, args).await;
    cold.close().await;
    let report = Report { statements: statements?, dry_run: args.dry_run };
    if json {
        return print_json(&report);
    }
    match (report.statements.as_slice(), args.dry_run) {
        ([], _) => outln!("cold: cut already, nothing to do"),
        (statements, true) => statements.iter().for_each(|statement| outln!("{statement};")),
        (statements, false) => outln!("cold: cut {} tables into chunks", statements.len()),
    }
    Ok(())
}

async fn cut(cold: &dyn Schema, args: &Args) -> Result<Vec<String>, Failure> {
    schema_setup::prepare(cold, false).await?;
    let Some(tables) = hypertable::read(cold).await.map_err(Failure::of)? else {
        return Err(Failure::Usage("cold: the database lacks the extension timescaledb".to_owned()));
    };
    if cold.is_spread() {
        return Err(Failure::Usage("cold: its tables are spread over workers already".to_owned()));
    }
    let statements = hypertable::plan(&tables);
    if !args.dry_run {
        target::run_all(cold, &statements).await?;
    }
    Ok(statements)
}
