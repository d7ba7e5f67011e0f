//! Adopting the archive of a platform: which tables it has, and the rows in hot that they refer to.
//!
//! The work on each table is that of [`thermocline_archive::adopt`].

mod parents;
mod plan;

use serde::Serialize;

use crate::archive::adopt::{self, Adoption, Brought, Class, OnStep, Phase, Step, TableReport};
use crate::archive::{Family, MoveError, Mover};
use crate::clock::Clock;
use crate::import::Record;
use crate::load::Verdict;
use crate::resources::{behavior, registry};
use crate::schema::ColumnType;
use crate::tier::adoption::{PlatformZone, Preparation};
use crate::tier::{Engine, Statement, Value};

pub use plan::{Detected, Plan, detect, set_aside};

crate::queries! {
    mod sql = "adoption" { Shared: "queries.sql" }
    [participants]
}

/// Returns every statement of this module.
pub fn statements() -> Vec<Statement> {
    vec![*sql::participants()]
}

/// The report of an adoption, done or planned.
#[derive(Debug, Default, Serialize)]
pub struct AdoptionReport {
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// The time zone of instants without one.
    pub zone: String,
    /// The preparation of hot's tables; `None` where they are adopted, or no platform's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hot: Option<Preparation>,
    /// The tables of the archive.
    pub tables: Vec<TableReport>,
    /// The rows in hot that were made, or would be, because adopted rows refer to them, and those that cannot be made.
    pub parents: Vec<Class>,
    /// The duration in seconds.
    pub seconds: f64,
}

/// Called with a table, its number of rows, and a step of its adoption.
pub type OnTable<'a> = dyn FnMut(&str, Step) + Send + 'a;

/// Returns the name of a time zone, as cold notes it.
pub fn name_of(zone: Option<PlatformZone>) -> String {
    zone.map_or_else(|| adopt::UTC.to_owned(), |zone| zone.to_string())
}

/// Adopts every table that waits, or goes on where an earlier run ended.
pub async fn run(mover: &Mover<'_>, plan: &Plan, on: &mut OnTable<'_>) -> Result<AdoptionReport, MoveError> {
    let mut report = AdoptionReport { zone: name_of(plan.zone), ..AdoptionReport::default() };
    let progress = adopt::progress(mover.cold).await?;
    let at = |name: &str| progress.iter().find(|table| table.source == name).cloned();
    for source in &plan.sources {
        let name = source.original.name.as_str();
        let Some(mut at) = at(name) else { continue };
        let adoption = Adoption { mover, source };
        let mut step = |step| on(name, step);
        let step: &mut OnStep<'_> = &mut step;
        at = adoption.run(at, Phase::Raised, step).await?;
        // Also where all is done: hot may have come back from a backup that lacks them.
        report.parents.extend(parents::make(mover, source).await?);
        at = adoption.run(at, Phase::Done, step).await?;
        report.tables.push(adoption.report(&at).await?);
    }
    if let Some(source) = &plan.activity
        && let Some(at) = at(adopt::ACTIVITY)
    {
        report.tables.push(if at.phase == Phase::Done {
            source.report(mover.cold).await?
        } else {
            for family in registry::families() {
                if behavior::RESOURCES.contains(&family.resource) {
                    adopt::show_activity(mover, family).await?;
                }
            }
            source.adopt(mover.cold, mover.clock.now()).await?
        });
    }
    Ok(report)
}

/// Returns what [`run`] would do, and changes nothing.
pub async fn look(mover: &Mover<'_>, plan: &Plan, on: &mut OnTable<'_>) -> Result<AdoptionReport, MoveError> {
    let mut report = AdoptionReport { dry_run: true, zone: name_of(plan.zone), ..AdoptionReport::default() };
    for source in &plan.sources {
        let name = source.original.name.as_str();
        let mut step = |step| on(name, step);
        report.tables.push(Adoption { mover, source }.look(&mut step).await?);
        report.parents.extend(parents::missing(mover.hot, mover.cold, source).await?);
    }
    if let Some(source) = &plan.activity {
        report.tables.push(source.look(mover.cold).await?);
    }
    Ok(report)
}

/// Brings records of an old archive straight into cold, with the conversations that they refer to. Returns one verdict each.
pub async fn bring(
    mover: &Mover<'_>,
    family: &Family,
    records: Vec<Record>,
) -> Result<Vec<Verdict>, MoveError> {
    // An archive that does not tell whether a message was read holds read ones.
    let defaulted = |value: Value| if value == Value::Null(ColumnType::Bool) { true.into() } else { value };
    let rows: Vec<Vec<Value>> =
        records.into_iter().map(|record| record.into_row().into_iter().map(defaulted).collect()).collect();
    let brought = adopt::bring(mover, family, rows.clone()).await?;
    parents::make_for(mover, family, &rows).await?;
    let verdict = |brought| match brought {
        Brought::Inserted => Verdict::Inserted,
        Brought::Known => Verdict::Known,
        Brought::Rejected(reason) => Verdict::Rejected(reason),
    };
    Ok(brought.into_iter().map(verdict).collect())
}

/// Returns a mover for an adoption.
pub fn mover<'a>(hot: &'a dyn Engine, cold: &'a dyn Engine, clock: &'a Clock) -> Mover<'a> {
    let name = format!("adoption, process {}", std::process::id());
    Mover { hot, cold, clock, name, sizes: crate::archive::BlockSizes::default() }
}
