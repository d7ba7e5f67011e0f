//! The feed of messages, as streams read it.

use async_trait::async_trait;
use serde::Serialize;

use super::answer::ErasedMessage;
use super::read;
use crate::clock::Timestamp;
use crate::federation::{Change, Changed, FeedError};
use crate::feed::Token;
use crate::resources::messages::{Message, readers};
use crate::web::list::Shown;
use crate::web::live::{self, Of, Readers, Slice, Source};
use crate::web::state::App;

/// The feed of a service.
pub struct MessageSource(pub App);

#[async_trait]
impl Source for MessageSource {
    async fn now(&self) -> Result<Token, FeedError> {
        read::now(&self.0).await
    }

    async fn changes(&self, since: Token, of: Of, limit: i64) -> Result<Slice, FeedError> {
        let part = read::changes(&self.0, since, of, limit).await?;
        let changes = part.changes.into_iter().map(written).collect();
        Ok(Slice { changes, next: part.next, has_more: part.has_more })
    }

    async fn readers(&self, conversations: &[i64]) -> Result<Readers, FeedError> {
        Ok(readers::of_many(&self.0, conversations).await?)
    }

    fn time(&self) -> Timestamp {
        self.0.clock().now()
    }
}

/// Writes a change as its event.
fn written(changed: Changed<Message>) -> live::Change {
    let Changed { scope, next, change } = changed;
    match change {
        Change::Row(placed) => live::Change::new(next, scope, "message", &json(&Shown::from(placed))),
        Change::Erased(id) => {
            live::Change::new(next, scope, "erased", &json(&ErasedMessage { id, conversation_id: scope }))
        }
    }
}

fn json(data: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(data).expect("numbers and texts serialise")
}
