//! Keys that an issuer publishes at a URL and may change at any time (a JWK Set, RFC 7517).
//!
//! A task of its own fetches the set: regularly, so that a withdrawn key ends without a request, and soon after a token came
//! that no key verifies. Requests never fetch; one with a known key never waits.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use jsonwebtoken::jwk::Jwk;
use serde::Deserialize;
use tokio::sync::{Mutex, Notify, Semaphore, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::keys::Key;
use crate::telemetry::explain;

/// The time limit of a fetch.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The longest time a request waits for the next fetch.
const WAIT: Duration = Duration::from_secs(7);
/// The number of requests that may wait. Further ones are refused at once: the fetch is under way anyway.
const WAITING: usize = 512;
/// The largest set that is read.
const MAX_BYTES: usize = 1 << 20;

/// The interval between fetches of the key set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// The time between two regular fetches.
    pub age: Duration,
    /// The same after a failed one.
    pub retry: Duration,
    /// The least time between two fetches: anybody can send tokens that name unknown keys.
    pub pause: Duration,
    /// The time for which the last set is used while no other arrives.
    pub kept: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            age: Duration::from_mins(5),
            retry: Duration::from_secs(30),
            pause: Duration::from_secs(1),
            kept: Duration::from_hours(24),
        }
    }
}

/// Why the set could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The request failed.
    #[error("the keys cannot be fetched")]
    Request(#[from] reqwest::Error),
    /// The response is too large.
    #[error("the answer is larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// The response is not a JWK Set.
    #[error("the answer is not a JWK Set")]
    Malformed(#[from] serde_json::Error),
    /// The set has no usable key.
    #[error("there is no key for RS256, ES256 or EdDSA")]
    NoKeys,
}

/// The keys of one fetch.
#[derive(Default)]
struct Keys {
    /// Names need not be unique.
    named: HashMap<String, Vec<Arc<Key>>>,
    unnamed: Vec<Arc<Key>>,
    /// All of them, for tokens that name none.
    all: Vec<Arc<Key>>,
}

/// The published keys as they were last fetched, and the task that fetches them.
pub(super) struct Published {
    set: Arc<KeySet>,
    task: OnceLock<AbortHandle>,
    /// One permit for each request that may wait.
    waiting: Semaphore,
}

impl Drop for Published {
    fn drop(&mut self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

impl Published {
    pub fn new(url: &str, pace: Pace) -> Result<Self, FetchError> {
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            // A redirect could lead out of https; the settings can name the target itself.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("thermocline/", env!("CARGO_PKG_VERSION")))
            .build()?;
        let set = KeySet {
            url: url.to_owned(),
            client,
            pace,
            keys: RwLock::new(None),
            last_begun: Mutex::new(None),
            begun: AtomicU64::new(0),
            ended: watch::Sender::new(0),
            wanted: Notify::new(),
        };
        Ok(Self { set: Arc::new(set), task: OnceLock::new(), waiting: Semaphore::new(WAITING) })
    }

    /// Returns the keys of this name or, where none has it, those without a name; without a name, all of them.
    pub fn keys(&self, name: Option<&str>) -> Vec<Arc<Key>> {
        let keys = self.set.keys.read().unwrap_or_else(PoisonError::into_inner);
        let Some((keys, fetched)) = keys.as_ref() else { return Vec::new() };
        if fetched.elapsed() > self.set.pace.kept {
            return Vec::new();
        }
        match name {
            Some(name) => keys.named.get(name).unwrap_or(&keys.unnamed).clone(),
            None => keys.all.clone(),
        }
    }

    /// Fetches the set now, and from then on regularly.
    pub async fn fetch(&self) -> Result<(), FetchError> {
        let fetched = self.set.fetch().await;
        self.keep_fetching();
        fetched
    }

    /// Waits for a fetch that begins after this call. Returns false without one.
    pub async fn renewed(&self) -> bool {
        let Ok(_place) = self.waiting.try_acquire() else { return false };
        self.keep_fetching();
        let begun = self.set.begun.load(Ordering::SeqCst);
        let mut ended = self.set.ended.subscribe();
        self.set.wanted.notify_one();
        let next = tokio::time::timeout(WAIT, ended.wait_for(|ended| *ended > begun)).await;
        next.is_ok_and(|waited| waited.is_ok())
    }

    /// Starts the task, once.
    fn keep_fetching(&self) {
        self.task.get_or_init(|| tokio::spawn(keep_fetching(Arc::clone(&self.set))).abort_handle());
    }
}

/// The keys, and how to fetch them.
struct KeySet {
    url: String,
    client: reqwest::Client,
    pace: Pace,
    keys: RwLock<Option<(Arc<Keys>, Instant)>>,
    /// When the last fetch began, and whether it succeeded. Locked during a fetch.
    last_begun: Mutex<Option<(Instant, bool)>>,
    /// The number of the last fetch that began.
    begun: AtomicU64,
    /// The number of the last fetch that ended.
    ended: watch::Sender<u64>,
    /// Notified when a token came that no key verifies.
    wanted: Notify,
}

/// Fetches the set for ever: regularly, and when it is wanted.
async fn keep_fetching(set: Arc<KeySet>) {
    loop {
        let (regular, earliest) = match *set.last_begun.lock().await {
            Some((begun, succeeded)) => {
                let wait = if succeeded { set.pace.age } else { set.pace.retry };
                (begun + wait, begun + set.pace.pause)
            }
            None => (Instant::now(), Instant::now()),
        };
        tokio::select! {
            () = tokio::time::sleep_until(regular) => {}
            () = set.wanted.notified() => {}
        }
        tokio::time::sleep_until(earliest).await;
        if let Err(error) = set.fetch().await {
            let hours = set.pace.kept.as_secs() / 3_600;
            tracing::error!(
                error = explain(&error),
                "published keys cannot be fetched; the last ones are used for {hours} h"
            );
        }
    }
}

impl KeySet {
    /// Fetches the set now; after a fetch that is under way.
    async fn fetch(&self) -> Result<(), FetchError> {
        let mut last = self.last_begun.lock().await;
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        *last = Some((Instant::now(), false));
        let fetched = self.get().await;
        if let Ok(keys) = &fetched {
            *self.keys.write().unwrap_or_else(PoisonError::into_inner) =
                Some((Arc::clone(keys), Instant::now()));
            if let Some((_, succeeded)) = last.as_mut() {
                *succeeded = true;
            }
        }
        self.ended.send_replace(number);
        fetched.map(|_| ())
    }

    async fn get(&self) -> Result<Arc<Keys>, FetchError> {
        let mut answer = self.client.get(&self.url).send().await?.error_for_status()?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_BYTES {
                return Err(FetchError::TooLarge);
            }
        }
        read(&body).map(Arc::new)
    }
}

/// Returns the usable keys of a set. Keys of unknown types are skipped.
fn read(body: &[u8]) -> Result<Keys, FetchError> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<serde_json::Value>,
    }
    let set: Set = serde_json::from_slice(body)?;
    let mut keys = Keys::default();
    for key in set.keys {
        let Ok(jwk) = serde_json::from_value::<Jwk>(key) else { continue };
        let Some(key) = Key::jwk(&jwk).map(Arc::new) else { continue };
        keys.all.push(Arc::clone(&key));
        match jwk.common.key_id {
            Some(name) => keys.named.entry(name).or_default().push(key),
            None => keys.unnamed.push(key),
        }
    }
    if keys.all.is_empty() { Err(FetchError::NoKeys) } else { Ok(keys) }
}
