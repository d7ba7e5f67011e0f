//! Messages of a conversation, ordered by `(created_at, id)`.

use std::sync::LazyLock;

use self::tables::MESSAGES;
use crate::clock::Timestamp;
use crate::federation::List;
use crate::federation::sql::{ListSpec, ListStatements, SqlList};
use crate::journal::live::Kind;
use crate::page::{Key, ListId};
use crate::tier::{Record, TierError, Value};

pub mod archive;
pub mod changes;
pub mod http;
mod readers;
pub mod spec;
mod sql;
pub mod tables;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Message {
    /// Its id, the same in both tiers.
    pub id: i64,
    /// The conversation it belongs to.
    pub conversation_id: i64,
    /// The user who wrote it.
    pub sender_id: i64,
    /// The text; may be empty.
    pub content: String,
    /// When it was written.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Whether the other user has read it.
    pub is_read: bool,
}

/// The messages of one conversation, or those of them that contain a text.
#[derive(Clone, Debug)]
pub struct Messages {
    conversation: i64,
    /// ASCII letters in lower case.
    containing: Option<String>,
    /// How messages get their versions, if the newest page is to come with a token of the change feed.
    followed: Option<Kind>,
}

impl Messages {
    /// All messages of a conversation.
    pub const fn of(conversation: i64) -> Self {
        Self { conversation, containing: None, followed: None }
    }

    /// The same, whose newest page comes with a token of the change feed.
    #[must_use]
    pub fn followed(self, kind: Option<Kind>) -> Self {
        Self { followed: kind, ..self }
    }

    /// The messages of a conversation that contain `text` literally.
    ///
    /// One definition on every engine: ASCII letters match without case, everything else matches exactly, and no
    /// character is a wildcard.
    pub fn containing(conversation: i64, text: &str) -> Self {
        Self { containing: Some(text.to_ascii_lowercase()), ..Self::of(conversation) }
    }
}

/// The messages of a conversation.
static ALL: LazyLock<ListStatements> = LazyLock::new(|| {
    let list = ListSpec::new("messages", "messages", &MESSAGES).filtered_by(&["conversation_id"]);
    list.counted_in("messages_archive_blocks").followed_by("conversation_id").statements()
});

/// The messages of a conversation that contain a text.
static CONTAINING: LazyLock<ListStatements> = LazyLock::new(|| {
    let list = ListSpec::new("messages_containing", "messages", &MESSAGES).filtered_by(&["conversation_id"]);
    let list = list.containing("content");
    list.signed_in("messages_archive_blocks", "messages_archive_signatures").statements()
});

impl List for Messages {
    type Row = Message;

    fn name(&self) -> &'static str {
        "messages"
    }

    fn resource(&self) -> &'static str {
        "messages"
    }

    fn id(&self) -> ListId {
        let conversation = self.conversation.to_string();
        match &self.containing {
            None => ListId::of(&["messages", &conversation]),
            Some(text) => ListId::of(&["messages", &conversation, text]),
        }
    }

    fn size(&self, row: &Message) -> usize {
        size_of::<Message>() + row.content.len()
    }

    fn key(&self, row: &Message) -> Key {
        Key::new(row.created_at, row.id)
    }
}

impl SqlList for Messages {
    fn statements(&self) -> &'static ListStatements {
        if self.containing.is_some() { &CONTAINING } else { &ALL }
    }

    fn filter(&self) -> Vec<Value> {
        let mut filter = vec![self.conversation.into()];
        filter.extend(self.containing.as_deref().map(Value::from));
        filter
    }

    fn followed(&self) -> Option<Kind> {
        self.followed
    }

    fn scope(&self) -> Option<i64> {
        Some(self.conversation)
    }

    fn part(&self) -> Option<&str> {
        self.containing.as_deref()
    }

    fn read(&self, record: &Record) -> Result<Message, TierError> {
        Ok(Message {
            id: record.int("id")?,
            conversation_id: record.int("conversation_id")?,
            sender_id: record.int("sender_id")?,
            content: record.text("content")?,
            created_at: record.time("created_at")?,
            is_read: record.bool("is_read")?,
        })
    }
}
