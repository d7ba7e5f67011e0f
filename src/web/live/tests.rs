//! Streams over a source in memory.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::BodyDataStream;
use futures::StreamExt as _;
use tokio::time::Instant;

use super::stream::Opening;
use super::*;
use crate::clock::Timestamp;
use crate::feed::Position;
use crate::tier::{Tier, TierError};
use crate::web::ids::IdStyle;

/// The longest wait for a thing that has to happen.
const PATIENCE: Duration = Duration::from_mins(1);
const FAR: Timestamp = Timestamp::MAX;

fn token(version: i64) -> Token {
    Token { incarnation: 1, position: Position::first_of(version) }
}

/// A feed in memory: the number of a change is its version.
#[derive(Default)]
struct Memory {
    /// The conversation of each change.
    changes: Vec<i64>,
    users: Readers,
    /// Tokens below it have expired.
    floor: i64,
    fails: bool,
    time: Timestamp,
}

#[derive(Default)]
struct Fake {
    memory: Mutex<Memory>,
    shared_polls: AtomicUsize,
}

impl Fake {
    fn with_users(users: &[(i64, [Option<i64>; 2])]) -> Arc<Self> {
        let fake = Self::default();
        fake.memory().users = users.iter().copied().collect();
        Arc::new(fake)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().expect("a lock")
    }

    fn add(&self, conversation: i64) {
        self.memory().changes.push(conversation);
    }
}

#[async_trait]
impl Source for Fake {
    async fn now(&self) -> Result<Token, FeedError> {
        Ok(token(self.memory().changes.len() as i64))
    }

    async fn changes(&self, since: Token, of: Of, limit: i64) -> Result<Slice, FeedError> {
        tokio::task::yield_now().await;
        if of == Of::All {
            self.shared_polls.fetch_add(1, Ordering::SeqCst);
        }
        let memory = self.memory();
        if memory.fails {
            return Err(TierError::Unavailable { tier: Tier::Hot, source: "away".into() }.into());
        }
        let first = since.position.version;
        if first < memory.floor {
            return Err(FeedError::Expired);
        }
        let concerns = |conversation: i64| match of {
            Of::All => true,
            Of::Conversation(id) => id == conversation,
            Of::User(id) => memory.users.get(&conversation).is_some_and(|users| users.contains(&Some(id))),
        };
        let all = memory.changes.iter().enumerate().skip(first as usize);
        let mut found = all.map(|(version, conversation)| (version as i64, *conversation));
        let mut found = found.by_ref().filter(|(_, conversation)| concerns(*conversation));
        let changes: Vec<Change> = found
            .by_ref()
            .take(limit as usize)
            .map(|(version, conversation)| {
                Change::new(
                    token(version + 1),
                    conversation,
                    "message",
                    format!("{{\"id\":{version}}}").as_bytes(),
                )
            })
            .collect();
        let has_more = found.next().is_some();
        let end = memory.changes.len() as i64;
        let next =
            if has_more { changes.last().map_or(since, |change| change.next) } else { token(end.max(first)) };
        Ok(Slice { changes, next, has_more })
    }

    async fn readers(&self, conversations: &[i64]) -> Result<Readers, FeedError> {
        let memory = self.memory();
        let known = conversations.iter().filter_map(|id| Some((*id, *memory.users.get(id)?)));
        Ok(known.collect())
    }

    fn time(&self) -> Timestamp {
        self.memory().time
    }
}

/// A client of one stream.
struct Client {
    body: BodyDataStream,
    text: String,
    /// The last id it received.
    last: Option<Token>,
}

async fn open(hub: &Arc<Hub>, source: &Arc<Fake>, of: Of, user: i64, since: Option<Token>) -> Client {
    let opening = Opening {
        hub: Arc::clone(hub),
        source: Arc::clone(source) as _,
        interest: Interest { of, reader: Reader { user, admin: false }, ids: IdStyle::Number, until: FAR },
        place: hub.places.take(user).expect("a place"),
    };
    let first = opening.begin(since).await.expect("it begins");
    Client { body: opening.body(first, 0).into_data_stream(), text: String::new(), last: since }
}

