//! Keys that an issuer publishes at a URL and may change at any time (a JWK Set, RFC 7517).

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jsonwebtoken::jwk::Jwk;
use serde::Deserialize;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;

use super::keys::Key;
use crate::telemetry::explain;

/// The time limit of a fetch.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The largest set that is read.
const MAX_BYTES: usize = 1 << 20;

/// Limits on how often the set is fetched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// The age at which keys are fetched again, so that a withdrawn key does not stay valid for ever.
    pub age: Duration,
    /// The least time between two fetches: anybody can send tokens that name unknown keys.
    pub pause: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { age: Duration::from_mins(5), pause: Duration::from_secs(10) }
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
struct Keys {
    named: HashMap<String, Arc<Key>>,
    /// The key for tokens that name none, if the set has one key only.
    only: Option<Arc<Key>>,
}

/// The published keys as they were last fetched.
pub(super) struct Published {
    url: String,
    client: reqwest::Client,
    pace: Pace,
    keys: RwLock<Option<(Arc<Keys>, Instant)>>,
    /// When the set was last requested. Locked during a request.
    requested: Mutex<Option<Instant>>,
}

impl Published {
    pub fn new(url: &str, pace: Pace) -> Result<Self, FetchError> {
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            // A redirect could lead out of https; the settings can name the target itself.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("thermocline/", env!("CARGO_PKG_VERSION")))
            .build()?;
        let (keys, requested) = (RwLock::new(None), Mutex::new(None));
        Ok(Self { url: url.to_owned(), client, pace, keys, requested })
    }

    /// Returns the key of this name; without a name, the only key.
    pub fn key(&self, name: Option<&str>) -> Option<Arc<Key>> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let (keys, _) = keys.as_ref()?;
        match name {
            Some(name) => keys.named.get(name).cloned(),
            None => keys.only.clone(),
        }
    }

    /// Returns whether the keys should be fetched again. They stay usable until then.
    pub fn are_old(&self) -> bool {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.as_ref().is_none_or(|(_, seen)| seen.elapsed() >= self.pace.age)
    }

    /// Fetches the set, unless that was tried a moment ago. Concurrent calls wait for one fetch. Logs a failure.
    pub async fn refresh_or_log(&self) {
        if let Err(error) = self.refresh().await {
            tracing::error!(error = explain(&error), "published keys cannot be fetched");
        }
    }

    async fn refresh(&self) -> Result<(), FetchError> {
        let requested = self.requested.lock().await;
        if requested.is_some_and(|requested| requested.elapsed() < self.pace.pause) {
            return Ok(());
        }
        self.replace(requested).await
    }

    /// Fetches the set now.
    pub async fn fetch(&self) -> Result<(), FetchError> {
        self.replace(self.requested.lock().await).await
    }

    async fn replace(&self, mut requested: MutexGuard<'_, Option<Instant>>) -> Result<(), FetchError> {
        *requested = Some(Instant::now());
        let keys = Arc::new(self.get().await?);
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Some((keys, Instant::now()));
        Ok(())
    }

    async fn get(&self) -> Result<Keys, FetchError> {
        let mut answer = self.client.get(&self.url).send().await?.error_for_status()?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_BYTES {
                return Err(FetchError::TooLarge);
            }
        }
        read(&body)
    }
}

/// Returns the usable keys of a set. Keys of unknown types are skipped.
fn read(body: &[u8]) -> Result<Keys, FetchError> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<serde_json::Value>,
    }
    let set: Set = serde_json::from_slice(body)?;
    let mut named = HashMap::new();
    let mut all = Vec::new();
    for key in set.keys {
        let Ok(jwk) = serde_json::from_value::<Jwk>(key) else { continue };
        let Some(key) = Key::jwk(&jwk).map(Arc::new) else { continue };
        all.push(Arc::clone(&key));
        if let Some(name) = jwk.common.key_id {
            named.insert(name, key);
        }
    }
    let only = match &all[..] {
        [] => return Err(FetchError::NoKeys),
        [only] => Some(Arc::clone(only)),
        _ => None,
    };
    Ok(Keys { named, only })
}
