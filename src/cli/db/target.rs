//! The tiers and the versions that a command is about, and statements for a cold tier in PostgreSQL.

use std::sync::Arc;

use clap::ValueEnum;

use crate::cli::connect;
use crate::cli::failure::Failure;
use crate::config::Settings;
use crate::schema::{self, Dialect};
use crate::telemetry::explain;
use crate::tier::migrate::Step;
use crate::tier::{Schema, Tier, TierLocation};

/// The value of `--tier`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TierChoice {
    Hot,
    Cold,
    Both,
}

impl TierChoice {
    /// Returns the chosen tiers that are configured.
    pub fn locations(self, settings: &Settings) -> Result<Vec<(Tier, &TierLocation)>, Failure> {
        let mut locations = Vec::new();
        if self != Self::Cold {
            locations.push((Tier::Hot, &settings.hot));
        }
        if self != Self::Hot {
            match &settings.cold {
                Some(location) => locations.push((Tier::Cold, location)),
                None if self == Self::Cold => {
                    return Err(Failure::Usage("COLD_DATABASE_URL: not set".to_owned()));
                }
                None => {}
            }
        }
        Ok(locations)
    }
}

/// Returns the migrations of a tier on the engine of `location`.
pub fn steps(tier: Tier, location: &TierLocation) -> &'static [Step] {
    schema::of(tier).steps(location.dialect())
}

/// Opens a tier; `None` for an embedded file that does not exist, which is not created.
pub async fn open_existing(tier: Tier, location: &TierLocation) -> Result<Option<Arc<dyn Schema>>, Failure> {
    match location.path() {
        Some(file) if !file.is_file() => Ok(None),
        _ => connect::open(tier, location).await.map(Some),
    }
}

/// Opens a cold tier in PostgreSQL. With any other, fails with what only PostgreSQL has.
pub async fn open_cold_postgres(settings: &Settings, only: &str) -> Result<Arc<dyn Schema>, Failure> {
    match settings.cold.as_ref().filter(|location| location.dialect() == Dialect::Postgres) {
        Some(location) => connect::open(Tier::Cold, location).await,
        None => Err(Failure::Usage(format!("COLD_DATABASE_URL: {only}"))),
    }
}

/// Runs statements in this order on the connection that holds the migration lock, and stops at the first that fails.
pub async fn run_all(database: &dyn Schema, statements: &[String]) -> Result<(), Failure> {
    if statements.is_empty() {
        return Ok(());
    }
    let mut direct = database.migrating().await.map_err(Failure::of)?;
    for statement in statements {
        if let Err(stop) = direct.run(statement).await {
            direct.close().await;
            let tier = database.tier();
            return Err(Failure::Failed(format!("{tier}: {statement}: {}", explain(&*stop.source))));
        }
    }
    direct.close().await;
    Ok(())
}

/// Parses a version: its number, its name with or without the number, `head` or `base`.
pub fn parse_version(tier: Tier, steps: &[Step], text: &str) -> Result<i64, Failure> {
    let newest = steps.last().map_or(0, Step::version);
    let is_named = |step: &&Step| {
        step.name() == text || step.name().split_once('_').is_some_and(|(_, name)| name == text)
    };
    let found = match text {
        "head" => Some(newest),
        "base" => Some(0),
        text => match text.parse::<i64>() {
            Ok(number) => (0..=newest).contains(&number).then_some(number),
            Err(_) => steps.iter().find(is_named).map(Step::version),
        },
    };
    found.ok_or_else(|| {
        let known: Vec<&str> = steps.iter().map(Step::name).collect();
        Failure::Usage(format!("{tier} has no version {text}; it has {}, base and head", known.join(", ")))
    })
}

/// Returns the name of a version, such as `0002_archive_state`, or its number if this program does not know it.
pub fn version_name(steps: &[Step], version: i64) -> String {
    let step = steps.iter().find(|step| step.version() == version);
    step.map_or_else(|| version.to_string(), |step| step.name().to_owned())
}