impl Client {
    /// Returns the id of the next message; `None` at the end of the stream.
    async fn next(&mut self) -> Option<i64> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let block: String = self.text.drain(..end + 2).collect();
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
                self.last = field("id: ").map(|id| id.parse().expect("a token")).or(self.last);
                if let Some(data) = field("data: ") {
                    let data: serde_json::Value = serde_json::from_str(data).expect("JSON");
                    return data["id"].as_i64();
                }
                continue;
            }
            let part = tokio::time::timeout(PATIENCE, self.body.next()).await.expect("it goes on")?;
            self.text.push_str(std::str::from_utf8(&part.expect("a part")).expect("UTF-8"));
        }
    }

    /// Reads until this message has come.
    async fn until(&mut self, last: i64) -> Vec<i64> {
        let mut ids = Vec::new();
        while ids.last() != Some(&last) {
            ids.push(self.next().await.expect("it goes on"));
        }
        ids
    }
}

async fn soon(what: &str, is_true: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_true() {
        assert!(begun.elapsed() < PATIENCE, "still not: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Streams that begin at any time, from any token, while changes come in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_stream_has_every_change_once_in_order() {
    const CHANGES: i64 = 3_000;
    let source =
        Fake::with_users(&[(1, [Some(10), Some(11)]), (2, [Some(10), None]), (3, [Some(12), Some(12)])]);
    let hub = Hub::new(StreamLimits::default());
    let conversation =
        |version: i64| if version == CHANGES { 1 } else { 1 + (version * 7 + version / 5) % 3 };
    let writer = tokio::spawn({
        let source = Arc::clone(&source);
        async move {
            for version in 0..=CHANGES {
                source.add(conversation(version));
                if version % 10 == 0 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        }
    });
    let mut clients = Vec::new();
    for number in 0..60_i64 {
        let (hub, source) = (Arc::clone(&hub), Arc::clone(&source));
        clients.push(tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis((number * 5) as u64)).await;
            let now = source.now().await.expect("a token").position.version;
            let since = now * (number % 4) / 3;
            let since = since.min(now);
            let (of, user, concerned): (_, _, &[i64]) = match number % 3 {
                0 => (Of::Conversation(1), 11, &[1]),
                1 => (Of::User(10), 10, &[1, 2]),
                _ => (Of::Conversation(2), 10, &[2]),
            };
            // The last change of all concerns all but the third kind.
            let expected: Vec<i64> =
                (since..=CHANGES).filter(|version| concerned.contains(&conversation(*version))).collect();
            let last = *expected.last().expect("a change");
            let mut client = open(&hub, &source, of, user, Some(token(since))).await;
            assert_eq!(client.until(last).await, expected, "{of:?} from {since}");
        }));
    }
    writer.await.expect("it writes");
    for client in clients {
        client.await.expect("it read everything");
    }
    soon("the poller ends", || Arc::strong_count(&source) == 1).await;
}

#[tokio::test]
async fn one_poller_asks_for_all_streams_and_ends_with_the_last() {
    let source = Fake::with_users(&[(1, [Some(10), Some(11)])]);
    let hub = Hub::new(StreamLimits::default());
    let mut clients = Vec::new();
    for _ in 0..100 {
        clients.push(open(&hub, &source, Of::Conversation(1), 10, None).await);
    }
    source.add(1);
    for client in &mut clients {
        assert_eq!(client.next().await, Some(0));
    }
    let polls = source.shared_polls.load(Ordering::SeqCst);
    assert!(polls < 100, "{polls} polls for a hundred streams");
    drop(clients);
    // Each poller holds the source.
    soon("the poller ends", || Arc::strong_count(&source) == 1).await;
}

