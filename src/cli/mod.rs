//! The command line: one file for each command. Results go to standard output, progress and log lines to standard error.

// `println!` panics when standard output is closed.
#![warn(clippy::print_stdout, clippy::print_stderr)]

// First, because its macros are used by the modules below.
#[macro_use]
mod output;

mod archive;
mod args;
mod check;
mod completions;
mod connect;
mod db;
mod demo;
mod failure;
mod health;
mod import;
mod man;
mod openapi;
mod ops_server;
mod schema_setup;
mod serve;
pub mod tier_report;
mod tiers;
mod token;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::clock::{Clock, Timestamp};
use crate::config::{ArchivedResource, Flags, Settings};
use crate::resources::registry;
use crate::telemetry;
use failure::Failure;

/// One HTTP API over a hot and a cold database: clients cannot tell where a row is stored or that it is moving
///
/// Without settings, both tiers are SQLite files in the current folder.
#[derive(Debug, Parser)]
#[command(
    name = "thermocline",
    version,
    about,
    max_term_width = 100,
    after_help = "\
Settings: flags override environment variables, which override thermocline.toml.
  HOT_DATABASE_URL                      sqlite:PATH, or
                                        mssql://USER:PASSWORD@HOST:PORT/DATABASE?encrypt=required|strict|off&ca=FILE
                                        &connect_timeout=SECONDS&write_timeout=SECONDS,
                                        or a connection string of ADO.NET, ODBC, JDBC or SQLAlchemy
  MSSQL_HOST, MSSQL_PORT, MSSQL_HOT_DATABASE, MSSQL_USER, MSSQL_SA_PASSWORD, MSSQL_ACCESS_TOKEN_FILE,
  MSSQL_ENCRYPT, MSSQL_CA               the same in parts
  COLD_DATABASE_URL                     sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE,
                                        with ?pooler=transaction through a pooler,
                                        &write_timeout=SECONDS, or host=… dbname=…; or its parts in
                                        POSTGRES_HOST, POSTGRES_PORT, POSTGRES_COLD_DATABASE,
                                        POSTGRES_USER, POSTGRES_PASSWORD
  COLD_DATABASE_URL_DIRECT              for migrations, past the pooler
  COLD_DATABASE_REPLICA_URLS            read replicas, separated by commas
  JWT_SECRET                            at least 32 bytes
  JWT_PUBLIC_KEY_FILE, JWT_JWKS_URL     instead of the secret: a public key, or where an issuer publishes its keys
  JWT_ISSUER, JWT_AUDIENCE              checked in tokens when set
  JWT_USER_CLAIM, JWT_USER_LOOKUP       the claim with the user, and whether it holds an id, username or email
  JWT_SCOPE_CLAIM, JWT_ADMIN_SCOPE      the claim with the scope, and the word in it for admins
  JWT_SECRET_FILE, MSSQL_SA_PASSWORD_FILE, POSTGRES_PASSWORD_FILE, HOT_DATABASE_URL_FILE,
  COLD_DATABASE_URL_FILE, COLD_DATABASE_URL_DIRECT_FILE, COLD_DATABASE_REPLICA_URLS_FILE
                                        the same in a file
  CORS_ALLOWED_ORIGINS                  origins whose pages may read answers, separated by commas, or *
  THERMOCLINE_BASE_PATH                 the prefix of all paths, such as /thermocline
  THERMOCLINE_ADDR, THERMOCLINE_LOG, THERMOCLINE_REQUEST_TIMEOUT
  THERMOCLINE_MIGRATE                   auto: `serve` migrates servers too
  THERMOCLINE_TRIES                     how often `serve` tries to reach each database
  THERMOCLINE_ACCESS_LOG                off: no log line for each request
  THERMOCLINE_OPS_ADDR                  an address of its own for probes and metrics
  THERMOCLINE_SLOW_STATEMENT_MS         how long a statement must take to be logged as slow [default: 1000]
  THERMOCLINE_COLD_CACHE_MB             what `serve` keeps of cold in memory, in MiB; 0: nothing [default: 16]
  OTEL_EXPORTER_OTLP_ENDPOINT           where `serve` sends traces; the other variables of OpenTelemetry count too
  THERMOCLINE_MAX_CONNECTIONS, THERMOCLINE_MAX_REQUESTS, THERMOCLINE_MAX_REQUESTS_PER_CALLER,
  THERMOCLINE_RATE_PER_CALLER           limits of `serve`; 0: none. Defaults: 12000 connections or what open
                                        files leave, 512 requests or 16 for each read that the databases
                                        answer at once, a quarter of them and 1000 a second for each
                                        processor for one caller
  THERMOCLINE_MAX_STREAMS, THERMOCLINE_MAX_STREAMS_PER_CALLER
                                        open streams of changes; by default five sixths of the connections,
                                        and a quarter of that for one caller
  THERMOCLINE_HEADER_TIMEOUT, THERMOCLINE_IDLE_TIMEOUT, THERMOCLINE_WRITE_TIMEOUT,
  THERMOCLINE_SHUTDOWN_TIMEOUT          seconds: 10, 75, 30, 25
  THERMOCLINE_ARCHIVE_SCHEDULE          when `serve` moves rows, in UTC: cron's five fields
  THERMOCLINE_ARCHIVE_OLDER_THAN, THERMOCLINE_ARCHIVE_<RESOURCE>_OLDER_THAN
                                        how old a row must be to move
  THERMOCLINE_ARCHIVE_BATCH, THERMOCLINE_ARCHIVE_PAUSE_MS, THERMOCLINE_ARCHIVE_MAX_HOT_LATENCY_MS,
  THERMOCLINE_ARCHIVE_PATIENCE          limits on the load of moving rows
  THERMOCLINE_ARCHIVE_AUDIT_RATE        archived rows that `serve` audits in a second

