//! Keys that an issuer publishes at a URL and changes when it likes (a JWK Set, RFC 7517).

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jsonwebtoken::jwk::Jwk;
use serde::Deserialize;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;

use super::keys::Key;

/// What the set may take to come, and how large it may be.
const PATIENCE: Duration = Duration::from_secs(5);
const MOST_BYTES: usize = 1 << 20;

/// How often the set is fetched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Keys this old are fetched again, so that one that was withdrawn is not good for ever.
    pub age: Duration,
    /// Between two fetches, whatever unknown keys tokens name: anybody can name one.
    pub pause: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { age: Duration::from_mins(5), pause: Duration::from_secs(10) }
    }
}

/// The set could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No answer, or no good one.
    #[error("the keys cannot be fetched")]
    Request(#[from] reqwest::Error),
    /// It is larger than any set of keys.
    #[error("the answer is larger than {MOST_BYTES} bytes")]
    TooLarge,
    /// It is something else.
    #[error("the answer is no JWK Set")]
    Malformed(#[from] serde_json::Error),
    /// Nothing in it can be used.
    #[error("there is no key for RS256, ES256 or EdDSA")]
    NoKeys,
}

/// The keys of one fetch.
struct Keys {
    named: HashMap<String, Arc<Key>>,
    /// What a token that names none is verified with: the only key there is.
    only: Option<Arc<Key>>,
}

/// The published keys, as they were last seen.
pub(super) struct Published {
    url: String,
    client: reqwest::Client,
    pace: Pace,
    keys: RwLock<Option<(Arc<Keys>, Instant)>>,
    /// When the set was last asked for. Held while it is.
    asked: Mutex<Option<Instant>>,
}

impl Published {
    pub fn new(url: &str, pace: Pace) -> Result<Self, FetchError> {
        let client = reqwest::Client::builder()
            .timeout(PATIENCE)
            // A set that is elsewhere is named by its own URL: nothing is followed out of https.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("thermocline/", env!("CARGO_PKG_VERSION")))
            .build()?;
        let (keys, asked) = (RwLock::new(None), Mutex::new(None));
        Ok(Self { url: url.to_owned(), client, pace, keys, asked })
    }

    /// The key with this name, among those that were last seen.
    pub fn key(&self, name: Option<&str>) -> Option<Arc<Key>> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let (keys, _) = keys.as_ref()?;
        match name {
            Some(name) => keys.named.get(name).cloned(),
            None => keys.only.clone(),
        }
    }

    /// Whether the keys should be fetched again, though they may be used until then.
    pub fn are_old(&self) -> bool {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.as_ref().is_none_or(|(_, seen)| seen.elapsed() >= self.pace.age)
    }

    /// Fetches the set, unless that was tried a moment ago. Whoever comes while it is being fetched waits for that.
    pub async fn refresh(&self) -> Result<(), FetchError> {
        let asked = self.asked.lock().await;
        if asked.is_some_and(|asked| asked.elapsed() < self.pace.pause) {
            return Ok(());
        }
        self.replace(asked).await
    }

    /// Fetches the set now.
    pub async fn fetch(&self) -> Result<(), FetchError> {
        self.replace(self.asked.lock().await).await
    }

    async fn replace(&self, mut asked: MutexGuard<'_, Option<Instant>>) -> Result<(), FetchError> {
        *asked = Some(Instant::now());
        let keys = Arc::new(self.get().await?);
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Some((keys, Instant::now()));
        Ok(())
    }

    async fn get(&self) -> Result<Keys, FetchError> {
        let mut answer = self.client.get(&self.url).send().await?.error_for_status()?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > MOST_BYTES {
                return Err(FetchError::TooLarge);
            }
        }
        read(&body)
    }
}

/// The keys of a set that can be used. One that cannot be read is for somebody else.
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
