//! Answers of cold that servers keep for each other, in a store that may lose or forge any of them.
//!
//! An answer belongs to one state of hot, its epoch and token, and never changes; the state is part of its key. But cold also
//! proves with each answer that the two databases belong to one instant, and a kept answer proves nothing. A server that gets an
//! answer from cold therefore stores the state for a few seconds, as a **recent proof**. A kept answer is used only if the recent
//! proof of its resource names the same state. After a database was restored from a backup, servers ask cold again within those seconds, and notice it.
//!
//! A value is authenticated by a hash, keyed with the number of the pair, of its own key and content. The number is in both
//! databases and never in the store. A value with another hash is ignored.

use std::fmt;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::reads::HotSnapshot;
use thermocline_database::usage::cache_asked;
use thermocline_database::{Statement, Value};

/// The name of this cache in the metrics.
pub const SHARED: &str = "shared";
/// The largest value in bytes. Larger answers are not kept.
pub const LARGEST: usize = 256 * 1024;

/// The version of keys and values. Another one meets none of these.
const VERSION: u8 = 1;
/// The time for which an answer is kept.
pub(crate) const KEPT_FOR: Duration = Duration::from_mins(10);
/// The time for which a state of hot counts as proven.
pub(crate) const PROVEN_FOR: Duration = Duration::from_secs(5);
/// The size of a seal in bytes.
const SEAL: usize = blake3::OUT_LEN;

/// A store that servers share. It may be slow, empty or gone at any moment.
#[async_trait]
pub trait SharedStore: fmt::Debug + Send + Sync {
    /// Returns the values of two keys, of which it reads [`LARGEST`] bytes at most. A key without a value has an empty one. `None`
    /// if there is no answer in time.
    async fn read(&self, keys: [&str; 2]) -> Option<[Vec<u8>; 2]>;

    /// Stores values soon, or never. The caller does not wait.
    fn write(&self, entries: Vec<Entry>);
}

/// A value to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its key.
    pub key: String,
    /// The value.
    pub value: Vec<u8>,
    /// The time for which it is kept.
    pub kept_for: Duration,
}

/// The answers that the servers of one pair share.
#[derive(Debug)]
pub struct SharedCache {
    store: Arc<dyn SharedStore>,
    namespace: String,
    /// Seals values. It keeps its key from logs.
    sealing: blake3::Hasher,
}

/// The keys of an answer, and the state that it belongs to.
#[derive(Debug)]
pub(crate) struct Question {
    answer: String,
    proof: String,
    snapshot: HotSnapshot,
}

/// Returns the prefix of all keys of a pair. It does not tell the number of the pair.
pub fn namespace(pair: i64) -> String {
    let name =
        blake3::derive_key("thermocline 2026-11 name of a pair in a shared store", &pair.to_be_bytes());
    let name = blake3::Hash::from_bytes(name).to_hex();
    format!("thermocline:{VERSION}:{}", &name[..16])
}

impl SharedCache {
    /// Returns what the servers of a pair share in a store.
    pub fn new(store: Arc<dyn SharedStore>, pair: i64) -> Self {
        let key = blake3::derive_key("thermocline 2026-11 seal of shared answers", &pair.to_be_bytes());
        Self { store, namespace: namespace(pair), sealing: blake3::Hasher::new_keyed(&key) }
    }

    /// Returns the question that a statement with these parameters answers. Its texts are part of it, so that versions of the
    /// program with other columns do not meet.
    pub(crate) fn question(
        &self,
        resource: &str,
        snapshot: HotSnapshot,
        statement: &Statement,
        params: &[Value],
    ) -> Question {
        let mut hasher = blake3::Hasher::new();
        let texts = (statement.for_sqlite(), statement.for_postgres());
        let state = (snapshot.epoch, snapshot.token);
        // Texts are quoted, so that the parts do not run together. A hasher accepts every write.
        let _ = write!(hasher, "{resource:?} {state:?} {texts:?} {params:?}");
        let Self { namespace, .. } = self;
        let answer = format!("{namespace}:answer:{}", hasher.finalize().to_hex());
        Question { answer, proof: format!("{namespace}:proof:{resource}"), snapshot }
    }