Exit status: 0 success, 1 failure, 2 wrong usage or settings.

Example:
  thermocline demo"
)]
struct Cli {
    #[command(flatten)]
    shared: Shared,
    #[command(subcommand)]
    command: Command,
}

/// The flags of every command.
#[derive(Debug, clap::Args)]
struct Shared {
    /// The settings file [default: thermocline.toml, if it exists]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The hot tier, instead of `HOT_DATABASE_URL`
    #[arg(long, global = true, value_name = "URL")]
    hot: Option<String>,
    /// The cold tier, instead of `COLD_DATABASE_URL`
    #[arg(long, global = true, value_name = "URL")]
    cold: Option<String>,
    /// The log level: error, warn, info, debug, or a filter such as thermocline=debug
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
    /// Report as JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Args),
    Serve(serve::Args),
    Import(import::Args),
    Archive(archive::Args),
    Token(token::Args),
    Openapi(openapi::Args),
    Check(check::Args),
    Health(health::Args),
    Db(db::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// Runs the command line and returns the exit status.
pub async fn run() -> ExitCode {
    let Cli { shared, command } = Cli::parse();
    let flags = Flags {
        config: shared.config.clone(),
        hot: shared.hot.clone(),
        cold: shared.cold.clone(),
        log: shared.log.clone(),
        ..match &command {
            Command::Serve(args) => args.flags(),
            _ => Flags::default(),
        }
    };
    if let Err(text) = ensure_plausible(Clock::system().now()) {
        errln!("error: {text}");
        return ExitCode::FAILURE;
    }
    let done = match command {
        // They describe the program itself and work whatever the settings say.
        Command::Completions(args) => {
            completions::run(&args);
            Ok(())
        }
        Command::Man(args) => man::run(&args),
        command => with_settings(command, &flags, &shared).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(text)) => {
            errln!("error: {text}");
            ExitCode::from(2)
        }
        Err(Failure::Failed(text)) => {
            errln!("error: {text}");
            ExitCode::FAILURE
        }
        Err(Failure::Reported) => ExitCode::FAILURE,
    }
}

async fn with_settings(command: Command, flags: &Flags, shared: &Shared) -> Result<(), Failure> {
    match Settings::read(flags, &archived_resources()) {
        Ok(settings) => {
            // Short commands print results; log lines are for long-running ones.
            let long = match &command {
                Command::Serve(_) => true,
                Command::Archive(args) => args.runs_unattended(),
                _ => false,
            };
            let quiet = shared.log.is_none() && !long;
            telemetry::init(if quiet { "warn" } else { &settings.log });
            // The states of all commands together are too large for the stack.
            Box::pin(execute(command, &settings, shared.json)).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn execute(command: Command, settings: &Settings, json: bool) -> Result<(), Failure> {
    match command {
        Command::Demo(args) => demo::run(args, settings, json).await,
        Command::Serve(_) => serve::run(settings).await,
        Command::Import(args) => import::run(args, settings, json).await,
        Command::Archive(args) => archive::run(args, settings, json).await,
        Command::Token(args) => token::run(&args, settings),
        Command::Openapi(args) => {
            openapi::run(&args, settings);
            Ok(())
        }
        Command::Check(_) => check::run(settings, json).await,
        Command::Health(args) => health::run(&args, settings, json).await,
        Command::Db(args) => db::run(args, settings, json).await,
        Command::Completions(_) | Command::Man(_) => Ok(()),
    }
}

/// Refuses a clock that was never set: rows, tokens and moves would be dated wrongly.
fn ensure_plausible(now: Timestamp) -> Result<(), String> {
    if now < Timestamp::default() {
        return Err(format!("the machine's clock says {now}, which is before 1970; set it"));
    }
    Ok(())
}

/// Returns the resources that settings may name.
fn archived_resources() -> Vec<ArchivedResource> {
    let moving = registry::moving().filter_map(|resource| Some((resource.name, resource.moves.as_ref()?)));
    moving.map(|(name, moves)| ArchivedResource { name, has_activity: moves.due_by_activity }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_before_1970_is_refused() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        assert!(ensure_plausible(at("1970-01-01")).is_ok());
        let text = ensure_plausible(at("1969-12-31T23:59:59Z")).expect_err("never set");
        assert!(text.contains("1969-12-31"), "{text}");
    }
}
