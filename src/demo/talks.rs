//! The conversations before any message: one that is always busy, a long tail, some that ended months ago, a new one, and
//! an empty one. [`chat`](super::chat) generates their messages.

use rand::seq::index;

use super::timeline::Timeline;
use super::{CONVERSATIONS, DemoPlan, Stream, USERS, skewed};
use crate::clock::DAY;

/// The conversation with a third of all messages, for deep pages.
pub(super) const BUSIEST: i64 = 7;
/// The conversations that ended long before the boundary, and when, as a percentage of the whole time.
const ENDED: [(i64, i64); 3] = [(5, 40), (12, 60), (20, 80)];
/// The conversations in which only one user writes.
const ALONE: [i64; 2] = [9, 31];
const EMPTY: i64 = CONVERSATIONS as i64 - 1;
/// The conversation with the newest messages.
pub(super) const NEWEST: i64 = CONVERSATIONS as i64;
/// The number of users who start conversations; the others take part in one at most.
const HOSTS: usize = 40;
/// The most that a message is late, in microseconds.
pub(super) const LATE: i64 = 90_000_000;
/// The time from the start of a conversation to its first burst, so that no late message precedes it.
pub(super) const MARGIN: i64 = 2 * LATE;

/// A conversation: its users, times, and share of the messages.
pub(super) struct Talk {
    pub id: i64,
    pub user1: i64,
    pub user2: Option<i64>,
    pub opened: i64,
    pub closed: i64,
    pub weight: u32,
}

impl DemoPlan {
    /// Returns the number of messages of the newest conversation.
    pub(super) fn newest_messages(self) -> usize {
        (self.messages / 1000).clamp(1, 12).min(self.messages)
    }

    /// Returns the conversations by id.
    pub(super) fn talks(self) -> Vec<Talk> {
        let mut rng = self.rng(Stream::Talks, 0);
        let timeline = Timeline::new(self.now, self.messages);
        let begin = timeline.begin();
        let span = self.now.micros() - begin;
        let just_begun = timeline.at(self.messages - self.newest_messages()) - MARGIN;
        // Each guest takes part once, so that no pair of users has two conversations.
        let guests = index::sample(&mut rng, USERS - HOSTS, CONVERSATIONS);
        let ranks = index::sample(&mut rng, CONVERSATIONS, CONVERSATIONS);
        (1..)
            .zip(guests.iter().zip(ranks.iter()))
            .map(|(id, (guest, rank))| {
                let host = skewed(&mut rng, HOSTS as i64 - 1, 1) + 1;
                let ended = ENDED.iter().find(|(ended, _)| *ended == id);
                // More conversations start early than late.
                let age = (id - 1) * (id - 1) * 9_000 / (NEWEST * NEWEST);
                Talk {
                    id,
                    user1: if id == BUSIEST { 1 } else { host },
                    user2: (!ALONE.contains(&id)).then_some((HOSTS + guest) as i64 + 1),
                    opened: match id {
                        EMPTY => just_begun - DAY,
                        NEWEST => just_begun,
                        _ => begin - MARGIN + span / 10_000 * age,
                    },
                    closed: ended.map_or(i64::MAX, |(_, percent)| begin + span / 100 * percent),
                    weight: match id {
                        EMPTY | NEWEST | BUSIEST => 0,
                        _ => 1_000_000 / (rank as u32 + 5).pow(2),
                    },
                }
            })
            .collect()
    }
}
