//! Conversations: who may read which messages. They stay in hot.

use std::sync::LazyLock;

use crate::clock::Timestamp;
use crate::federation::List;
use crate::federation::sql::{ListStatements, SqlList};
use crate::page::{Key, ListId};
use crate::tier::{Record, TierError, Value};

pub mod http;
pub mod spec;
mod sql;
pub mod tables;

/// One conversation.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Conversation {
    /// Its id.
    pub id: i64,
    /// The user who began it.
    pub user1_id: i64,
    /// The other one; none yet when nobody has answered.
    pub user2_id: Option<i64>,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last active.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

/// The conversations of one user, most recently active first.
#[derive(Clone, Copy, Debug)]
pub struct Conversations {
    /// The user.
    pub user: i64,
}

static STATEMENTS: LazyLock<ListStatements> =
    LazyLock::new(|| ListStatements::custom(sql::queries::hot_slice(), Some(sql::queries::hot_find())));

impl List for Conversations {
    type Row = Conversation;

    fn name(&self) -> &'static str {
        "conversations"
    }

    fn resource(&self) -> &'static str {
        "conversations"
    }

    fn id(&self) -> ListId {
        ListId::of(&["conversations", &self.user.to_string()])
    }

    fn key(&self, row: &Conversation) -> Key {
        Key::new(row.updated_at, row.id)
    }
}

impl SqlList for Conversations {
    fn statements(&self) -> &'static ListStatements {
        &STATEMENTS
    }

    fn filter(&self) -> Vec<Value> {
        vec![self.user.into()]
    }

    fn read(&self, record: &Record) -> Result<Conversation, TierError> {
        Ok(Conversation {
            id: record.int("id")?,
            user1_id: record.int("user1_id")?,
            user2_id: record.int_or_null("user2_id")?,
            created_at: record.time("created_at")?,
            updated_at: record.time("updated_at")?,
        })
    }
}
