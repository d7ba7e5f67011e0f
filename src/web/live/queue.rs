//! The parts of a stream that wait for its client.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use tokio::time::Instant;

/// The most parts that wait for a client.
const PARTS: usize = 2_048;
/// The most bytes that wait for a client, unless one part alone is larger.
const BYTES: usize = 1024 * 1024;
/// Counter of streams that ended by themselves, by reason.
const ENDED: &str = "thermocline_live_ended_total";

/// Why the server ended a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The client reads more slowly than changes come.
    Slow,
    /// The token of the caller has expired.
    Expired,
    /// The caller may not read the conversation any more.
    RightLost,
    /// The source cannot go on where it was, or the client has to begin anew.
    Lost,
}

impl End {
    const fn name(self) -> &'static str {
        match self {
            Self::Slow => "slow",
            Self::Expired => "expired",
            Self::RightLost => "right_lost",
            Self::Lost => "lost",
        }
    }

    /// Counts the end of a stream.
    pub fn count(self) {
        metrics::counter!(ENDED, "reason" => self.name()).increment(1);
    }
}

/// A bounded queue with one reader.
#[derive(Debug)]
pub struct Queue(Mutex<Waiting>);

#[derive(Debug)]
struct Waiting {
    parts: VecDeque<Bytes>,
    bytes: usize,
    end: Option<End>,
    reader: Option<Waker>,
    /// When the last part came.
    last: Instant,
}

impl Queue {
    /// Returns an empty queue.
    pub fn new(now: Instant) -> Self {
        Self(Mutex::new(Waiting { parts: VecDeque::new(), bytes: 0, end: None, reader: None, last: now }))
    }

    /// Adds a part. A queue without room for it ends: its reader has what it had taken, and goes on from there.
    pub fn push(&self, part: Bytes, now: Instant) {
        let mut waiting = self.lock();
        if waiting.end.is_some() {
            return;
        }
        let has_room = waiting.parts.len() < PARTS && waiting.bytes + part.len() <= BYTES;
        if !has_room && !waiting.parts.is_empty() {
            waiting.parts = VecDeque::new();
            waiting.bytes = 0;
            waiting.finish(End::Slow);
            return;
        }
        waiting.bytes += part.len();
        waiting.parts.push_back(part);
        waiting.last = now;
        waiting.wake();
    }

    /// Ends the queue after the parts that wait.
    pub fn end(&self, why: End) {
        let mut waiting = self.lock();
        if waiting.end.is_none() {
            waiting.finish(why);
        }
    }

    /// Returns when the last part came.
    pub fn last(&self) -> Instant {
        self.lock().last
    }

    /// Takes the next part; `None` at the end.
    pub fn poll_next(&self, cx: &Context<'_>) -> Poll<Option<Bytes>> {
        let mut waiting = self.lock();
        if let Some(part) = waiting.parts.pop_front() {
            waiting.bytes -= part.len();
            if waiting.parts.is_empty() {
                // Ten thousand quiet streams keep no room for the burst they once had.
                waiting.parts = VecDeque::new();
            }
            return Poll::Ready(Some(part));
        }
        if waiting.end.is_some() {
            return Poll::Ready(None);
        }
        waiting.reader = Some(cx.waker().clone());
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn finish(&mut self, why: End) {
        why.count();
        self.end = Some(why);
        self.wake();
    }

    fn wake(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures::FutureExt as _;

    use super::*;

    #[expect(clippy::option_option, reason = "nothing yet, and the end")]
    fn next(queue: &Queue) -> Option<Option<Bytes>> {
        poll_fn(|cx| queue.poll_next(cx)).now_or_never()
    }

    #[test]
    fn a_queue_that_overflows_ends_at_once() {
        let now = Instant::now();
        let queue = Queue::new(now);
        for _ in 0..PARTS {
            queue.push(Bytes::from_static(b"x"), now);
        }
        assert_eq!(next(&queue), Some(Some(Bytes::from_static(b"x"))));
        queue.push(Bytes::from_static(b"y"), now);
        queue.push(Bytes::from_static(b"z"), now);
        assert_eq!(next(&queue), Some(None), "nothing after a gap is sent");
    }

    #[test]
    fn a_large_part_is_sent_alone() {
        let now = Instant::now();
        let queue = Queue::new(now);
        let large = Bytes::from(vec![b'x'; 2 * BYTES]);
        queue.push(large.clone(), now);
        assert_eq!(next(&queue), Some(Some(large.clone())));
        assert_eq!(next(&queue), None, "it waits for more");
        queue.push(large.clone(), now);
        queue.push(large, now);
        assert_eq!(next(&queue), Some(None));
    }

    #[test]
    fn an_ended_queue_is_read_to_its_end() {
        let now = Instant::now();
        let queue = Queue::new(now);
        queue.push(Bytes::from_static(b"x"), now);
        queue.end(End::Expired);
        queue.push(Bytes::from_static(b"y"), now);
        assert_eq!(next(&queue), Some(Some(Bytes::from_static(b"x"))));
        assert_eq!(next(&queue), Some(None));
    }
}
