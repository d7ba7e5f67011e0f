//! The body of one stream: what was missed, then what comes.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures::{Stream, StreamExt as _};

use super::hub::{Hub, Interest, Subscription};
use super::places::Place;
use super::poller;
use super::queue::End;
use super::source::{FeedError, Of, Slice, Source, Token, mark};
use crate::telemetry::explain;

/// The least time in milliseconds after which a client connects again.
const RETRY: u64 = 1_000;
/// The clients of a server that stops come back over this many milliseconds more.
const SPREAD: u64 = 2_000;

/// A stream before its first part.
pub struct Opening {
    /// The streams that it joins.
    pub hub: Arc<Hub>,
    /// Where changes come from.
    pub source: Arc<dyn Source>,
    /// The changes that it sends, and to whom.
    pub interest: Interest,
    /// Its place.
    pub place: Place,
}

impl Opening {
    /// Reads the first changes since `since`, or notes where it begins. Errors are still problems here.
    pub async fn begin(&self, since: Option<Token>) -> Result<Slice, FeedError> {
        let at = |next| Slice { changes: Vec::new(), next, has_more: false };
        match since {
            None => self.source.now().await.map(at),
            Some(token) if self.hub.holds(token) => Ok(at(token)),
            Some(token) => self.hub.catch_up(&*self.source, token, self.interest.of).await,
        }
    }

    /// Returns the body, which begins with `first`. `number` spreads the return of clients.
    pub fn body(self, first: Slice, number: u64) -> Body {
        let Self { hub, source, interest, place } = self;
        Body::from_stream(async_stream::stream! {
            let _place = place;
            // In a box, so that its memory is freed when the stream has caught up: a stream may stay open for days.
            let mut past = Box::pin(past(hub, source, interest, first, number));
            let subscription = loop {
                match past.next().await {
                    Some(Past::Part(part)) => yield Ok::<_, Infallible>(part),
                    Some(Past::Joined(subscription)) => break subscription,
                    None => return,
                }
            };
            drop(past);
            while let Some(part) = Subscription::next(&subscription).await {
                yield Ok(part);
            }
        })
    }
}

/// A part of a stream before it has joined the others, or its place among them.
enum Past {
    Part(Bytes),
    Joined(Subscription),
}

/// Reads what a stream missed until it has joined the others, or has to end.
fn past(
    hub: Arc<Hub>,
    source: Arc<dyn Source>,
    interest: Interest,
    first: Slice,
    number: u64,
) -> impl Stream<Item = Past> + Send {
    async_stream::stream! {
        yield Past::Part(Bytes::from(format!("retry: {}\n\n", RETRY + number % SPREAD)));
        let mut slice = first;
        loop {
            for change in &slice.changes {
                yield Past::Part(change.block(interest.ids));
            }
            let at = slice.next;
            yield Past::Part(mark(at));
            if !slice.has_more && let Ok(subscription) = poller::join(&hub, &source, at, interest) {
                yield Past::Joined(subscription);
                return;
            }
            slice = match catch_up(&hub, &*source, at, interest).await {
                Ok(slice) => slice,
                Err(end) => return end.count(),
            };
        }
    }
}

/// Reads the next changes that a stream missed, or the reason why it ends. The client goes on at its last token.
async fn catch_up(hub: &Hub, source: &dyn Source, at: Token, interest: Interest) -> Result<Slice, End> {
    if interest.until <= source.time() {
        return Err(End::Expired);
    }
    let read = async {
        if let Of::Conversation(id) = interest.of
            && !interest.reader.may_read(source.readers(&[id]).await?.get(&id))
        {
            return Ok(Err(End::RightLost));
        }
        hub.catch_up(source, at, interest.of).await.map(Ok)
    };
    read.await.unwrap_or_else(|error: FeedError| {
        tracing::debug!(error = explain(&error), "a stream cannot read what it missed");
        Err(End::Lost)
    })
}
