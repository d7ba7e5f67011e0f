//! The shape of the feed: the JSON answer, and the data of events.

use serde::Serialize;
use utoipa::ToSchema;

use crate::federation::{Change, Changes};
use crate::feed::Token;
use crate::resources::messages::Message;
use crate::web::list::Shown;

/// The changes of messages since a token.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageChanges {
    /// Always true; for existing front ends.
    success: bool,
    /// The messages that were inserted or changed, in the order of the changes, each at its newest state.
    messages: Vec<Shown<Message>>,
    /// The messages that were erased for good.
    erased: Vec<ErasedMessage>,
    /// The token to go on with: `since` of the next request.
    next: String,
    /// Whether there are more changes already.
    has_more: bool,
}

/// A message that was erased for good.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct ErasedMessage {
    /// Its id.
    pub id: i64,
    /// The conversation it belonged to.
    pub conversation_id: i64,
}

impl MessageChanges {
    /// Returns no changes yet: where a client begins.
    pub fn begin(now: Token) -> Self {
        Self {
            success: true,
            messages: Vec::new(),
            erased: Vec::new(),
            next: now.to_string(),
            has_more: false,
        }
    }
}

impl From<Changes<Message>> for MessageChanges {
    fn from(part: Changes<Message>) -> Self {
        let (mut messages, mut erased) = (Vec::new(), Vec::new());
        for changed in part.changes {
            match changed.change {
                Change::Row(placed) => messages.push(placed.into()),
                Change::Erased(id) => erased.push(ErasedMessage { id, conversation_id: changed.scope }),
            }
        }
        Self { success: true, messages, erased, next: part.next.to_string(), has_more: part.has_more }
    }
}
