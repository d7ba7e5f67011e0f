//! When each connection was last active, and when it is therefore given up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::Version;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::limits::Limits;

/// A stalled client that read this many bytes within the write time-out is slow and not gone.
const PROGRESS: u64 = 16 * 1024;

/// Why a connection is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// The header of a request began and was not sent in time.
    Header,
    /// No request was sent.
    Idle,
    /// The client does not read.
    Write,
}

/// The activity of one connection.
#[derive(Debug)]
pub struct Activity {
    state: Mutex<State>,
    /// Told when the connection has to make room for another one.
    pub evicted: Notify,
}

#[derive(Debug)]
struct State {
    /// Requests in progress.
    requests: usize,
    /// Whether the connection speaks HTTP/2, in which other frames than requests arrive.
    http2: bool,
    /// Bytes arrived since the last request began.
    received: bool,
    /// When the header of a request began; for the first request, when the connection was opened.
    header_since: Option<Instant>,
    idle_since: Instant,
    /// Whether parts of answers wait to be written.
    unsent: bool,
    /// Bytes written so far.
    written: u64,
    /// Since when the client reads nothing, and the bytes written until then.
    stalled: Option<(Instant, u64)>,
    /// Bodies that have more to say and are not asked for it, by number: HTTP/2 holds each stream back on its own.
    held_back: HashMap<u64, Instant>,
    next_body: u64,
}

impl Activity {
    /// Returns the activity of a connection that was opened at `now`.
    pub fn new(now: Instant) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                requests: 0,
                http2: false,
                received: false,
                header_since: Some(now),
                idle_since: now,
                unsent: false,
                written: 0,
                stalled: None,
                held_back: HashMap::new(),
                next_body: 0,
            }),
            evicted: Notify::new(),
        })
    }

    /// Notes that a request begins.
    pub fn begin(self: &Arc<Self>, version: Version) -> InProgress {
        let mut state = self.lock();
        state.requests += 1;
        state.http2 = version == Version::HTTP_2;
        state.received = false;
        state.header_since = None;
        let body = state.next_body;
        state.next_body += 1;
        InProgress { activity: Arc::clone(self), body }
    }

    /// Notes that bytes arrived.
    pub fn read(&self, now: Instant) {
        let mut state = self.lock();
        if state.requests == 0 {
            state.received = true;
            state.header_since.get_or_insert(now);
        }
    }

    /// Notes that there is something to write.
    pub fn writing(&self) {
        self.lock().unsent = true;
    }

    /// Notes that the client took bytes.
    pub fn wrote(&self, bytes: usize) {
        self.lock().written += bytes as u64;
    }

    /// Notes that the client takes no more bytes for now.
    pub fn stalled(&self, now: Instant) {
        let mut state = self.lock();
        let written = state.written;
        state.stalled.get_or_insert((now, written));
    }

    /// Notes that the client took everything there was.
    pub fn flushed(&self, now: Instant) {
        let mut state = self.lock();
        state.stalled = None;
        if state.unsent {
            state.unsent = false;
            state.idle_since = now;
        }
    }

    /// Returns since when there is nothing to answer; `None` while there is.
    pub fn idle_since(&self) -> Option<Instant> {
        let state = self.lock();
        state.is_idle().then_some(state.idle_since)
    }

    /// Returns whether a part of a header arrived.
    pub fn is_in_header(&self) -> bool {
        let state = self.lock();
        state.is_idle() && state.received && !state.http2
    }

    /// Returns when to ask again, or why the connection is given up.
    pub fn check(&self, now: Instant, limits: &Limits) -> Result<Instant, Expiry> {
        let mut state = self.lock();
        // Nothing that begins after this check can expire earlier.
        let shortest = limits.header_timeout.min(limits.idle_timeout).min(limits.write_timeout);
        let mut next = now + shortest;
        let mut expires = |at: Instant, expiry| {
            if at <= now {
                return Err(expiry);
            }
            next = next.min(at);
            Ok(())
        };
        if let Some((since, written)) = state.stalled {
            if since + limits.write_timeout <= now && state.written - written >= PROGRESS {
                state.stalled = Some((now, state.written));
            } else {
                expires(since + limits.write_timeout, Expiry::Write)?;
            }
        }
        if let Some(since) = state.held_back.values().min() {
            expires(*since + limits.write_timeout, Expiry::Write)?;
        }
        if state.is_idle() {
            match state.header_since {
                Some(since) if !state.http2 => expires(since + limits.header_timeout, Expiry::Header)?,
                _ => expires(state.idle_since + limits.idle_timeout, Expiry::Idle)?,
            }
        }
        Ok(next)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_idle(&self) -> bool {
        self.requests == 0 && !self.unsent
    }
}

