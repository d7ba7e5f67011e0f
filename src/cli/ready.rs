//! From whatever stands in a database to the schema this program works with, or a refusal that says what to do.

use serde::Serialize;

use super::Failure;
use crate::telemetry::explain;
use crate::tier::migrate::{self, Fault, Found, Recorded, Task};
use crate::tier::{Schema, TierError};

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
    let mut adopted = None;
    match database.recorded().await.map_err(Failure::of)? {
        Some(rows) => sound(database, &rows)?,
        None => match migrate::found(database).await.map_err(Failure::of)? {
            Found::Nothing | Found::Unknown => {}
            Found::Version(version) => {
                let task = Task::Adopt(version);
                database.migrate(database.steps(), task).await.map_err(Failure::of)?;
                adopted = Some(version);
            }
            Found::Otherwise(wrong) => return Err(unlike(database, &wrong)),
        },
    }
    let upgraded = migrate::upgrade(database).await.map_err(Failure::of)?;
    if look {
        match migrate::found(database).await.map_err(Failure::of)? {
            Found::Version(version) if version == upgraded.to => {}
            Found::Unknown => {}
            Found::Otherwise(wrong) => return Err(unlike(database, &wrong)),
            found => {
                let (tier, to) = (database.tier(), upgraded.to);
                return Err(Failure::Failed(format!(
                    "the {tier} schema is recorded at version {to} and is {found:?}"
                )));
            }
        }
    }
    Ok(Readied { adopted, upgraded })
}

/// Whether what is recorded can be worked with.
fn sound(database: &dyn Schema, rows: &[Recorded]) -> Result<(), Failure> {
    migrate::verify(database, rows).map_err(|fault| match fault {
        // Nothing is wrong with the database.
        Fault::Newer { .. } => Failure::Usage(fault.to_string()),
        fault => Failure::of(TierError::Statement {
            tier: database.tier(),
            statement: "migrate",
            source: explain(&fault).into(),
        }),
    })
}

fn unlike(database: &dyn Schema, wrong: &[String]) -> Failure {
    let tier = database.tier();
    let mut text = format!(
        "the {tier} database holds tables of these names that are not as any version of this program makes them; \
         nothing was changed. Compared with the nearest version:"
    );
    for line in wrong.iter().take(NAMED) {
        text.push_str("\n  ");
        text.push_str(line);
    }
    if wrong.len() > NAMED {
        text.push_str(&format!("\n  and {} more", wrong.len() - NAMED));
    }
    text.push_str(&format!(
        "\nBring the tables to one of the versions and say which with `thermocline db stamp VERSION --tier {tier}`, \
         or name another database."
    ));
    Failure::Failed(text)
}
