//! Settings of the mover: how old a row must be, how gently it goes, and when it goes by itself.

use std::time::Duration;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use serde::Deserialize;

use super::ConfigError;
use crate::clock::{DAY, span};

/// The settings under `[archive]`, as they are written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    older_than: Option<String>,
    batch: Option<Whole>,
    pause_ms: Option<Whole>,
    max_hot_latency_ms: Option<Whole>,
    patience: Option<String>,
    schedule: Option<String>,
    audit_rate: Option<Whole>,
    messages: Option<WrittenResource>,
    posts: Option<WrittenPosts>,
    prices: Option<WrittenResource>,
}

/// The settings under `[archive.messages]` and so on.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenResource {
    older_than: Option<String>,
}

/// The settings under `[archive.posts]`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPosts {
    older_than: Option<String>,
    due: Option<String>,
}

/// A whole number: a number in a file, text in the environment.
#[derive(Deserialize)]
#[serde(untagged)]
enum Whole {
    Number(u32),
    Text(String),
}

/// Environment variables and the settings they are.
pub(super) const ENVIRONMENT: [(&str, &str); 11] = [
    ("THERMOCLINE_ARCHIVE_OLDER_THAN", "archive.older_than"),
    ("THERMOCLINE_ARCHIVE_MESSAGES_OLDER_THAN", "archive.messages.older_than"),
    ("THERMOCLINE_ARCHIVE_POSTS_OLDER_THAN", "archive.posts.older_than"),
    ("THERMOCLINE_ARCHIVE_POSTS_DUE", "archive.posts.due"),
    ("THERMOCLINE_ARCHIVE_PRICES_OLDER_THAN", "archive.prices.older_than"),
    ("THERMOCLINE_ARCHIVE_BATCH", "archive.batch"),
    ("THERMOCLINE_ARCHIVE_PAUSE_MS", "archive.pause_ms"),
    ("THERMOCLINE_ARCHIVE_MAX_HOT_LATENCY_MS", "archive.max_hot_latency_ms"),
    ("THERMOCLINE_ARCHIVE_PATIENCE", "archive.patience"),
    ("THERMOCLINE_ARCHIVE_SCHEDULE", "archive.schedule"),
    ("THERMOCLINE_ARCHIVE_AUDIT_RATE", "archive.audit_rate"),
];

/// How rows move.
#[derive(Clone, Debug)]
pub struct Archive {
    /// How old a row must be, in microseconds, where nothing else is said.
    older_than: i64,
    /// The same by resource.
    by_resource: [(&'static str, Option<i64>); 3],
    /// Whether a post is as old as its newest comment.
    posts_by_activity: bool,
    /// Rows of a batch, children included.
    pub batch: i64,
    /// The pause between two batches.
    pub pause: Duration,
    /// No batch begins while a cheap read of hot takes longer.
    pub max_hot_latency: Option<Duration>,
    /// How long to wait for hot to become fast enough, or for cold to come back.
    pub patience: Duration,
    /// When a server moves rows by itself, in UTC; none: never.
    pub schedule: Option<Cron>,
    /// Rows of the archive a server looks at in a second to find what is wrong; 0: none.
    pub audit_rate: u32,
}

impl Archive {
    /// How old a row of a resource must be, in microseconds.
    pub fn older_than(&self, resource: &str) -> i64 {
        let own = self.by_resource.iter().find(|(name, _)| *name == resource);
        own.and_then(|(_, own)| *own).unwrap_or(self.older_than)
    }

    /// Whether a row of a resource is as old as the newest of its children.
    pub fn by_activity(&self, resource: &str) -> bool {
        resource == "posts" && self.posts_by_activity
    }

    pub(super) fn resolve(written: Written) -> Result<Self, ConfigError> {
        let own = |name: &'static str, text: Option<String>| {
            Ok((name, time(&format!("archive.{name}.older_than"), text.as_deref())?))
        };
        let millis =
            |name, value| whole(name, value).map(|value| value.map(u64::from).map(Duration::from_millis));
        let batch = whole("archive.batch", written.batch)?.unwrap_or(1_000);
        if !(1..=2_000).contains(&batch) {
            return Err(ConfigError::new("archive.batch", "expected 1 to 2000 rows"));
        }
        let posts = written.posts.unwrap_or_default();
        let patience = time("archive.patience", written.patience.as_deref())?.unwrap_or(DAY / 24 / 6);
        Ok(Self {
            older_than: time("archive.older_than", written.older_than.as_deref())?.unwrap_or(30 * DAY),
            by_resource: [
                own("messages", written.messages.and_then(|own| own.older_than))?,
                own("posts", posts.older_than)?,
                own("prices", written.prices.and_then(|own| own.older_than))?,
            ],
            posts_by_activity: by_activity(posts.due.as_deref())?,
            batch: i64::from(batch),
            pause: millis("archive.pause_ms", written.pause_ms)?.unwrap_or_default(),
            max_hot_latency: millis("archive.max_hot_latency_ms", written.max_hot_latency_ms)?,
            patience: Duration::from_micros(patience.cast_unsigned()),
            schedule: written.schedule.as_deref().map(cron).transpose()?,
            audit_rate: whole("archive.audit_rate", written.audit_rate)?.unwrap_or(0),
        })
    }
}

fn time(name: &str, text: Option<&str>) -> Result<Option<i64>, ConfigError> {
    text.map(|text| span(text).map_err(|fault| ConfigError::new(name, fault))).transpose()
}

fn by_activity(text: Option<&str>) -> Result<bool, ConfigError> {
    match text {
        None | Some("created") => Ok(false),
        Some("activity") => Ok(true),
        Some(_) => Err(ConfigError::new("archive.posts.due", "expected created or activity")),
    }
}

fn whole(name: &str, value: Option<Whole>) -> Result<Option<u32>, ConfigError> {
    match value {
        None => Ok(None),
        Some(Whole::Number(number)) => Ok(Some(number)),
        Some(Whole::Text(text)) => {
            text.parse().map(Some).map_err(|_| ConfigError::new(name, "expected a whole number"))
        }
    }
}

/// Minute, hour, day of the month, month, day of the week.
fn cron(text: &str) -> Result<Cron, ConfigError> {
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    let fault = |error| {
        ConfigError::new(
            "archive.schedule",
            format!("expected cron's five fields, such as 0 2 * * *: {error}"),
        )
    };
    parser.parse(text).map_err(fault)
}
