//! Asks the source for changes while there are streams.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::hub::{Behind, Hub, Interest, Subscription};
use super::pace::{Pace, SLOWEST};
use super::source::{FeedError, Of, Readers, Source, Token};
use crate::telemetry::explain;

/// Changes of one query. If there are more, the next one follows at once.
const LIMIT: i64 = 1_000;
/// The time between two looks at the streams themselves.
const TENDED_EVERY: Duration = Duration::from_secs(1);
/// The time between two looks at the rights of quiet streams.
const RIGHTS_EVERY: Duration = Duration::from_secs(5);
/// Counter of queries for all streams.
const POLLS: &str = "thermocline_live_polls_total";

/// Lets a stream that has sent everything below `at` join the others. The first one starts the poller.
///
/// # Errors
/// [`Behind`] if the changes since `at` are not all kept: they have to be read by a query.
pub fn join(
    hub: &Arc<Hub>,
    source: &Arc<dyn Source>,
    at: Token,
    interest: Interest,
) -> Result<Subscription, Behind> {
    let (subscription, is_first) = hub.join(at, interest)?;
    if is_first {
        tokio::spawn(run(Arc::clone(hub), Arc::clone(source)));
    }
    Ok(subscription)
}

/// Polls until no stream is open.
async fn run(hub: Arc<Hub>, source: Arc<dyn Source>) {
    tokio::select! {
        () = poll(&hub, &*source) => {}
        never = tend(&hub, &*source) => match never {},
        never = watch_rights(&hub, &*source) => match never {},
    }
}

async fn poll(hub: &Hub, source: &dyn Source) {
    let mut pace = Pace::default();
    let mut fails = false;
    while let Some(position) = hub.position() {
        let wait = match deliver(hub, source, position).await {
            Ok(Progress::More) => continue,
            Ok(progress) => {
                fails = false;
                pace.after(progress == Progress::News)
            }
            Err(FeedError::Expired) => {
                tracing::warn!("the changes since the last ones are gone, streams begin anew");
                return hub.lose();
            }
            Err(error) => {
                // Streams stay: their clients could do no more than wait.
                if !std::mem::replace(&mut fails, true) {
                    tracing::warn!(error = explain(&error), "changes cannot be read");
                }
                SLOWEST
            }
        };
        tokio::select! {
            () = sleep(wait) => {}
            () = hub.emptied.notified() => {}
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// No change.
    None,
    /// All changes there were.
    News,
    /// Some, and there are more.
    More,
}

async fn deliver(hub: &Hub, source: &dyn Source, position: Token) -> Result<Progress, FeedError> {
    metrics::counter!(POLLS).increment(1);
    let slice = source.changes(position, Of::All, LIMIT).await?;
    let conversations: BTreeSet<i64> = slice.changes.iter().map(|change| change.conversation).collect();
    let conversations: Vec<i64> = conversations.into_iter().collect();
    // After the changes, so that a user who joined a conversation before a message was written receives the message.
    let readers =
        if conversations.is_empty() { Readers::default() } else { source.readers(&conversations).await? };
    let progress = match (slice.has_more, slice.changes.is_empty()) {
        (true, _) => Progress::More,
        (false, true) => Progress::None,
        (false, false) => Progress::News,
    };
    hub.deliver(slice, &readers, Instant::now());
    Ok(progress)
}

async fn tend(hub: &Hub, source: &dyn Source) -> Infallible {
    loop {
        sleep(TENDED_EVERY).await;
        hub.tend(Instant::now(), source.time());
    }
}

async fn watch_rights(hub: &Hub, source: &dyn Source) -> Infallible {
    loop {
        sleep(RIGHTS_EVERY).await;
        let watched = hub.watched();
        if watched.is_empty() {
            continue;
        }
        // While the database is unavailable nothing is delivered either.
        if let Ok(readers) = source.readers(&watched).await {
            hub.check_rights(&watched, &readers);
        }
    }
}
