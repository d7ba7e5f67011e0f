//! Settings of the archive: how old a row must be to move, how gently rows move, and when they move by themselves.

use std::time::Duration;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

use super::error::ConfigError;
use super::sources::{Setting, Values};
use crate::clock::{DAY, span};

/// The keys of the settings that no resource is named in.
const KEYS: [&str; 7] = [
    "archive.older_than",
    "archive.batch",
    "archive.pause_ms",
    "archive.max_hot_latency_ms",
    "archive.patience",
    "archive.schedule",
    "archive.audit_rate",
];

/// A resource whose rows move to the archive, as far as settings concern it.
#[derive(Clone, Copy, Debug)]
pub struct ArchivedResource {
    /// Its name, as in `archive.<name>.older_than`.
    pub name: &'static str,
    /// Whether `archive.<name>.due` may be `activity`: its rows have children, and the newest of them can keep a row.
    pub has_activity: bool,
}

/// Returns the settings of this module for `resources`.
pub(super) fn settings(resources: &[ArchivedResource]) -> impl Iterator<Item = Setting> {
    let of_resources = resources.iter().flat_map(|resource| {
        let due = resource.has_activity.then(|| due_key(resource.name));
        std::iter::once(older_than_key(resource.name)).chain(due)
    });
    KEYS.into_iter().map(str::to_owned).chain(of_resources).map(|key| Setting::own(&key))
}

fn older_than_key(resource: &str) -> String {
    format!("archive.{resource}.older_than")
}

fn due_key(resource: &str) -> String {
    format!("archive.{resource}.due")
}

/// The settings of moves.
#[derive(Clone, Debug)]
pub struct ArchiveSettings {
    resources: Vec<(&'static str, DueSettings)>,
    /// Rows in a batch, children included.
    pub batch: i64,
    /// The pause between two batches.
    pub pause: Duration,
    /// No batch starts while a cheap read of hot takes longer.
    pub max_hot_latency: Option<Duration>,
    /// The time to wait for hot to become fast enough, or for cold to return.
    pub patience: Duration,
    /// When a server moves rows by itself, in UTC; never without one.
    pub schedule: Option<Cron>,
    /// Archived rows that a server audits in a second; 0 for none.
    pub audit_rate: u32,
}

/// When a row of a resource is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueSettings {
    /// The age of a due row, in microseconds.
    pub older_than: i64,
    /// Whether a row is as old as the newest of its children.
    pub by_activity: bool,
}

impl ArchiveSettings {
    /// Returns when a row of a resource is due.
    ///
    /// # Panics
    /// For a resource that was not named when the settings were read.
    pub fn due(&self, resource: &str) -> DueSettings {
        let found = self.resources.iter().find(|(name, _)| *name == resource);
        found.expect("settings are read for every resource").1
    }

    pub(super) fn resolve(values: &Values, resources: &[ArchivedResource]) -> Result<Self, ConfigError> {
        let millis = |key| {
            let millis = values.number(key, 0..=u32::MAX)?;
            Ok(millis.map(u64::from).map(Duration::from_millis))
        };
        let older_than = values.parse("archive.older_than", span)?.unwrap_or(30 * DAY);
        let due = |resource: &ArchivedResource| {
            let own = values.parse(&older_than_key(resource.name), span)?;
            let by_activity = values.parse(&due_key(resource.name), by_activity)?.unwrap_or(false);
            Ok((resource.name, DueSettings { older_than: own.unwrap_or(older_than), by_activity }))
        };
        let patience = values.parse("archive.patience", span)?.unwrap_or(DAY / 24 / 6);
        Ok(Self {
            resources: resources.iter().map(due).collect::<Result<_, ConfigError>>()?,
            batch: values.number("archive.batch", 1..=2_000)?.unwrap_or(1_000).into(),
            pause: millis("archive.pause_ms")?.unwrap_or_default(),
            max_hot_latency: millis("archive.max_hot_latency_ms")?,
            patience: Duration::from_micros(patience.cast_unsigned()),
            schedule: values.parse("archive.schedule", cron)?,
            audit_rate: values.number("archive.audit_rate", 0..=u32::MAX)?.unwrap_or(0),
        })
    }
}

fn by_activity(text: &str) -> Result<bool, &'static str> {
    match text {
        "created" => Ok(false),
        "activity" => Ok(true),
        _ => Err("expected created or activity"),
    }
}

/// Reads minute, hour, day of the month, month, and day of the week.
fn cron(text: &str) -> Result<Cron, String> {
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    let fault = |error| format!("expected the five fields of cron, such as 0 2 * * *: {error}");
    parser.parse(text).map_err(fault)
}
