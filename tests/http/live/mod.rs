//! The change feed: as JSON, as streams, with tickets.

mod json;
mod refusals;
mod streams;
mod tickets;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::Value as Json;
use tempfile::TempDir;
use thermocline::load::nouns;
use thermocline::tier::migrate::{self, live};
use thermocline::tier::{Sqlite, Tier, Value};

use crate::support::{Service, conversation, cutoff};

/// The longest wait for a thing that has to happen.
const PATIENCE: Duration = Duration::from_mins(1);
/// The changes of the conversation of users 1 and 2.
const CHANGES: &str = "/api/conversations/1/messages/changes";
/// The changes of every conversation of the caller.
const ALL: &str = "/api/changes";

/// A service whose database has a feed, with the conversations 1 (users 1 and 2), 2 (users 1 and 3) and 3 (user 3 alone).
struct Live {
    service: Service,
    next: AtomicI64,
    _folder: TempDir,
}

impl Live {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let open = async |tier: Tier| {
            let path = folder.path().join(tier.name());
            let database = Sqlite::open(thermocline::schema::of(tier), &path).await.expect("a database");
            migrate::upgrade(&database).await.expect("a schema");
            Arc::new(database)
        };
        let (hot, cold) = (open(Tier::Hot).await, open(Tier::Cold).await);
        assert!(live::install(&*hot, 1).await.expect("a feed"), "it was there before");
        let service = Service::over(hot, cold, Duration::from_secs(30)).await;
        let begun = cutoff(0);
        let users = [(1, 1, Some(2)), (2, 1, Some(3)), (3, 3, None)];
        let talks = users.map(|(id, one, other)| conversation(id, one, other, begun));
        service.load(&nouns::CONVERSATIONS, talks.into()).await;
        Self { service, next: AtomicI64::new(1), _folder: folder }
    }

    /// Writes a message into hot, as the platform does, dated so many seconds after the boundary. Returns its id.
    async fn write(&self, conversation: i64, content: &str, seconds: i64) -> i64 {
        let id = self.next.fetch_add(1, Ordering::SeqCst);
        let params =
            [id.into(), conversation.into(), Value::from(content), cutoff(seconds * 1_000_000).into()];
        self.service
            .in_hot(
                "-- name: write\nINSERT INTO messages (id, conversation_id, sender_id, content, created_at, is_read) \
                 VALUES ($1, $2, 1, $3, $4, 0)",
                &params,
            )
            .await;
        id
    }

    async fn mark_read(&self, id: i64) {
        let sql = "-- name: mark_read\nUPDATE messages SET is_read = 1 WHERE id = $1";
        self.service.in_hot(sql, &[id.into()]).await;
    }

    /// Returns the token of now.
    async fn now(&self) -> String {
        let body = self.service.json(1, ALL).await;
        assert_eq!((&body["messages"], &body["has_more"]), (&Json::Array(Vec::new()), &false.into()));
        body["next"].as_str().expect("a token").to_owned()
    }

    /// Opens a stream as this user.
    async fn stream(&self, user: i64, path: &str) -> Stream {
        let request = self.service.request(Method::GET, path).bearer_auth(self.service.token(user));
        Stream::open(request.header("accept", "text/event-stream")).await
    }

    /// Opens a stream of what happens from now on.
    async fn stream_from_now(&self, user: i64, path: &str) -> Stream {
        self.stream(user, path).await.begun().await
    }
}

/// An event of a stream.
#[derive(Clone, Debug, PartialEq)]
struct Event {
    name: String,
    id: String,
    data: Json,
}

/// A client of a stream.
struct Stream {
    response: reqwest::Response,
    text: String,
    /// The last id that it received.
    last: String,
}

impl Stream {
    async fn open(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.expect("an answer");
        let status = response.status();
        let headers = response.headers().clone();
        assert_eq!(status, 200, "{:?}", response.text().await);
        assert_eq!(headers["content-type"], "text/event-stream");
        assert_eq!(headers["x-accel-buffering"], "no");
        assert!(headers.get("content-encoding").is_none() && headers.get("etag").is_none(), "{headers:?}");
        Self { response, text: String::new(), last: String::new() }
    }

    /// Returns the next event; `None` at the end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.block().await? {
                return Some(event);
            }
        }
    }

    /// Reads until the stream has said where it begins: it has every later change.
    async fn begun(mut self) -> Self {
        while self.last.is_empty() {
            assert_eq!(self.block().await.expect("it begins"), None, "an event before the first id");
        }
        self
    }

    /// Returns the ids of the messages of the next events.
    async fn ids(&mut self, count: usize) -> Vec<i64> {
        let mut ids = Vec::new();
        while ids.len() < count {
            let event = self.next().await.expect("it goes on");
            ids.push(event.data["id"].as_i64().expect("an id"));
        }
        ids
    }

    /// Reads a block; `Some(None)` if it is no event.
    async fn block(&mut self) -> Option<Option<Event>> {
        while !self.text.contains("\n\n") {
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await;
            let chunk = chunk.expect("it goes on").expect("the stream is whole")?;
            self.text.push_str(std::str::from_utf8(&chunk).expect("UTF-8"));
        }
        let end = self.text.find("\n\n").expect("a block") + 2;
        let block: String = self.text.drain(..end).collect();
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
        if let Some(id) = field("id: ") {
            id.clone_into(&mut self.last);
        }
        let Some(data) = field("data: ") else { return Some(None) };
        let event = Event {
            name: field("event: ").expect("a name").to_owned(),
            id: field("id: ").expect("an id").to_owned(),
            data: serde_json::from_str(data).expect("JSON"),
        };
        Some(Some(event))
    }
}
