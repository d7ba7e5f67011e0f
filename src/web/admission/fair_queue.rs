//! A semaphore whose waiters take turns by key, so that a key with many waiters delays no other.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::concurrency::Concurrency;
use super::refused_share::RefusedShare;
use crate::web::counts::Counts;

/// The limits of waiting: number and time.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The longest wait during a burst.
    pub burst: Duration,
    /// The longest wait while the queue is standing: then waiting only adds latency, it does not smooth a burst.
    pub standing: Duration,
    /// The number of waiters for each slot during a burst.
    pub burst_waiters: usize,
    /// The number of waiters for each slot while the queue is standing.
    pub standing_waiters: usize,
}

/// A semaphore with fair turns, whose number of slots is a [`Concurrency`]. One key has at most half of them. When too many wait,
/// the key with the most waiters loses its oldest one.
#[derive(Debug)]
pub struct FairQueue {
    patience: Patience,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    slots: Concurrency,
    running: usize,
    /// Slots in use by key.
    running_of: Counts<u64>,
    waiting: usize,
    next_waiter: u64,
    /// The keys that have waiters, in the order of their turns.
    turns: VecDeque<u64>,
    waiters: HashMap<u64, VecDeque<Waiter>>,
    refusals: RefusedShare,
}

#[derive(Debug)]
struct Waiter {
    number: u64,
    turn: oneshot::Sender<()>,
}

/// A slot of the queue. The next waiter gets it when this is dropped.
#[derive(Debug)]
pub struct Slot {
    queue: Arc<FairQueue>,
    key: u64,
    begun: Instant,
}

impl Slot {
    /// Gives the slot back, and tells the queue that its request was answered, or goes on without it.
    pub fn answered(self) {
        let now = Instant::now();
        let mut state = self.queue.lock();
        let running = state.running;
        state.slots.answered(now.saturating_duration_since(self.begun), running, now);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.queue.release(self.key);
    }
}

impl FairQueue {
    /// Returns a queue for `slots` at once.
    pub fn new(slots: Concurrency, patience: Patience) -> Arc<Self> {
        let state = State {
            slots,
            running: 0,
            running_of: Counts::default(),
            waiting: 0,
            next_waiter: 0,
            turns: VecDeque::new(),
            waiters: HashMap::new(),
            refusals: RefusedShare::new(Instant::now()),
        };
        Arc::new(Self { patience, state: Mutex::new(state) })
    }

    /// Returns a slot, or `None` if `key` has to wait too long for its turn.
    pub async fn acquire(self: &Arc<Self>, key: u64) -> Option<Slot> {
        let (mut waiting, limit) = {
            let mut state = self.lock();
            let now = Instant::now();
            if state.begin_if_free(key) {
                state.refusals.admitted(now);
                return Some(self.slot(key));
            }
            state.slots.note_full();
            let (limit, most) = self.limits(&state, now);
            if state.waiting >= most && !state.displace_for(key) {
                state.refusals.refused(now);
                return None;
            }
            (Waiting::new(self, key, &mut state), limit)
        };
        let its_turn = matches!(tokio::time::timeout(limit, &mut waiting.turn).await, Ok(Ok(())));
        let (mut state, now) = (self.lock(), Instant::now());
        if its_turn {
            state.refusals.admitted(now);
            drop(state);
            return Some(self.slot(key));
        }
        state.refusals.refused(now);
        None
    }

    /// Returns a slot, however many wait and however long it takes: for work that cannot be refused any more.
    pub async fn acquire_in_the_end(self: &Arc<Self>, key: u64) -> Slot {
        loop {
            let mut waiting = {
                let mut state = self.lock();
                if state.begin_if_free(key) {
                    return self.slot(key);
                }
                Waiting::new(self, key, &mut state)
            };
            // It fails for a waiter that was displaced, which waits anew.
            if (&mut waiting.turn).await.is_ok() {
                return self.slot(key);
            }
        }
    }

    fn slot(self: &Arc<Self>, key: u64) -> Slot {
        Slot { queue: Arc::clone(self), key, begun: Instant::now() }
    }

