//! The open streams, and the changes of the last seconds.

use std::cmp::Ordering;
use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use super::places::{Places, StreamLimits};
use super::queue::{End, Queue};
use super::source::{Change, FeedError, Of, Readers, Slice, Source, Token, comment, compare, mark};
use crate::clock::Timestamp;
use crate::web::auth::Caller;
use crate::web::ids::IdStyle;

/// The time for which changes are kept for streams that join. Short, since they are given out by the rights of when they
/// came.
const KEPT_FOR: Duration = Duration::from_secs(5);
/// The most changes that are kept.
const KEPT: usize = 4_096;
/// The time after which a quiet stream gets a comment.
const COMMENT_AFTER: Duration = Duration::from_secs(15);
/// Streams that read at the same time what they missed.
const CATCHING_UP: usize = 4;
/// Changes of one such query.
const CATCH_UP_LIMIT: i64 = 500;
/// Counter of events for streams.
const EVENTS: &str = "thermocline_live_events_total";

/// The caller of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reader {
    /// Their id.
    pub user: i64,
    /// Whether they may read every conversation.
    pub admin: bool,
}

impl From<&Caller> for Reader {
    fn from(caller: &Caller) -> Self {
        Self { user: caller.user_id, admin: caller.admin }
    }
}

impl Reader {
    /// Returns whether they may read a conversation with these users, or one that does not exist.
    pub fn may_read(&self, users: Option<&[Option<i64>; 2]>) -> bool {
        users.is_some_and(|users| self.admin || users.contains(&Some(self.user)))
    }
}

/// The changes that a stream gives out, and how.
#[derive(Clone, Copy, Debug)]
pub struct Interest {
    /// The conversations.
    pub of: Of,
    /// Whose stream it is.
    pub reader: Reader,
    /// How ids are written.
    pub ids: IdStyle,
    /// When it ends.
    pub until: Timestamp,
}

impl Interest {
    /// Returns whether the change is among them. `users` are those of its conversation.
    fn includes(&self, change: &Change, users: Option<&[Option<i64>; 2]>) -> bool {
        match self.of {
            Of::All => true,
            Of::Conversation(id) => id == change.conversation,
            Of::User(id) => users.is_some_and(|users| users.contains(&Some(id))),
        }
    }
}

/// The open streams of a server.
#[derive(Debug)]
pub struct Hub {
    /// How many there may be.
    pub places: Arc<Places>,
    state: Mutex<State>,
    catching_up: Semaphore,
    /// Told when the last stream has left.
    pub(super) emptied: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// None while no poller runs.
    shared: Option<Shared>,
    next: u64,
    /// The streams of each topic, by number.
    topics: HashMap<Of, HashMap<u64, Arc<Joined>>>,
}

/// The changes that the poller has delivered.
#[derive(Debug)]
struct Shared {
    /// Every change below it was delivered.
    position: Token,
    /// The changes between this token and the position are still here.
    kept_from: Token,
    kept: VecDeque<Kept>,
}

#[derive(Debug)]
struct Kept {
    at: Instant,
    change: Change,
    users: Option<[Option<i64>; 2]>,
}

/// A stream that has joined the others.
#[derive(Debug)]
struct Joined {
    interest: Interest,
    /// Changes up to this token were sent by other means.
    from: Token,
    queue: Queue,
}

/// The place of a stream among the others, until it is dropped.
#[derive(Debug)]
pub struct Subscription {
    hub: Arc<Hub>,
    number: u64,
    joined: Arc<Joined>,
}

/// The token of a stream lies before the changes that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behind;

impl Hub {
    /// Returns no streams yet.
    pub fn new(limits: StreamLimits) -> Arc<Self> {
        Arc::new(Self {
            places: Places::new(limits),
            state: Mutex::default(),
            catching_up: Semaphore::new(CATCHING_UP),
            emptied: Notify::new(),
        })
    }

    /// Returns whether a stream may join at a token that a client sent, without a query that proves it.
    pub fn holds(&self, token: Token) -> bool {
        let state = self.lock();
        state
            .shared
            .as_ref()
            .is_some_and(|shared| is_past(token, shared.kept_from) && is_past(shared.position, token))
    }

    /// Reads what a stream missed, few streams at a time.
    pub async fn catch_up(&self, source: &dyn Source, at: Token, of: Of) -> Result<Slice, FeedError> {
        let _permit = self.catching_up.acquire().await;
        source.changes(at, of, CATCH_UP_LIMIT).await
    }

    /// Lets a stream that has sent everything below `at` join the others. Returns also whether it is the first, for which a
    /// poller has to be started.
    ///
    /// # Errors
    /// [`Behind`] if the changes since `at` are not all kept: they have to be read by a query.
    pub(super) fn join(
        self: &Arc<Self>,
        at: Token,
        interest: Interest,
    ) -> Result<(Subscription, bool), Behind> {
        let now = Instant::now();
        let mut state = self.lock();
        let joined = Arc::new(Joined { interest, from: at, queue: Queue::new(now) });
        let is_first = state.shared.is_none();
        match &state.shared {
            Some(shared) if is_past(at, shared.kept_from) => {
                for Kept { change, users, .. } in &shared.kept {
                    if interest.includes(change, users.as_ref()) {
                        joined.give(change, users.as_ref(), now);
                    }
                }
            }
            Some(_) => return Err(Behind),
            None => state.shared = Some(Shared { position: at, kept_from: at, kept: VecDeque::new() }),
        }
        let number = state.next;
        state.next += 1;
        state.topics.entry(interest.of).or_default().insert(number, Arc::clone(&joined));
        Ok((Subscription { hub: Arc::clone(self), number, joined }, is_first))
    }