    /// Returns the kept answer to a question, if the state of hot that it asks at is proven recently.
    pub(crate) async fn answer(&self, question: &Question) -> Option<Vec<u8>> {
        let found = self.found(question).await;
        cache_asked(SHARED, found.is_some());
        found
    }

    async fn found(&self, Question { answer, proof, snapshot }: &Question) -> Option<Vec<u8>> {
        let [proven, mut kept] = self.store.read([proof, answer]).await?;
        if self.opened(proof, &proven)? != state(*snapshot) {
            return None;
        }
        self.opened(answer, &kept)?;
        kept.drain(..SEAL);
        Some(kept)
    }

    /// Keeps the answer to a question for every server, and notes that its state is proven. `confirmed` is the highest move that
    /// cold knows to be committed in hot.
    pub(crate) fn keep(&self, question: Question, confirmed: i64, answer: &[u8]) {
        let Question { answer: key, proof, snapshot } = question;
        // A reader that was overtaken may show its answer, but others begin with a later state.
        if confirmed > snapshot.epoch || answer.len() + SEAL > LARGEST {
            return;
        }
        let answer = Entry { value: self.sealed(&key, answer), key, kept_for: KEPT_FOR };
        let proof = Entry { value: self.sealed(&proof, &state(snapshot)), key: proof, kept_for: PROVEN_FOR };
        self.store.write(vec![answer, proof]);
    }

    fn seal(&self, key: &str, value: &[u8]) -> blake3::Hash {
        let mut sealing = self.sealing.clone();
        sealing.update(&(key.len() as u64).to_be_bytes()).update(key.as_bytes()).update(value);
        sealing.finalize()
    }

    fn sealed(&self, key: &str, value: &[u8]) -> Vec<u8> {
        [self.seal(key, value).as_bytes(), value].concat()
    }

    /// Returns what was sealed under this key; `None` for anything else.
    fn opened<'a>(&self, key: &str, sealed: &'a [u8]) -> Option<&'a [u8]> {
        let (seal, value) = sealed.split_first_chunk::<SEAL>()?;
        // Compares in constant time.
        (self.seal(key, value) == *seal).then_some(value)
    }
}

