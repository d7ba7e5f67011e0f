//! Messages in bursts, with ties and with ids out of time order, and the conversations that they result in.

use std::iter;

use rand::RngExt;
use rand::rngs::StdRng;

use super::talks::{BUSIEST, LATE, MARGIN, NEWEST, Talk};
use super::timeline::Timeline;
use super::{CONVERSATIONS, Conversation, DemoPlan, Message, Stream, skewed, text};
use crate::clock::{DAY, Timestamp};

const SECOND: i64 = 1_000_000;
/// The longest pause within a burst.
const PAUSE: i64 = 45 * SECOND;

/// A message without its content.
struct Envelope {
    id: i64,
    conversation: i64,
    sender: i64,
    at: Timestamp,
}

impl DemoPlan {
    /// Returns the conversations by id. Generates the times of all messages to find the newest of each.
    pub fn conversations(self) -> impl Iterator<Item = Conversation> + Send + 'static {
        let mut newest = [Timestamp::MIN; CONVERSATIONS];
        for envelope in self.envelopes() {
            let at = &mut newest[envelope.conversation as usize - 1];
            *at = envelope.at.max(*at);
        }
        iter::zip(self.talks(), newest).map(|(talk, newest)| {
            let created_at = Timestamp::default().plus(talk.opened);
            Conversation {
                id: talk.id,
                user1_id: talk.user1,
                user2_id: talk.user2,
                created_at,
                updated_at: newest.max(created_at),
            }
        })
    }

    /// Returns the messages by id.
    pub fn messages(self) -> impl Iterator<Item = Message> + Send + 'static {
        let mut rng = self.rng(Stream::Contents, 0);
        self.envelopes().map(move |envelope| {
            let fresh = envelope.at > self.now.plus(-3 * DAY);
            Message {
                id: envelope.id,
                conversation_id: envelope.conversation,
                sender_id: envelope.sender,
                content: text::message(&mut rng),
                created_at: envelope.at,
                is_read: rng.random_ratio(if fresh { 700 } else { 992 }, 1000),
            }
        })
    }

    /// Returns the conversation with the most messages and the user who started it.
    pub(super) fn busiest(self) -> (i64, i64) {
        let mut counts = [0_u32; CONVERSATIONS];
        for envelope in self.envelopes() {
            counts[envelope.conversation as usize - 1] += 1;
        }
        iter::zip(counts, self.talks())
            .max_by_key(|(count, _)| *count)
            .map_or((BUSIEST, 1), |(_, talk)| (talk.id, talk.user1))
    }

    fn envelopes(self) -> Envelopes {
        let timeline = Timeline::new(self.now, self.messages);
        Envelopes {
            rng: self.rng(Stream::Envelopes, 0),
            talks: self.talks(),
            timeline,
            total: self.messages,
            newest_from: self.messages - self.newest_messages(),
            sent: 0,
            clock: timeline.begin(),
            left: 0,
            pause: 0,
            talk: 0,
            guest_writes: false,
        }
    }
}

/// Walks the timeline in bursts, each in one conversation.
struct Envelopes {
    rng: StdRng,
    talks: Vec<Talk>,
    timeline: Timeline,
    total: usize,
    newest_from: usize,
    sent: usize,
    clock: i64,
    left: usize,
    pause: i64,
    talk: usize,
    guest_writes: bool,
}

impl Envelopes {
    fn begin_burst(&mut self) {
        let end = if self.sent < self.newest_from { self.newest_from } else { self.total };
        self.left = (skewed(&mut self.rng, 39, 1) as usize + 1).min(end - self.sent);
        let due = self.timeline.at(self.sent);
        let until = self.timeline.at(self.sent + 1);
        // Anywhere in its interval: the timeline is a regular grid.
        self.clock = self.clock.max(self.rng.random_range(due..=until));
        // A burst ends before the next one begins, however dense the messages are, so that time never passes `now`.
        let room = self.timeline.at(self.sent + self.left) - self.clock;
        self.pause = (room / self.left as i64).clamp(0, PAUSE);
        self.talk = self.choose();
        self.guest_writes = self.rng.random();
    }

    /// Returns the position of the conversation of the next burst.
    fn choose(&mut self) -> usize {
        if self.sent >= self.newest_from {
            return NEWEST as usize - 1;
        }
        let at = self.clock;
        let open = |talk: &Talk| talk.opened + MARGIN <= at && at <= talk.closed;
        let busiest = BUSIEST as usize - 1;
        if open(&self.talks[busiest]) && self.rng.random_ratio(1, 3) {
            return busiest;
        }
        let weights = self.talks.iter().map(|talk| if open(talk) { talk.weight } else { 0 });
        let mut drawn = self.rng.random_range(0..weights.clone().sum::<u32>().max(1));
        for (position, weight) in weights.enumerate() {
            if drawn < weight {
                return position;
            }
            drawn -= weight;
        }
        0
    }
}

impl Iterator for Envelopes {
    type Item = Envelope;

    fn next(&mut self) -> Option<Envelope> {
        if self.sent == self.total {
            return None;
        }
        let before = self.clock;
        if self.left == 0 {
            self.begin_burst();
        } else if self.rng.random_ratio(93, 100) {
            self.clock += self.rng.random_range(0..=self.pause);
        } // else a tie: two messages sent in one request
        if self.rng.random_ratio(12, 100) {
            // An older client that stamps whole seconds.
            self.clock = before.max(self.clock - self.clock.rem_euclid(SECOND));
        }
        let late = if self.rng.random_ratio(4, 1000) {
            // Written offline, and stored when the connection returned.
            self.rng.random_range(1..=LATE)
        } else {
            0
        };
        if self.rng.random_ratio(45, 100) {
            self.guest_writes = !self.guest_writes;
        }
        self.left -= 1;
        self.sent += 1;
        let talk = &self.talks[self.talk];
        Some(Envelope {
            id: self.sent as i64,
            conversation: talk.id,
            sender: talk.user2.filter(|_| self.guest_writes).unwrap_or(talk.user1),
            at: Timestamp::default().plus(self.clock - late),
        })
    }
}