/// A request in progress, until its body is handed over.
#[derive(Debug)]
pub struct InProgress {
    activity: Arc<Activity>,
    body: u64,
}

impl InProgress {
    /// Notes that a part of the body was handed over and more may follow.
    pub fn handed_over(&self, now: Instant) {
        self.activity.lock().held_back.insert(self.body, now);
    }

    /// Notes that more of the body is asked for.
    pub fn asked_for(&self) {
        self.activity.lock().held_back.remove(&self.body);
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        let mut state = self.activity.lock();
        state.requests -= 1;
        state.held_back.remove(&self.body);
        if state.requests == 0 {
            state.idle_since = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// An activity and its time.
    struct Observed {
        activity: Arc<Activity>,
        now: Instant,
    }

    impl Observed {
        fn new() -> Self {
            let now = Instant::now();
            Self { activity: Activity::new(now), now }
        }

        /// Begins and ends a request.
        fn answer(&mut self, version: Version) {
            drop(self.activity.begin(version));
            // A request ends at the time of the machine.
            self.now = self.now.max(Instant::now());
        }

        fn pass(&mut self, seconds: u64) {
            self.now += Duration::from_secs(seconds);
        }

        fn expiry(&self) -> Option<Expiry> {
            self.activity.check(self.now, &Limits::default()).err()
        }
    }

    #[test]
    fn the_header_has_its_own_time() {
        let mut client = Observed::new();
        client.pass(9);
        assert_eq!(client.expiry(), None);
        client.activity.read(client.now);
        client.pass(1);
        assert_eq!(client.expiry(), Some(Expiry::Header), "a byte does not prolong it");
        client.answer(Version::HTTP_11);
        client.pass(60);
        assert_eq!(client.expiry(), None, "an idle connection may stay longer");
        client.activity.read(client.now);
        client.pass(9);
        assert_eq!(client.expiry(), None, "the next header begins with its first byte");
        client.pass(1);
        assert_eq!(client.expiry(), Some(Expiry::Header));
    }

    #[test]
    fn frames_of_http2_are_no_header_and_do_not_prolong_an_idle_connection() {
        let mut client = Observed::new();
        client.answer(Version::HTTP_2);
        for _ in 0..7 {
            client.activity.read(client.now);
            client.pass(10);
            assert_eq!(client.expiry(), None);
        }
        client.activity.read(client.now);
        client.pass(5);
        assert_eq!(client.expiry(), Some(Expiry::Idle));
    }

    #[test]
    fn a_slow_reader_is_not_a_stalled_one() {
        let mut client = Observed::new();
        let _request = client.activity.begin(Version::HTTP_11);
        client.pass(1_000);
        assert_eq!(client.expiry(), None, "a request may take its time");
        client.activity.stalled(client.now);
        client.pass(30);
        client.activity.wrote(PROGRESS as usize);
        assert_eq!(client.expiry(), None);
        client.pass(29);
        client.activity.wrote(PROGRESS as usize - 1);
        assert_eq!(client.expiry(), None);
        client.pass(1);
        assert_eq!(client.expiry(), Some(Expiry::Write));
        client.activity.flushed(client.now);
        assert_eq!(client.expiry(), None);
    }

    #[test]
    fn a_connection_is_not_idle_until_the_answer_is_sent() {
        let mut client = Observed::new();
        client.answer(Version::HTTP_11);
        client.activity.writing();
        client.pass(1_000);
        assert_eq!((client.expiry(), client.activity.idle_since()), (None, None));
        client.activity.flushed(client.now);
        assert_eq!(client.activity.idle_since(), Some(client.now));
    }

    #[test]
    fn a_body_that_is_not_asked_for_is_a_stall() {
        let mut client = Observed::new();
        let request = client.activity.begin(Version::HTTP_2);
        request.handed_over(client.now);
        client.pass(29);
        assert_eq!(client.expiry(), None);
        request.asked_for();
        client.pass(1_000);
        assert_eq!(client.expiry(), None, "a body may take its time");
        request.handed_over(client.now);
        client.pass(30);
        assert_eq!(client.expiry(), Some(Expiry::Write));
    }

    #[test]
    fn no_expiry_is_overslept() {
        let mut client = Observed::new();
        client.answer(Version::HTTP_11);
        let limits = Limits::default();
        let next = client.activity.check(client.now, &limits).expect("it is idle");
        assert!(next <= client.now + limits.header_timeout, "a header may begin at any moment");
    }
}