/// Returns a state of hot as bytes.
fn state(HotSnapshot { epoch, token, .. }: HotSnapshot) -> Vec<u8> {
    format!("{epoch} {token:?}").into_bytes()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Mutex;

    use proptest::prelude::*;

    use super::*;

    /// A store in memory that keeps everything.
    #[derive(Debug, Default)]
    struct Memory(Mutex<HashMap<String, Vec<u8>>>);

    impl Memory {
        fn change(&self, change: impl Fn(&str, &mut Vec<u8>)) {
            self.0.lock().expect("a lock").iter_mut().for_each(|(key, value)| change(key, value));
        }
    }

    #[async_trait]
    impl SharedStore for Memory {
        async fn read(&self, keys: [&str; 2]) -> Option<[Vec<u8>; 2]> {
            let values = self.0.lock().expect("a lock");
            Some(keys.map(|key| values.get(key).cloned().unwrap_or_default()))
        }

        fn write(&self, entries: Vec<Entry>) {
            let entries = entries.into_iter().map(|entry| (entry.key, entry.value));
            self.0.lock().expect("a lock").extend(entries);
        }
    }

    const BEFORE: HotSnapshot = HotSnapshot { epoch: 3, token: Some(33), cold_watermark: None };

    fn asked(cache: &SharedCache, snapshot: HotSnapshot, params: &[Value]) -> Question {
        let statement = Statement::new("-- test\nSELECT 1");
        cache.question("messages", snapshot, &statement, params)
    }

    async fn answer(cache: &SharedCache, snapshot: HotSnapshot, params: &[Value]) -> Option<Vec<u8>> {
        cache.answer(&asked(cache, snapshot, params)).await
    }

    fn kept(store: &Arc<Memory>) -> SharedCache {
        let cache = SharedCache::new(Arc::clone(store) as _, 7);
        cache.keep(asked(&cache, BEFORE, &["a".into()]), 3, b"rows");
        cache
    }

    #[tokio::test]
    async fn another_server_of_the_pair_finds_an_answer() {
        let store = Arc::new(Memory::default());
        kept(&store);
        let other = SharedCache::new(Arc::clone(&store) as _, 7);
        assert_eq!(answer(&other, BEFORE, &["a".into()]).await.as_deref(), Some(&b"rows"[..]));
        assert_eq!(answer(&other, BEFORE, &["b".into()]).await, None);
        let foreign = SharedCache::new(store as _, 8);
        assert_eq!(answer(&foreign, BEFORE, &["a".into()]).await, None);
    }

    #[tokio::test]
    async fn an_answer_counts_only_at_the_state_that_is_proven() {
        let store = Arc::new(Memory::default());
        let cache = kept(&store);
        let after = HotSnapshot { epoch: 4, token: Some(44), ..BEFORE };
        cache.keep(asked(&cache, after, &["a".into()]), 4, b"other rows");
        assert_eq!(answer(&cache, BEFORE, &["a".into()]).await, None, "hot is older than it was");
        assert_eq!(answer(&cache, after, &["a".into()]).await.as_deref(), Some(&b"other rows"[..]));
        let restored = HotSnapshot { token: Some(45), ..after };
        assert_eq!(answer(&cache, restored, &["a".into()]).await, None, "another move of that number");
        store.0.lock().expect("a lock").retain(|key, _| !key.contains(":proof:"));
        assert_eq!(answer(&cache, after, &["a".into()]).await, None, "the proof is too old");
    }

    #[tokio::test]
    async fn the_answer_of_an_overtaken_reader_and_a_large_one_are_not_kept() {
        let store = Arc::new(Memory::default());
        let cache = SharedCache::new(Arc::clone(&store) as _, 7);
        cache.keep(asked(&cache, BEFORE, &[]), 4, b"rows");
        cache.keep(asked(&cache, BEFORE, &[]), 3, &vec![0; LARGEST]);
        assert!(store.0.lock().expect("a lock").is_empty());
    }

    #[tokio::test]
    async fn no_value_is_taken_for_another() {
        let store = Arc::new(Memory::default());
        let cache = kept(&store);
        cache.keep(asked(&cache, BEFORE, &["b".into()]), 3, b"other rows");
        let other = asked(&cache, BEFORE, &["b".into()]).answer;
        let other = store.0.lock().expect("a lock")[&other].clone();
        store.change(|key, value| {
            if key.contains(":answer:") {
                value.clone_from(&other);
            }
        });
        assert_eq!(answer(&cache, BEFORE, &["a".into()]).await, None);
        assert_eq!(answer(&cache, BEFORE, &["b".into()]).await.as_deref(), Some(&b"other rows"[..]));
    }

    proptest! {
        #[test]
        fn a_changed_value_is_no_answer(place in 0..36usize, flipped in 1..=u8::MAX, cut in 0..36usize, of_proof: bool) {
            let store = Arc::new(Memory::default());
            let cache = kept(&store);
            let part = if of_proof { ":proof:" } else { ":answer:" };
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            let whole = store.0.lock().expect("a lock").clone();
            store.change(|key, value| if key.contains(part) { value[place] ^= flipped });
            prop_assert_eq!(runtime.block_on(answer(&cache, BEFORE, &["a".into()])), None);
            *store.0.lock().expect("a lock") = whole;
            prop_assert!(runtime.block_on(answer(&cache, BEFORE, &["a".into()])).is_some());
            store.change(|key, value| if key.contains(part) { value.truncate(cut) });
            prop_assert_eq!(runtime.block_on(answer(&cache, BEFORE, &["a".into()])), None);
        }
    }
}
