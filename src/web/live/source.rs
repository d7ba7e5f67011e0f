//! Where changes come from, and how one is written for a stream.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::OnceLock;

use async_trait::async_trait;
use bytes::Bytes;

use crate::clock::Timestamp;
use crate::web::ids::IdStyle;

pub use crate::federation::FeedError;
pub use crate::feed::Token;

/// The conversations of which changes are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Of {
    /// Every conversation.
    All,
    /// One conversation.
    Conversation(i64),
    /// The conversations of a user.
    User(i64),
}

/// Returns which of two tokens is further; `None` for tokens of different databases.
pub fn compare(a: Token, b: Token) -> Option<Ordering> {
    (a.incarnation == b.incarnation).then(|| a.position.cmp(&b.position))
}

/// The two users of each conversation that exists.
pub type Readers = HashMap<i64, [Option<i64>; 2]>;

/// Where changes come from.
#[async_trait]
pub trait Source: Send + Sync {
    /// Returns the token of now: everything that was committed before lies below it.
    async fn now(&self) -> Result<Token, FeedError>;

    /// Returns the changes since `since` in their order, at most `limit`.
    async fn changes(&self, since: Token, of: Of, limit: i64) -> Result<Slice, FeedError>;

    /// Returns the users of these conversations as they are now.
    async fn readers(&self, conversations: &[i64]) -> Result<Readers, FeedError>;

    /// Returns the time by which streams end.
    fn time(&self) -> Timestamp;
}

/// Changes in their order.
#[derive(Debug)]
pub struct Slice {
    /// The changes.
    pub changes: Vec<Change>,
    /// Everything behind them is still to come.
    pub next: Token,
    /// Whether more changes are there already.
    pub has_more: bool,
}

/// One change, written once for all streams.
#[derive(Debug)]
pub struct Change {
    /// Everything behind it is still to come.
    pub next: Token,
    /// The conversation it belongs to.
    pub conversation: i64,
    block: Bytes,
    /// The same with ids as texts, for those who ask for them.
    with_texts: OnceLock<Bytes>,
}

impl Change {
    /// Returns a change whose event has this name and this JSON.
    pub fn new(next: Token, conversation: i64, event: &str, json: &[u8]) -> Self {
        let head = format!("id: {next}\nevent: {event}\ndata: ");
        // JSON has no line ends outside of its texts, where they are escaped.
        let block = Bytes::from([head.as_bytes(), json, b"\n\n"].concat());
        Self { next, conversation, block, with_texts: OnceLock::new() }
    }

    /// Returns its event as it is sent.
    pub fn block(&self, ids: IdStyle) -> Bytes {
        match ids {
            IdStyle::Number => self.block.clone(),
            IdStyle::Text => self.with_texts.get_or_init(|| texts(&self.block)).clone(),
        }
    }
}

/// Writes the ids of the data of a block as texts.
fn texts(block: &Bytes) -> Bytes {
    const DATA: &[u8] = b"\ndata: ";
    let data = block.windows(DATA.len()).position(|window| window == DATA).map_or(0, |at| at + DATA.len());
    let (head, json) = block.split_at(data);
    Bytes::from([head, &IdStyle::Text.writer().write(json.to_vec())].concat())
}

/// Returns a block that tells a client where it is. It is no event: browsers note the id and dispatch nothing.
pub fn mark(token: Token) -> Bytes {
    Bytes::from(format!(": \nid: {token}\n\n"))
}

/// Returns a comment, which keeps the connection open through proxies.
pub fn comment() -> Bytes {
    Bytes::from_static(b": \n\n")
}
