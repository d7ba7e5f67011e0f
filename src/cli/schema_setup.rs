//! Brings the schema of a database to the version of this program, or refuses and says what to do.

use serde::Serialize;

use super::failure::Failure;
use super::tier_report;
use crate::adopt::{self, AdoptionReport, Detected};
use crate::clock::Clock;
use crate::journal::live;
use crate::schema::findings::Finding;
use crate::tier::migrate::{self, DetectedSchema, Fault, Recorded, Task};
use crate::tier::{Schema, Tier};

/// The most differences that a message lists.
const MAX_LISTED: usize = 10;
/// The action for a cold tier that belongs to a platform.
const NOT_ADOPTED: &str =
    "the cold database holds the archive of a platform: `thermocline db adopt` adopts it";

/// The changes to a schema.
#[derive(Debug, Serialize)]
pub struct SetupReport {
    /// The version that the tables had without a record, and that was recorded.
    pub adopted: Option<i64>,
    /// The migrations that were applied.
    #[serde(flatten)]
    pub upgraded: migrate::Upgraded,
    /// Remaining differences from the declaration that do not prevent work.
    pub differs: Vec<String>,
    /// The adoption of a platform's archive that followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adoption: Option<AdoptionReport>,
}

/// Migrates an embedded file, and a server if `migrate` allows it. Otherwise refuses a server at an older version: others
/// use it too, and its operator decides when it is migrated.
pub async fn prepare(database: &dyn Schema, migrate: bool) -> Result<(), Failure> {
    if migrate {
        return bring_up_to_date(database, true).await.map(drop);
    }
    if database.is_embedded() {
        return bring_up_to_date(database, false).await.map(drop);
    }
    ensure_apart(database).await?;
    let rows = database.recorded().await.map_err(Failure::of)?.unwrap_or_default();
    ensure_known(database, &rows)?;
    let (tier, version, newest) = (database.tier(), migrate::stands(&rows), migrate::newest(database));
    if version < newest {
        if holds_platform(database).await? {
            return Err(Failure::Usage(NOT_ADOPTED.to_owned()));
        }
        return Err(Failure::Usage(format!(
            "the {tier} schema is at version {version} of {newest}: run `thermocline db upgrade --tier {tier}`"
        )));
    }
    Ok(())
}

/// Adds the change feed to hot where it is wanted: to an embedded file, and to a server if `migrate` allows it.
pub async fn add_feed(
    hot: &dyn Schema,
    wanted: Option<bool>,
    migrate: bool,
    clock: &Clock,
) -> Result<(), Failure> {
    if !feed_is_wanted(hot, wanted) {
        return Ok(());
    }
    if hot.is_embedded() || migrate {
        return migrate::live::install(hot, clock.draw()).await.map(drop).map_err(Failure::of);
    }
    if live::kind(hot).await.map_err(Failure::of)?.is_none() {
        tracing::warn!("`live` is set, but hot has no change feed: run `thermocline db upgrade --live`");
    }
    Ok(())
}

/// Returns whether hot is to have a change feed. An embedded file has one unless the settings say no.
pub fn feed_is_wanted(hot: &dyn Schema, wanted: Option<bool>) -> bool {
    hot.tier() == Tier::Hot && wanted.unwrap_or(hot.is_embedded())
}

/// Creates, adopts or upgrades a schema; with `compare`, also compares the result with the declaration.
pub async fn bring_up_to_date(database: &dyn Schema, compare: bool) -> Result<SetupReport, Failure> {
    ensure_apart(database).await?;
    let adopted = match database.recorded().await.map_err(Failure::of)? {
        Some(rows) => ensure_known(database, &rows).map(|()| None)?,
        None => adopt(database).await?,
    };
    let upgraded = migrate::upgrade(database).await.map_err(Failure::of)?;
    let mut differs = Vec::new();
    if compare {
        let (tier, to) = (database.tier(), upgraded.to);
        let refused = |how: String| {
            Err(Failure::Failed(format!("the {tier} schema is recorded at version {to} but {how}")))
        };
        match migrate::detect(database).await.map_err(Failure::of)? {
            DetectedSchema::Version(version) if version == to => {}
            DetectedSchema::Version(version) => {
                return refused(format!("has the tables of version {version}"));
            }
            DetectedSchema::Empty => return refused("is empty".to_owned()),
            DetectedSchema::Platform => return refused("holds the tables of the platform only".to_owned()),
            DetectedSchema::Diverged(wrong) => return refused(format!("differs from it:{}", listed(&wrong))),
        }
        if !database.is_embedded() {
            differs = faults(database).await?.into_iter().map(|finding| finding.text).collect();
        }
    }
    Ok(SetupReport { adopted, upgraded, differs, adoption: None })
}

