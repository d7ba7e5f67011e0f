//! The activity of users, counted by day and action as their rows were archived.
//!
//! The mover writes signed deltas of `user_behavior_analytics` with the rows they count, so a sum at an epoch is exact.
//! Hot holds none of it.

use std::sync::LazyLock;

use chrono::NaiveDate;

use crate::clock::Timestamp;
use crate::federation::List;
use crate::federation::sql::{ListStatements, SqlList};
use crate::page::{Key, ListId};
use crate::tier::{Record, TierError, Value};

pub mod http;
pub mod spec;
mod sql;
pub mod tables;

/// The resources whose rows are actions.
pub const RESOURCES: [&str; 2] = ["messages", "posts"];

/// How often a user did something on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behavior {
    /// The user.
    pub user_id: i64,
    /// The day, in UTC.
    pub day: NaiveDate,
    /// `chat`, `post`, `comment` or `like`.
    pub action: String,
    /// How often; never 0.
    pub count: i64,
    /// When the count last changed.
    pub counted_at: Timestamp,
    /// The place of the action among those of its day.
    place: i64,
}

/// What one user did, of the actions that are rows of one resource.
#[derive(Clone, Copy, Debug)]
pub struct Behaviors {
    /// The user.
    pub user: i64,
    /// One of [`RESOURCES`].
    pub resource: &'static str,
}

static STATEMENTS: LazyLock<ListStatements> = LazyLock::new(|| {
    let list = ListStatements::custom(sql::queries::hot_slice(), None);
    list.custom_in_cold(sql::queries::cold_slice())
});

impl List for Behaviors {
    type Row = Behavior;

    fn name(&self) -> &'static str {
        match self.resource {
            "messages" => "behavior in messages",
            _ => "behavior in posts",
        }
    }

    fn resource(&self) -> &'static str {
        self.resource
    }

    fn id(&self) -> ListId {
        ListId::of(&["behavior", self.resource, &self.user.to_string()])
    }

    fn key(&self, row: &Behavior) -> Key {
        Key::new(Timestamp::midnight(row.day), row.place)
    }
}

impl SqlList for Behaviors {
    fn statements(&self) -> &'static ListStatements {
        &STATEMENTS
    }

    fn filter(&self) -> Vec<Value> {
        vec![self.user.into(), self.resource.into()]
    }

    fn read(&self, record: &Record) -> Result<Behavior, TierError> {
        Ok(Behavior {
            user_id: record.int("user_id")?,
            day: record.date("analysis_date")?,
            action: record.text("action_type")?,
            count: record.int("action_count")?,
            counted_at: record.time("created_at")?,
            place: record.int("id")?,
        })
    }
}