#[tokio::test]
async fn a_slow_client_is_dropped_and_goes_on_where_it_was() {
    let source = Fake::with_users(&[(1, [Some(10), None])]);
    let hub = Hub::new(StreamLimits::default());
    let mut client = open(&hub, &source, Of::Conversation(1), 10, None).await;
    source.add(1);
    let mut seen = vec![client.next().await.expect("a change")];
    for _ in 0..10_000 {
        source.add(1);
    }
    // It reads nothing while the others get everything.
    let mut other = open(&hub, &source, Of::Conversation(1), 10, client.last).await;
    assert_eq!(other.until(10_000).await, (1..=10_000).collect::<Vec<_>>());
    soon("the poller has given everything out", || hub.holds(token(10_001))).await;
    let mut drops = 0;
    while seen.last() != Some(&10_000) {
        if let Some(id) = client.next().await {
            seen.push(id);
        } else {
            drops += 1;
            client = open(&hub, &source, Of::Conversation(1), 10, client.last).await;
        }
    }
    assert_eq!(seen, (0..=10_000).collect::<Vec<_>>());
    assert!(drops > 0, "nothing of ten thousand changes was held back");
}

#[tokio::test]
async fn streams_survive_a_database_that_is_away_but_not_a_lost_past() {
    let source = Fake::with_users(&[(1, [Some(10), None])]);
    let hub = Hub::new(StreamLimits::default());
    let mut client = open(&hub, &source, Of::Conversation(1), 10, None).await;
    source.add(1);
    assert_eq!(client.next().await, Some(0));
    source.memory().fails = true;
    let polls = source.shared_polls.load(Ordering::SeqCst);
    soon("a failed poll", || source.shared_polls.load(Ordering::SeqCst) > polls).await;
    source.add(1);
    source.memory().fails = false;
    assert_eq!(client.next().await, Some(1));
    source.memory().floor = 1_000;
    assert_eq!(client.next().await, None);
}

#[tokio::test]
async fn a_right_that_is_lost_ends_a_stream() {
    let source = Fake::with_users(&[(1, [Some(10), Some(11)]), (2, [Some(10), None])]);
    let hub = Hub::new(StreamLimits::default());
    let mut one = open(&hub, &source, Of::Conversation(1), 11, None).await;
    let mut all = open(&hub, &source, Of::User(11), 11, None).await;
    source.add(1);
    assert_eq!((one.next().await, all.next().await), (Some(0), Some(0)));
    source.memory().users = Readers::from([(1, [Some(10), None]), (2, [Some(10), Some(11)])]);
    // With the next message, at the latest.
    source.add(1);
    source.add(2);
    assert_eq!(one.next().await, None);
    assert_eq!(all.next().await, Some(2), "what was gained is there");
    // Without a message too.
    let mut quiet = open(&hub, &source, Of::Conversation(2), 11, None).await;
    source.add(2);
    assert_eq!(quiet.next().await, Some(3));
    assert_eq!(hub.watched(), [2]);
    hub.check_rights(&[2], &Readers::from([(2, [Some(10), None])]));
    assert_eq!(quiet.next().await, None);
}

#[tokio::test]
async fn quiet_streams_get_comments_and_end_with_their_tokens() {
    let source = Fake::with_users(&[(1, [Some(10), None])]);
    let hub = Hub::new(StreamLimits::default());
    let mut client = open(&hub, &source, Of::Conversation(1), 10, None).await;
    source.add(1);
    assert_eq!(client.next().await, Some(0));
    // A change that is none of its business moves the token on all the same.
    source.add(2);
    soon("the change of another conversation", || hub.holds(token(2))).await;
    let now = Instant::now();
    hub.tend(now + Duration::from_secs(14), Timestamp::default());
    hub.tend(now + Duration::from_secs(16), Timestamp::default());
    let part = client.body.next().await.expect("a part").expect("a part");
    assert_eq!(part, format!(": \nid: {}\n\n", token(2)).as_bytes());
    hub.tend(now, FAR);
    assert_eq!(client.next().await, None);
}
