//! From whatever stands in a database to the schema this program works with, or a refusal that says what to do.

use serde::Serialize;

use super::{Failure, look};
use crate::schema::findings::{Finding, findings};
use crate::tier::Schema;
use crate::tier::migrate::{self, DetectedSchema, Fault, Recorded, Task};

/// How many differences are named.
const NAMED: usize = 10;

/// What was found and done.
#[derive(Debug, Serialize)]
pub struct Readied {
    /// The version that was found to be there without a record, and was recorded.
    pub adopted: Option<i64>,
    /// What was applied.
    #[serde(flatten)]
    pub upgraded: migrate::Upgraded,
    /// What is still not as declared, and does not keep anybody from working.
    pub differs: Vec<String>,
}

/// Makes a database ready: an embedded file, or a server if the caller may `migrate`. A server that is behind is
/// refused otherwise: others use it too, and whoever runs it says when.
pub async fn ready(database: &dyn Schema, migrate: bool) -> Result<(), Failure> {
    if migrate {
        return bring_up_to_date(database, true).await.map(drop);
    }
    if database.is_embedded() {
        return bring_up_to_date(database, false).await.map(drop);
    }
    let rows = database.recorded().await.map_err(Failure::of)?.unwrap_or_default();
    sound(database, &rows)?;
    let (tier, version, newest) = (database.tier(), migrate::stands(&rows), migrate::newest(database));
    if version < newest {
        return Err(Failure::Usage(format!(
            "the {tier} schema is at version {version} of {newest}: run `thermocline db upgrade --tier {tier}`"
        )));
    }
    Ok(())
}

/// Creates, adopts and upgrades; with `look` also compares what came out with what should have.
pub async fn bring_up_to_date(database: &dyn Schema, look: bool) -> Result<Readied, Failure> {
    let adopted = match database.recorded().await.map_err(Failure::of)? {
        Some(rows) => sound(database, &rows).map(|()| None)?,
        None => adopt(database).await?,
    };
    let upgraded = migrate::upgrade(database).await.map_err(Failure::of)?;
    let mut differs = Vec::new();
    if look {
        let (tier, to) = (database.tier(), upgraded.to);
        let refused = |how: String| {
            Err(Failure::Failed(format!("the {tier} schema is recorded at version {to} and {how}")))
        };
        match migrate::detect(database).await.map_err(Failure::of)? {
            DetectedSchema::Version(version) if version == to => {}
            DetectedSchema::Version(version) => return refused(format!("is what version {version} makes")),
            DetectedSchema::Empty => return refused("is empty".to_owned()),
            DetectedSchema::Platform => return refused("holds the platform's own tables alone".to_owned()),
            DetectedSchema::Diverged(wrong) => return refused(format!("differs from it:{}", listed(&wrong))),
        }
        if !database.is_embedded() {
            differs = faults(database).await?.into_iter().map(|finding| finding.text).collect();
        }
    }
    Ok(Readied { adopted, upgraded, differs })
}

/// Records the version that a database without a version table stands at, if it is one. What the first migration
/// makes or adopts is left to it.
async fn adopt(database: &dyn Schema) -> Result<Option<i64>, Failure> {
    match migrate::detect(database).await.map_err(Failure::of)? {
        DetectedSchema::Empty | DetectedSchema::Platform => Ok(None),
        DetectedSchema::Version(version) => {
            let task = Task::Adopt(version);
            database.migrate(database.steps(), task).await.map_err(Failure::of)?;
            Ok(Some(version))
        }
        DetectedSchema::Diverged(wrong) => {
            // Another process may have migrated while this one looked from table to table.
            if let Some(rows) = database.recorded().await.map_err(Failure::of)? {
                return sound(database, &rows).map(|()| None);
            }
            let tier = database.tier();
            Err(Failure::Failed(format!(
                "the {tier} database holds tables of our names that are not as any version of this program makes \
                 them, and nothing was changed; compared with the nearest version:{}\n\
                 Bring them to one of the versions and say which with `thermocline db stamp VERSION --tier {tier}`, \
                 or name another database.",
                listed(&wrong)
            )))
        }
    }
}

/// Whether a service can do its work with what is there: refused is what a reader needs and is not there, everything else
/// is a warning in the log.
pub async fn complete(database: &dyn Schema) -> Result<(), Failure> {
    let tier = database.tier();
    let (needed, other): (Vec<Finding>, Vec<Finding>) =
        faults(database).await?.into_iter().partition(|finding| finding.what.hinders_readers());
    for finding in other {
        tracing::warn!(tier = tier.name(), differs = finding.text, "the schema is not as declared");
    }
    if needed.is_empty() {
        return Ok(());
    }
    let needed: Vec<String> = needed.into_iter().map(|finding| finding.text).collect();
    Err(Failure::Failed(format!(
        "the {tier} schema is recorded at its newest version and is not complete:{}\n\
         Somebody has changed it by hand: bring back what is missing, from a backup if it held rows, or have \
         `thermocline db generate --tier {tier}` write the migration; `thermocline db check --tier {tier}` says when it fits.",
        listed(&needed)
    )))
}

/// What the program does not work as it should with.
async fn faults(database: &dyn Schema) -> Result<Vec<Finding>, Failure> {
    let live = database.inspect(&look::names(database)).await.map_err(Failure::of)?;
    let found = findings(look::tables(database.tier()), &live);
    Ok(found.into_iter().filter(|finding| finding.fault).collect())
}

/// Whether what is recorded can be worked with.
fn sound(database: &dyn Schema, rows: &[Recorded]) -> Result<(), Failure> {
    migrate::verify(database, rows).map_err(|fault| match fault {
        // Nothing is wrong with the database.
        Fault::Newer { .. } => Failure::Usage(fault.to_string()),
        fault => Failure::Failed(format!("the {} schema: {fault}", database.tier())),
    })
}

/// The first differences, a line each.
pub fn listed(wrong: &[String]) -> String {
    let mut named: Vec<String> = wrong.iter().take(NAMED).map(|line| format!("\n  {line}")).collect();
    if wrong.len() > NAMED {
        named.push(format!("\n  and {} more", wrong.len() - NAMED));
    }
    named.concat()
}