    /// Refuses `key` if [`FairQueue::acquire`] would at once.
    pub fn refuses(&self, key: u64) -> bool {
        let mut state = self.lock();
        if state.is_free_for(key) {
            return false;
        }
        let now = Instant::now();
        let (_, most) = self.limits(&state, now);
        let refuses = state.waiting >= most && state.longest_but(key).is_none();
        if refuses {
            state.refusals.refused(now);
        }
        refuses
    }

    /// Returns how long a request waits at most, and how many wait at most.
    fn limits(&self, state: &State, now: Instant) -> (Duration, usize) {
        let (limit, waiters) = if state.refusals.is_overload(now) {
            (self.patience.standing, self.patience.standing_waiters)
        } else {
            (self.patience.burst, self.patience.burst_waiters)
        };
        (limit, state.slots.limit() * waiters)
    }

    /// Returns the number of slots in use and of waiters.
    pub fn load(&self) -> (usize, usize) {
        let state = self.lock();
        (state.running, state.waiting)
    }

    /// Takes a slot back from `key` and passes it on to the key whose turn it is.
    fn release(&self, key: u64) {
        let mut state = self.lock();
        state.end(key);
        // None if the limit has fallen, several if it has risen.
        while state.running < state.slots.limit()
            && let Some((next, waiter)) = state.dequeue()
        {
            // One that gave up at this moment is skipped.
            if waiter.turn.send(()).is_ok() {
                state.begin(next);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn enqueue(&mut self, key: u64) -> (u64, oneshot::Receiver<()>) {
        let (turn, receiver) = oneshot::channel();
        let number = self.next_waiter;
        self.next_waiter += 1;
        self.waiting += 1;
        let waiters = self.waiters.entry(key).or_default();
        if waiters.is_empty() {
            self.turns.push_back(key);
        }
        waiters.push_back(Waiter { number, turn });
        (number, receiver)
    }

    /// Returns the slots of one key.
    fn share(&self) -> usize {
        self.slots.limit().div_ceil(2)
    }

    fn is_free_for(&self, key: u64) -> bool {
        self.running < self.slots.limit() && self.running_of.of(&key) < self.share()
    }

    fn begin_if_free(&mut self, key: u64) -> bool {
        let is_free = self.is_free_for(key);
        if is_free {
            self.begin(key);
        }
        is_free
    }

    fn begin(&mut self, key: u64) {
        self.running += 1;
        self.running_of.add(key);
    }

    fn end(&mut self, key: u64) {
        self.running -= 1;
        self.running_of.remove(&key);
    }

    /// Returns the oldest waiter of the next key that has less than its share.
    fn dequeue(&mut self) -> Option<(u64, Waiter)> {
        let share = self.share();
        let place = self.turns.iter().position(|key| self.running_of.of(key) < share)?;
        let key = self.turns.remove(place)?;
        let waiters = self.waiters.get_mut(&key)?;
        let waiter = waiters.pop_front()?;
        if waiters.is_empty() {
            self.waiters.remove(&key);
        } else {
            self.turns.push_back(key);
        }
        self.waiting -= 1;
        Some((key, waiter))
    }

    /// Returns the key that has the most waiters, if it is fair that one of them makes room for one of `key`.
    fn longest_but(&self, key: u64) -> Option<u64> {
        let own = self.waiters.get(&key).map_or(0, VecDeque::len);
        let longest = self.waiters.iter().max_by_key(|(_, waiters)| waiters.len());
        longest.filter(|(_, waiters)| waiters.len() > own + 1).map(|(key, _)| *key)
    }

    /// Removes the oldest waiter of the key that has the most, if that is fair to it. Returns whether there is room now.
    fn displace_for(&mut self, key: u64) -> bool {
        let longest = self.longest_but(key);
        let Some(waiters) = longest.and_then(|key| self.waiters.get_mut(&key)) else { return false };
        // Its receiver fails, as after a wait that was too long.
        self.waiting -= usize::from(waiters.pop_front().is_some());
        true
    }

    fn remove(&mut self, key: u64, number: u64) {
        let Some(waiters) = self.waiters.get_mut(&key) else { return };
        let Some(place) = waiters.iter().position(|waiter| waiter.number == number) else { return };
        waiters.remove(place);
        self.waiting -= 1;
        if waiters.is_empty() {
            self.waiters.remove(&key);
            self.turns.retain(|turn| *turn != key);
        }
    }
}

/// A place in the queue.
struct Waiting<'a> {
    queue: &'a FairQueue,
    key: u64,
    number: u64,
    turn: oneshot::Receiver<()>,
}

impl<'a> Waiting<'a> {
    fn new(queue: &'a FairQueue, key: u64, state: &mut State) -> Self {
        let (number, turn) = state.enqueue(key);
        Self { queue, key, number, turn }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.turn.is_terminated() {
            return;
        }
        // A slot that arrives from now on is refused; one that has arrived is passed on.
        self.turn.close();
        if self.turn.try_recv().is_ok() {
            self.queue.release(self.key);
        } else {
            self.queue.lock().remove(self.key, self.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        burst: Duration::from_mins(1),
        standing: Duration::from_mins(1),
        burst_waiters: 4,
        standing_waiters: 2,
    };

    fn waits(queue: &Arc<FairQueue>, key: u64) -> tokio::task::JoinHandle<Option<Slot>> {
        let queue = Arc::clone(queue);
        tokio::spawn(async move { queue.acquire(key).await })
    }

    async fn settle() {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_key_with_many_waiters_delays_no_other() {
        let queue = FairQueue::new(Concurrency::fixed(1), PATIENCE);
        let slot = queue.acquire(1).await.expect("the first is free");
        let mut greedy = Vec::new();
        for _ in 0..3 {
            greedy.push(waits(&queue, 1));
            settle().await;
        }
        let modest = waits(&queue, 2);
        settle().await;
        drop(slot);
        let first = greedy.remove(0).await.expect("ends").expect("its turn is first");
        drop(first);
        settle().await;
        let modest = modest.await.expect("ends").expect("its turn is second, before two older waiters");
        assert_eq!(queue.load(), (1, 2));
        drop(modest);
        for waiter in greedy {
            assert!(waiter.await.expect("ends").is_some());
        }
        assert_eq!(queue.load(), (0, 0));
    }

    #[tokio::test]
    async fn half_of_the_slots_stay_free_for_other_keys() {
        let queue = FairQueue::new(Concurrency::fixed(4), PATIENCE);
        let mut slots = vec![queue.acquire(1).await.expect("one"), queue.acquire(1).await.expect("two")];
        assert!(
            futures::poll!(std::pin::pin!(queue.acquire(1))).is_pending(),
            "a third of the same key waits"
        );
        slots.push(queue.acquire(2).await.expect("another key does not"));
        let third = waits(&queue, 1);
        settle().await;
        slots.remove(0);
        assert!(third.await.expect("ends").is_some(), "it has the slot that the first one left");
        assert_eq!(queue.load(), (2, 0));
    }

    #[tokio::test]
    async fn the_longest_queue_gives_way() {
        let queue = FairQueue::new(Concurrency::fixed(1), PATIENCE);
        let slot = queue.acquire(1).await.expect("the first is free");
        let mut greedy = Vec::new();
        for _ in 0..4 {
            greedy.push(waits(&queue, 1));
            settle().await;
        }
        assert_eq!(queue.load(), (1, 4));
        assert!(queue.acquire(1).await.is_none(), "there is no room for a fifth of the same key");
        let modest = waits(&queue, 2);
        settle().await;
        assert!(
            greedy.remove(0).await.expect("ends").is_none(),
            "the oldest of the longest queue is displaced"
        );
        drop(slot);
        drop(greedy.remove(0).await.expect("ends").expect("its turn"));
        assert!(modest.await.expect("ends").is_some());
    }

    #[tokio::test]
    async fn a_wait_is_long_in_a_burst_and_short_in_a_standing_queue() {
        let patience = Patience { burst_waiters: 3, standing: Duration::ZERO, ..PATIENCE };
        let queue = FairQueue::new(Concurrency::fixed(2), patience);
        let limits = || queue.limits(&queue.lock(), Instant::now());
        assert_eq!(limits(), (patience.burst, 6), "none was refused");
        let slots = [queue.acquire(1).await.expect("one"), queue.acquire(2).await.expect("two")];
        let mut waiters = Vec::new();
        for key in 0..6 {
            waiters.push(waits(&queue, key));
            settle().await;
        }
        assert!(queue.acquire(7).await.is_none(), "six wait, one each");
        assert_eq!(limits(), (patience.standing, 4), "one of three is refused");
        assert!(queue.acquire(3).await.is_none(), "it does not wait for a minute");
        drop(slots);
        for waiter in waiters {
            drop(waiter.await.expect("ends"));
        }
        assert_eq!(queue.load(), (0, 0));
        assert_eq!(limits(), (patience.burst, 6), "two of ten are");

        queue.lock().refusals.refused(Instant::now());
        let _slots = [queue.acquire(1).await.expect("one"), queue.acquire(2).await.expect("two")];
        assert!(queue.acquire(3).await.is_none(), "it does not wait for a minute, though none else waits");
        assert_eq!(queue.load(), (2, 0), "none that gave up is left behind");
    }

    #[tokio::test]
    async fn a_full_queue_is_foreseen() {
        let patience = Patience { burst_waiters: 3, standing_waiters: 2, ..PATIENCE };
        let queue = FairQueue::new(Concurrency::fixed(1), patience);
        assert!(!queue.refuses(1), "a slot is free");
        let slot = queue.acquire(1).await.expect("the first is free");
        assert!(!queue.refuses(1), "none waits yet");
        let mut waiters = Vec::new();
        for _ in 0..3 {
            waiters.push(waits(&queue, 1));
            settle().await;
        }
        assert!(queue.refuses(1));
        assert!(!queue.refuses(2), "one of three makes room for another key");
        waiters.push(waits(&queue, 2));
        waiters.push(waits(&queue, 3));
        settle().await;
        assert!([1, 2, 3, 4].iter().all(|key| queue.refuses(*key)), "one waiter each");
        drop(slot);
        for waiter in waiters {
            drop(waiter.await.expect("ends"));
        }
        assert_eq!(queue.load(), (0, 0));

        let _slot = queue.acquire(1).await.expect("it is free");
        let _waiters = [waits(&queue, 1), waits(&queue, 2)];
        settle().await;
        assert!(queue.refuses(3), "the queue stands since the last refusals");
        queue.lock().refusals = RefusedShare::new(Instant::now());
        assert!(!queue.refuses(3), "there is room for a third one in a burst");
    }

    #[tokio::test]
    async fn work_that_cannot_be_refused_waits_until_its_turn() {
        let patience = Patience { burst_waiters: 1, standing_waiters: 1, ..PATIENCE };
        let queue = FairQueue::new(Concurrency::fixed(1), patience);
        let slot = queue.acquire(1).await.expect("the first is free");
        let mut streams = Vec::new();
        for _ in 0..3 {
            let queue = Arc::clone(&queue);
            streams.push(tokio::spawn(async move { drop(queue.acquire_in_the_end(1).await) }));
            settle().await;
        }
        assert_eq!(queue.load(), (1, 3), "more than the queue admits otherwise");
        let other = waits(&queue, 2);
        settle().await;
        assert_eq!(queue.load(), (1, 4), "the one that made room waits anew");
        drop(slot);
        assert!(other.await.expect("ends").is_some());
        for stream in streams {
            stream.await.expect("ends");
        }
        assert_eq!(queue.load(), (0, 0));
    }

    #[tokio::test]
    async fn a_slot_that_arrives_too_late_is_passed_on() {
        let queue = FairQueue::new(Concurrency::fixed(1), PATIENCE);
        let slot = queue.acquire(1).await.expect("the first is free");
        let mut late = Box::pin(queue.acquire(2));
        assert!(futures::poll!(&mut late).is_pending());
        drop(slot);
        // The slot lies ready when the waiter goes away.
        drop(late);
        assert_eq!(queue.load(), (0, 0));
        assert!(queue.acquire(3).await.is_some());
    }
}
