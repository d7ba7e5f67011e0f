//! Who talks to whom and since when: one conversation that never stops, a long tail, some asleep for
//! months, one just begun, one empty. What they say is [`chat`](super::chat)'s.

use rand::seq::index;

use super::timeline::Timeline;
use super::{CONVERSATIONS, Plan, Stream, USERS, skewed};
use crate::clock::DAY;

/// Takes a third of all messages, so that its pages go deep.
pub(super) const BUSIEST: i64 = 7;
/// Those that ended long before the boundary, with the percentage of the years at which they did.
const ENDED: [(i64, i64); 3] = [(5, 40), (12, 60), (20, 80)];
/// Those in which one user writes alone.
const ALONE: [i64; 2] = [9, 31];
const EMPTY: i64 = CONVERSATIONS as i64 - 1;
/// Holds the last few messages of all.
pub(super) const NEWEST: i64 = CONVERSATIONS as i64;
/// The users who begin conversations; the others are each in one at most.
const HOSTS: usize = 40;
/// The furthest an id steps back in time, in microseconds.
pub(super) const LATE: i64 = 90_000_000;
/// A conversation is this much older than its first burst, so that nothing late precedes it.
pub(super) const MARGIN: i64 = 2 * LATE;

/// A conversation before anyone has written: who, when, and how much.
pub(super) struct Talk {
    pub id: i64,
    pub user1: i64,
    pub user2: Option<i64>,
    pub opened: i64,
    pub closed: i64,
    pub weight: u32,
}

impl Plan {
    /// How many messages the conversation that has just begun holds.
    pub(super) fn newest_messages(self) -> usize {
        (self.messages / 1000).clamp(1, 12).min(self.messages)
    }

    /// The conversations, by id.
    pub(super) fn talks(self) -> Vec<Talk> {
        let mut rng = self.rng(Stream::Talks, 0);
        let timeline = Timeline::new(self.now, self.messages);
        let begin = timeline.begin();
        let span = self.now.micros() - begin;
        let just_begun = timeline.at(self.messages - self.newest_messages()) - MARGIN;
        // Each guest once: no pair of users has two conversations.
        let guests = index::sample(&mut rng, USERS - HOSTS, CONVERSATIONS);
        let ranks = index::sample(&mut rng, CONVERSATIONS, CONVERSATIONS);
        (1..)
            .zip(guests.iter().zip(ranks.iter()))
            .map(|(id, (guest, rank))| {
                let host = skewed(&mut rng, HOSTS as i64 - 1, 1) + 1;
                let ended = ENDED.iter().find(|(ended, _)| *ended == id);
                // Many in the beginning and fewer later, as a platform's first users fill it.
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
