//! `thermocline db hypertable`

use serde::Serialize;

use crate::cli::connect;
use crate::cli::failure::Failure;
use crate::cli::output::print_json;
use crate::cli::schema_setup;
use crate::config::Settings;
use crate::schema::Dialect;
use crate::schema::spread::hypertable;
use crate::telemetry::explain;
use crate::tier::{Schema, Tier};

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
    let Some(location) = settings.cold.as_ref().filter(|location| location.dialect() == Dialect::Postgres)
    else {
        return Err(Failure::Usage("COLD_DATABASE_URL: only a PostgreSQL has hypertables".to_owned()));
    };
    let cold = connect::open(Tier::Cold, location).await?;
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
    if args.dry_run || statements.is_empty() {
        return Ok(statements);
    }
    let mut direct = cold.migrating().await.map_err(Failure::of)?;
    for statement in &statements {
        if let Err(stop) = direct.run(statement).await {
            direct.close().await;
            return Err(Failure::Failed(format!("cold: {statement}: {}", explain(&*stop.source))));
        }
    }
    direct.close().await;
    Ok(statements)
}
