//! A semaphore whose waiters take turns by key, so that a key with many waiters delays no other.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

/// The time without an empty queue after which it counts as standing.
const STANDING: Duration = Duration::from_millis(100);

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

/// A semaphore with fair turns. One key has at most half of the slots. When too many wait, the key with the most waiters
/// loses its oldest one.
#[derive(Debug)]
pub struct FairQueue {
    slots: usize,
    /// Slots of one key.
    share: usize,
    patience: Patience,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    running: usize,
    /// Slots in use by key.
    running_of: HashMap<u64, usize>,
    waiting: usize,
    next_waiter: u64,
    /// The keys that have waiters, in the order of their turns.
    turns: VecDeque<u64>,
    waiters: HashMap<u64, VecDeque<Waiter>>,
    /// When somebody last found the queue empty.
    empty_at: Instant,
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
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.queue.release(self.key);
    }
}

impl FairQueue {
    /// Returns a queue for `slots` at once, at least one.
    pub fn new(slots: usize, patience: Patience) -> Arc<Self> {
        let state = State {
            running: 0,
            running_of: HashMap::new(),
            waiting: 0,
            next_waiter: 0,
            turns: VecDeque::new(),
            waiters: HashMap::new(),
            empty_at: Instant::now(),
        };
        let slots = slots.max(1);
        Arc::new(Self { slots, share: slots.div_ceil(2), patience, state: Mutex::new(state) })
    }

    /// Returns a slot, or `None` if `key` has to wait too long for its turn.
    pub async fn acquire(self: &Arc<Self>, key: u64) -> Option<Slot> {
        let (mut waiting, limit) = {
            let mut state = self.lock();
            let now = Instant::now();
            if state.running < self.slots && state.running_of(key) < self.share {
                state.begin(key);
                state.empty_at = now;
                return Some(Slot { queue: Arc::clone(self), key });
            }
            let standing = now - state.empty_at > STANDING;
            let (limit, waiters) = if standing {
                (self.patience.standing, self.patience.standing_waiters)
            } else {
                (self.patience.burst, self.patience.burst_waiters)
            };
            if state.waiting >= self.slots * waiters && !state.displace_for(key) {
                return None;
            }
            let (number, turn) = state.enqueue(key);
            (Waiting { queue: self, key, number, turn }, limit)
        };
        tokio::time::timeout(limit, &mut waiting.turn).await.ok()?.ok()?;
        Some(Slot { queue: Arc::clone(self), key })
    }

    /// Returns the number of slots in use and of waiters.
    #[cfg(test)]
    fn load(&self) -> (usize, usize) {
        let state = self.lock();
        (state.running, state.waiting)
    }

    /// Takes a slot back from `key` and passes it on to the key whose turn it is.
    fn release(&self, key: u64) {
        let mut state = self.lock();
        state.end(key);
        while let Some((next, waiter)) = state.dequeue(self.share) {
            // One that gave up at this moment is skipped.
            if waiter.turn.send(()).is_ok() {
                state.begin(next);
                return;
            }
        }
        if state.waiting == 0 {
            state.empty_at = Instant::now();
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

    fn running_of(&self, key: u64) -> usize {
        self.running_of.get(&key).copied().unwrap_or(0)
    }

    fn begin(&mut self, key: u64) {
        self.running += 1;
        *self.running_of.entry(key).or_default() += 1;
    }

    fn end(&mut self, key: u64) {
        self.running -= 1;
        if let Some(running) = self.running_of.get_mut(&key) {
            *running -= 1;
            if *running == 0 {
                self.running_of.remove(&key);
            }
        }
    }

    /// Returns the oldest waiter of the next key that has less than its share.
    fn dequeue(&mut self, share: usize) -> Option<(u64, Waiter)> {
        let place = self.turns.iter().position(|key| self.running_of(*key) < share)?;
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

    /// Removes the oldest waiter of the key that has the most, if that is fair to it. Returns whether there is room now.
    fn displace_for(&mut self, key: u64) -> bool {
        let own = self.waiters.get(&key).map_or(0, VecDeque::len);
        let longest = self.waiters.iter().max_by_key(|(_, waiters)| waiters.len());
        let Some((&longest, _)) = longest.filter(|(_, waiters)| waiters.len() > own + 1) else {
            return false;
        };
        let Some(waiters) = self.waiters.get_mut(&longest) else { return false };
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
        let queue = FairQueue::new(1, PATIENCE);
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
        let queue = FairQueue::new(4, PATIENCE);
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
        let queue = FairQueue::new(1, PATIENCE);
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
        let patience = Patience { burst: STANDING * 2, standing: Duration::ZERO, ..PATIENCE };
        let queue = FairQueue::new(1, patience);
        let slot = queue.acquire(1).await.expect("the first is free");
        let begun = Instant::now();
        assert!(queue.acquire(2).await.is_none());
        assert!(begun.elapsed() >= patience.burst);
        // The queue has been standing meanwhile.
        let begun = Instant::now();
        assert!(queue.acquire(2).await.is_none());
        assert!(begun.elapsed() < patience.burst);
        assert_eq!(queue.load(), (1, 0), "nobody who gave up is left behind");
        drop(slot);
        assert!(queue.acquire(2).await.is_some());
    }

    #[tokio::test]
    async fn a_slot_that_arrives_too_late_is_passed_on() {
        let queue = FairQueue::new(1, PATIENCE);
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
