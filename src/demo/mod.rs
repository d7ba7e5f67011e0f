//! The data of `thermocline demo`: plausible, generated from a seed, and full of cases that break readers (ties, ids out of
//! time order, wildcards, emoji, days without a trade).
//!
//! Pure: no database, no HTTP, no clock. The same [`DemoPlan`] always gives the same records, as iterators that hold few
//! records at a time.

mod board;
mod chat;
mod market;
mod people;
mod records;
mod talks;
mod text;
mod timeline;

#[cfg(test)]
mod tests;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::clock::{DAY, Timestamp};

pub use records::{Comment, Conversation, Like, Message, Post, Price, Stock, User};

/// The number of users; their ids start at 1.
pub const USERS: usize = 200;
/// The number of conversations; their ids start at 1.
pub const CONVERSATIONS: usize = 60;
/// The age in days at which the demo archives rows. 18 % of the messages and posts are younger.
pub const RECENT_DAYS: i64 = 30;
/// The age of the oldest records, in days.
pub const SPAN_DAYS: i64 = 3 * 365 + 1;

/// The size and seed of a demo. Equal plans give equal records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemoPlan {
    /// The seed of all randomness.
    pub seed: u64,
    /// The latest instant of any record.
    pub now: Timestamp,
    /// The number of messages in all conversations.
    pub messages: usize,
    /// The number of posts; they come with comments and likes.
    pub posts: usize,
}

/// Ids and words for the requests that the demo prints, so that each of them finds something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The conversation with the most messages.
    pub conversation: i64,
    /// One of its two users, who takes part in other conversations too.
    pub user: i64,
    /// An ASCII word that occurs in its messages on both sides of the boundary.
    pub word: &'static str,
    /// A Chinese word that does so too.
    pub han_word: &'static str,
    /// The post with the most comments.
    pub post: i64,
    /// A stock that trades every day.
    pub symbol: &'static str,
}

impl DemoPlan {
    /// Returns a plan of the default size: 120,000 messages and 1,500 posts.
    pub fn new(seed: u64, now: Timestamp) -> Self {
        Self { seed, now, messages: 120_000, posts: 1_500 }
    }

    /// Returns the boundary between old and recent rows: [`RECENT_DAYS`] before `now`.
    pub fn boundary(self) -> Timestamp {
        self.now.plus(-RECENT_DAYS * DAY)
    }

    /// Returns what the printed requests refer to. Generates all messages and posts once.
    ///
    /// The words occur on both sides of the boundary if there are a few thousand messages.
    pub fn facts(self) -> Facts {
        let (conversation, user) = self.busiest();
        let [mut words, mut han_words] = [text::TOPICS, text::HAN_TOPICS]
            .map(|topics| topics.iter().map(|word| (*word, [0, 0])).collect::<Vec<_>>());
        for message in self.messages() {
            if message.conversation_id != conversation {
                continue;
            }
            let side = usize::from(message.created_at >= self.boundary());
            for (word, counts) in words.iter_mut().chain(&mut han_words) {
                counts[side] += usize::from(message.content.contains(*word));
            }
        }
        let [word, han_word] = [words, han_words].map(|words| {
            let best = words.iter().max_by_key(|(_, counts)| counts.iter().min());
            best.map_or("", |(word, _)| word)
        });
        Facts { conversation, user, word, han_word, post: self.most_discussed(), symbol: market::SYMBOL }
    }

    /// Returns a generator for one kind of record and one `item` of that kind, so that draws for one do not change the others.
    fn rng(self, stream: Stream, item: usize) -> StdRng {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.seed.to_le_bytes());
        seed[8] = stream as u8;
        seed[16..24].copy_from_slice(&(item as u64).to_le_bytes());
        StdRng::from_seed(seed)
    }
}

/// The independent sources of randomness.
#[derive(Clone, Copy)]
enum Stream {
    Talks = 1,
    Envelopes,
    Contents,
    Posts,
    PostTimes,
    CommentTimes,
    Comments,
    Likes,
    Prices,
}

/// Draws from 0 to `max`, with more weight near 0 the larger `times` is.
fn skewed(rng: &mut StdRng, max: i64, times: u32) -> i64 {
    (0..=times).fold(max, |top, _| rng.random_range(0..=top))
}
