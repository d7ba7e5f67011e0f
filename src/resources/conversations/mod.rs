//! Conversations: who may read which messages. They stay in hot.

use std::sync::LazyLock;

use crate::clock::Timestamp;
use crate::federation::List;
use crate::federation::sql::{ListStatements, SqlList};
use crate::page::{Key, ListId};
use crate::tier::{Record, TierError, Value};

pub mod http;
mod overview;
pub mod spec;
mod sql;
pub mod tables;

/// One conversation.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[schema(as = ConversationRow)]
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

/// The conversations of one user.
#[derive(Clone, Copy, Debug)]
pub struct Conversations {
    /// The user.
    pub user: i64,
    /// Their order.
    pub order: Order,
}

/// The order of conversations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Most recently active first. A conversation rises with each message.
    #[default]
    Activity,
    /// Newest first. Each keeps its place.
    Begun,
}

static BY_ACTIVITY: LazyLock<ListStatements> = LazyLock::new(|| {
    let slice = sql::queries::hot_slice().bind("by activity", &[("at", "updated_at")]);
    ListStatements::custom(&slice, Some(sql::queries::hot_find()))
});

static BY_BEGIN: LazyLock<ListStatements> = LazyLock::new(|| {
    let slice = sql::queries::hot_slice();
    let slice = slice.assemble("conversations.hot_slice_by_begin", "", &[("at", "created_at".into())]);
    ListStatements::custom(&slice, Some(&sql::queries::hot_find().bind("by begin", &[])))
});

impl List for Conversations {
    type Row = Conversation;

    fn name(&self) -> &'static str {
        "conversations"
    }

    fn resource(&self) -> &'static str {
        "conversations"
    }

    fn id(&self) -> ListId {
        let user = self.user.to_string();
        match self.order {
            Order::Activity => ListId::of(&["conversations", &user]),
            Order::Begun => ListId::of(&["conversations", &user, "begun"]),
        }
    }

    fn key(&self, row: &Conversation) -> Key {
        match self.order {
            Order::Activity => Key::new(row.updated_at, row.id),
            Order::Begun => Key::new(row.created_at, row.id),
        }
    }
}

impl SqlList for Conversations {
    fn statements(&self) -> &'static ListStatements {
        match self.order {
            Order::Activity => &BY_ACTIVITY,
            Order::Begun => &BY_BEGIN,
        }
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
