//! The data `thermocline demo` shows itself with: made from a seed, plausible, and full of the cases
//! that break readers (ties, ids out of time order, wildcards, emoji, days without a trade).
//!
//! Pure: no database, no HTTP, no clock. The same [`Plan`] gives the same records for ever, as iterators
//! that hold a screenful at most, so that a demo of millions costs no more memory than one of hundreds.

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

/// How many users there are; their ids are 1 to this.
pub const USERS: usize = 200;
/// How many conversations there are; their ids are 1 to this.
pub const CONVERSATIONS: usize = 60;
/// The age at which the demo archives; a little more than a sixth of the messages and posts is younger.
pub const RECENT_DAYS: i64 = 30;
/// How far back the records reach.
pub const SPAN_DAYS: i64 = 3 * 365 + 1;

/// What to make. Two equal plans make equal records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Everything random follows from it.
    pub seed: u64,
    /// The instant nothing is later than.
    pub now: Timestamp,
    /// How many messages, over all conversations.
    pub messages: usize,
    /// How many posts; comments and likes come with them.
    pub posts: usize,
}

/// What the demo's printout points at, so that every line it prints finds something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The conversation with the most messages.
    pub conversation: i64,
    /// One of its two users, who is in several other conversations too.
    pub user: i64,
    /// An ASCII word that its messages hold on both sides of the boundary.
    pub word: &'static str,
    /// A Chinese one of which the same holds.
    pub han_word: &'static str,
    /// The post with the most comments.
    pub post: i64,
    /// A stock that trades every day.
    pub symbol: &'static str,
}

impl Plan {
    /// The demo's own size: 120,000 messages and 1,500 posts.
    pub fn new(seed: u64, now: Timestamp) -> Self {
        Self { seed, now, messages: 120_000, posts: 1_500 }
    }

    /// The boundary between old and recent: [`RECENT_DAYS`] before `now`.
    pub fn boundary(self) -> Timestamp {
        self.now.plus(-RECENT_DAYS * DAY)
    }

    /// What to point at. Reads through the messages and posts once.
    ///
    /// The words are sure to occur on both sides only where there are enough messages for it: a few
    /// thousand do.
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

    /// A generator of its own for every kind of record, and within a kind for every `item` that needs
    /// one: drawing more for one leaves the others as they were.
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

/// 0 to `max`, leaning to 0 the more the larger `times`: what few have much of and most have little.
fn skewed(rng: &mut StdRng, max: i64, times: u32) -> i64 {
    (0..=times).fold(max, |top, _| rng.random_range(0..=top))
}
