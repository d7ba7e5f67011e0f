//! The command line: one file a command. Reports go to standard output, progress and log lines to standard error.

// Its macros are for all that follow.
#[macro_use]
mod talk;

mod archive;
mod args;
mod check;
mod db;
mod demo;
mod health;
mod import;
mod look;
mod openapi;
mod ready;
mod serve;
mod tiers;
mod token;
mod wait;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{ArchivedResource, ConfigError, Flags, Settings};
use crate::resources;
use crate::telemetry;
use crate::telemetry::explain;

/// One HTTP API over a hot and a cold database, in which nobody can tell where a row lives or that it is moving.
///
/// With nothing configured both tiers are SQLite files in the current folder.
#[derive(Debug, Parser)]
#[command(
    name = "thermocline",
    version,
    about,
    max_term_width = 100,
    after_help = "\
Settings: flags over environment over thermocline.toml over defaults.
  HOT_DATABASE_URL                      sqlite:PATH, or
                                        mssql://USER:PASSWORD@HOST:PORT/DATABASE?encrypt=required|strict|off&ca=FILE
                                        &connect_timeout=SECONDS&write_timeout=SECONDS
  MSSQL_HOST, MSSQL_PORT, MSSQL_HOT_DATABASE, MSSQL_USER, MSSQL_SA_PASSWORD, MSSQL_ENCRYPT, MSSQL_CA
                                        the same in parts
  COLD_DATABASE_URL                     sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE,
                                        with ?pooler=transaction through a pooler,
                                        &write_timeout=SECONDS; or its parts in
                                        POSTGRES_HOST, POSTGRES_PORT, POSTGRES_COLD_DATABASE,
                                        POSTGRES_USER, POSTGRES_PASSWORD
  COLD_DATABASE_URL_DIRECT              past the pooler, for migrations
  COLD_DATABASE_REPLICA_URLS            read replicas, separated by commas
  JWT_SECRET                            at least 32 bytes
  JWT_ISSUER, JWT_AUDIENCE              checked in tokens when set
  THERMOCLINE_ADDR, THERMOCLINE_LOG, THERMOCLINE_REQUEST_TIMEOUT
  THERMOCLINE_MIGRATE                   auto: `serve` migrates servers too
  THERMOCLINE_TRIES                     how often `serve` looks for each database
  THERMOCLINE_ARCHIVE_SCHEDULE          when `serve` moves rows, in UTC: cron's five fields
  THERMOCLINE_ARCHIVE_OLDER_THAN, THERMOCLINE_ARCHIVE_{MESSAGES,POSTS,PRICES}_OLDER_THAN
                                        how old a row must be to move
  THERMOCLINE_ARCHIVE_BATCH, THERMOCLINE_ARCHIVE_PAUSE_MS, THERMOCLINE_ARCHIVE_MAX_HOT_LATENCY_MS,
  THERMOCLINE_ARCHIVE_PATIENCE          how gently it goes
  THERMOCLINE_ARCHIVE_AUDIT_RATE        rows of the archive `serve` looks at in a second for what is wrong

Exit status: 0 done, 1 failed, 2 wrong usage or settings.

Example:
  thermocline demo"
)]
struct Cli {
    #[command(flatten)]
    shared: Shared,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, clap::Args)]
struct Shared {
    /// The settings file [default: thermocline.toml, if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The hot tier, instead of `HOT_DATABASE_URL`
    #[arg(long, global = true, value_name = "URL")]
    hot: Option<String>,
    /// The cold tier, instead of `COLD_DATABASE_URL`
    #[arg(long, global = true, value_name = "URL")]
    cold: Option<String>,
    /// What to log: error, warn, info, debug, or a filter such as thermocline=debug
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
}

/// Why a command ended badly.
#[derive(Debug)]
enum Failure {
    /// Wrong usage or settings: exit status 2.
    Usage(String),
    /// It tried and failed: exit status 1.
    Failed(String),
    /// It has said so itself: exit status 1.
    Reported,
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl Failure {
    /// From any error, with its causes.
    fn of(error: impl std::error::Error) -> Self {
        Self::Failed(explain(&error))
    }
}

/// Runs the command line and says how it went.
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
    let done = match Settings::read(&flags, &archived_resources()) {
        Ok(settings) => {
            // What a command prints is its report; log lines are for what runs long.
            let long = match &command {
                Command::Serve(_) => true,
                Command::Archive(args) => args.is_watched_by_nobody(),
                _ => false,
            };
            let quiet = shared.log.is_none() && !long;
            telemetry::init(if quiet { "warn" } else { &settings.log });
            // Every command's state together is too much for a stack.
            Box::pin(execute(command, &settings, shared.json)).await
        }
        Err(error) => Err(error.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(text)) => {
            complain!("error: {text}");
            ExitCode::from(2)
        }
        Err(Failure::Failed(text)) => {
            complain!("error: {text}");
            ExitCode::FAILURE
        }
        Err(Failure::Reported) => ExitCode::FAILURE,
    }
}

async fn execute(command: Command, settings: &Settings, json: bool) -> Result<(), Failure> {
    match command {
        Command::Demo(args) => demo::run(args, settings, json).await,
        Command::Serve(_) => serve::run(settings).await,
        Command::Import(args) => import::run(args, settings, json).await,
        Command::Archive(args) => archive::run(args, settings, json).await,
        Command::Token(args) => token::run(&args, settings),
        Command::Openapi(_) => openapi::run(),
        Command::Check(_) => check::run(settings, json).await,
        Command::Health(args) => health::run(&args, settings, json).await,
        Command::Db(args) => db::run(args, settings, json).await,
    }
}

/// Returns the resources that settings may name.
fn archived_resources() -> [ArchivedResource; 3] {
    resources::families().map(|family| ArchivedResource {
        name: family.resource,
        has_activity: family.due_by_activity.is_some(),
    })
}

/// Prints a report as JSON.
fn print_json(report: &impl serde::Serialize) -> Result<(), Failure> {
    say!("{}", serde_json::to_string_pretty(report).map_err(Failure::of)?);
    Ok(())
}