/// Refuses a database in which the other tier is: some of their tables have the same names.
async fn ensure_apart(database: &dyn Schema) -> Result<(), Failure> {
    if !database.holds_other_tier().await.map_err(Failure::of)? {
        return Ok(());
    }
    let (tier, other) = match database.tier() {
        Tier::Hot => (Tier::Hot, Tier::Cold),
        Tier::Cold => (Tier::Cold, Tier::Hot),
    };
    Err(Failure::Usage(format!(
        "the {tier} tier leads to the schema that holds the {other} tier; each needs a database, or a schema, of its own"
    )))
}

/// Records the version of a database without a version table, if its tables are those of a version. Tables that the
/// first migration creates or adopts are left to it.
async fn adopt(database: &dyn Schema) -> Result<Option<i64>, Failure> {
    match migrate::detect(database).await.map_err(Failure::of)? {
        DetectedSchema::Empty | DetectedSchema::Platform => Ok(None),
        DetectedSchema::Version(version) => {
            let task = Task::Adopt(version);
            database.migrate(database.steps(), task).await.map_err(Failure::of)?;
            Ok(Some(version))
        }
        DetectedSchema::Diverged(wrong) => {
            // Another process may have migrated while this one read the tables one after another.
            if let Some(rows) = database.recorded().await.map_err(Failure::of)? {
                return ensure_known(database, &rows).map(|()| None);
            }
            let tier = database.tier();
            if holds_platform(database).await? {
                return Err(Failure::Failed(NOT_ADOPTED.to_owned()));
            }
            Err(Failure::Failed(format!(
                "the {tier} database has tables with the names of this program, but not as any version makes them; \
                 nothing was changed. Differences from the nearest version:{}\n\
                 Change the tables to those of a version and record it with `thermocline db stamp VERSION --tier {tier}`, \
                 or use another database.",
                listed(&wrong)
            )))
        }
    }
}

/// Returns whether the database is the cold tier of a platform, with an archive of its own.
async fn holds_platform(database: &dyn Schema) -> Result<bool, Failure> {
    if database.tier() == Tier::Hot || database.is_embedded() {
        return Ok(false);
    }
    let detected = adopt::detect(database).await.map_err(Failure::of)?;
    Ok(!matches!(detected, Detected::Nothing))
}

/// Refuses a schema that lacks what readers need. Logs a warning for every other difference from the declaration.
pub async fn ensure_readable(database: &dyn Schema) -> Result<(), Failure> {
    let tier = database.tier();
    let (needed, other): (Vec<Finding>, Vec<Finding>) =
        faults(database).await?.into_iter().partition(|finding| finding.what.hinders_readers());
    for finding in other {
        tracing::warn!(tier = tier.name(), differs = finding.text, "the schema differs from the declaration");
    }
    if needed.is_empty() {
        return Ok(());
    }
    let needed: Vec<String> = needed.into_iter().map(|finding| finding.text).collect();
    Err(Failure::Failed(format!(
        "the {tier} schema is recorded at its newest version but is not complete:{}\n\
         It was changed by hand. Restore what is missing, from a backup if it held rows, or write a migration with \
         `thermocline db generate --tier {tier}`; check the result with `thermocline db check --tier {tier}`.",
        listed(&needed)
    )))
}

/// Returns the differences from the declaration that are faults.
async fn faults(database: &dyn Schema) -> Result<Vec<Finding>, Failure> {
    let live = database.inspect(&tier_report::table_names(database)).await.map_err(Failure::of)?;
    let found = tier_report::differences(database, &live).await.map_err(Failure::of)?;
    Ok(found.into_iter().filter(|finding| finding.fault).collect())
}

/// Checks that the recorded migrations are those that this program knows.
fn ensure_known(database: &dyn Schema, rows: &[Recorded]) -> Result<(), Failure> {
    migrate::verify(database, rows).map_err(|fault| match fault {
        // The database is fine; the program is too old.
        Fault::Newer { .. } => Failure::Usage(fault.to_string()),
        fault => Failure::Failed(format!("the {} schema: {fault}", database.tier())),
    })
}

/// Returns the first differences, one a line.
pub fn listed(wrong: &[String]) -> String {
    let mut named: Vec<String> = wrong.iter().take(MAX_LISTED).map(|line| format!("\n  {line}")).collect();
    if wrong.len() > MAX_LISTED {
        named.push(format!("\n  and {} more", wrong.len() - MAX_LISTED));
    }
    named.concat()
}