    /// Returns the token to poll from; `None` ends the poller, because no stream is open.
    pub(super) fn position(&self) -> Option<Token> {
        let mut state = self.lock();
        if state.topics.is_empty() {
            state.shared = None;
        }
        state.shared.as_ref().map(|shared| shared.position)
    }

    /// Gives changes to the streams that they concern.
    pub(super) fn deliver(&self, slice: Slice, readers: &Readers, now: Instant) {
        let mut state = self.lock();
        let State { shared: Some(shared), topics, .. } = &mut *state else { return };
        for change in slice.changes {
            let users = readers.get(&change.conversation);
            let of_users = users.into_iter().flatten().flatten();
            let concerned = [Of::All, Of::Conversation(change.conversation)];
            for topic in concerned.into_iter().chain(distinct(of_users).map(Of::User)) {
                for joined in topics.get(&topic).into_iter().flat_map(HashMap::values) {
                    joined.give(&change, users, now);
                }
            }
            shared.kept.push_back(Kept { at: now, change, users: users.copied() });
        }
        shared.position = slice.next;
        shared.forget(now);
    }

    /// Ends every stream: the source cannot go on.
    pub(super) fn lose(&self) {
        let mut state = self.lock();
        state.shared = None;
        state.each(|joined| joined.queue.end(End::Lost));
    }

    /// Ends the streams whose time has come, and sends comments to quiet ones.
    pub(super) fn tend(&self, now: Instant, time: Timestamp) {
        let state = self.lock();
        let position = state.shared.as_ref().map(|shared| shared.position);
        state.each(|joined| {
            if joined.interest.until <= time {
                joined.queue.end(End::Expired);
            } else if joined.queue.last() + COMMENT_AFTER <= now {
                let passed = position.filter(|position| is_past(*position, joined.from));
                joined.queue.push(passed.map_or_else(comment, mark), now);
            }
        });
    }

    /// Returns the conversations that have streams of their own.
    pub(super) fn watched(&self) -> Vec<i64> {
        let conversation = |of: &Of| match of {
            Of::Conversation(id) => Some(*id),
            _ => None,
        };
        self.lock().topics.keys().filter_map(conversation).collect()
    }

    /// Ends the streams of conversations that their callers may not read any more.
    pub(super) fn check_rights(&self, asked: &[i64], readers: &Readers) {
        let state = self.lock();
        for id in asked {
            for joined in state.topics.get(&Of::Conversation(*id)).into_iter().flat_map(HashMap::values) {
                if !joined.interest.reader.may_read(readers.get(id)) {
                    joined.queue.end(End::RightLost);
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns whether everything before `earlier` lies before `token` too.
fn is_past(token: Token, earlier: Token) -> bool {
    compare(token, earlier).is_some_and(Ordering::is_ge)
}

/// Returns the users of a conversation, once each: one may talk with themselves.
fn distinct<'a>(users: impl Iterator<Item = &'a i64>) -> impl Iterator<Item = i64> {
    let mut seen = None;
    users.copied().filter(move |user| seen.replace(*user) != Some(*user))
}

impl State {
    fn each(&self, visit: impl Fn(&Joined)) {
        self.topics.values().flat_map(HashMap::values).for_each(|joined| visit(joined));
    }
}

impl Shared {
    /// Forgets the changes that are too old or too many.
    fn forget(&mut self, now: Instant) {
        while let Some(oldest) = self.kept.front()
            && (self.kept.len() > KEPT || oldest.at + KEPT_FOR <= now)
        {
            self.kept_from = oldest.change.next;
            self.kept.pop_front();
        }
        if self.kept.is_empty() {
            self.kept_from = self.position;
        }
    }
}

impl Joined {
    /// Puts a change of its interest into the queue, or ends the stream if its caller may not read it.
    fn give(&self, change: &Change, users: Option<&[Option<i64>; 2]>, now: Instant) {
        // A token of another pair is not comparable: the next query of its client says so.
        if compare(change.next, self.from) != Some(Ordering::Greater) {
            return;
        }
        let Interest { of, reader, ids, .. } = self.interest;
        if matches!(of, Of::Conversation(_)) && !reader.may_read(users) {
            self.queue.end(End::RightLost);
            return;
        }
        metrics::counter!(EVENTS).increment(1);
        self.queue.push(change.block(ids), now);
    }
}

impl Subscription {
    /// Returns the next part to send; `None` at the end of the stream.
    pub async fn next(&self) -> Option<Bytes> {
        poll_fn(|cx| self.joined.queue.poll_next(cx)).await
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut state = self.hub.lock();
        let of = self.joined.interest.of;
        if let Some(streams) = state.topics.get_mut(&of) {
            streams.remove(&self.number);
            if streams.is_empty() {
                state.topics.remove(&of);
            }
        }
        if state.topics.is_empty() {
            self.hub.emptied.notify_one();
        }
    }
}
