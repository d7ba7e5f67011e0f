//! Slow work: searches, counts of large lists, wide ranges. It has a queue of its own, so that short requests find slots
//! and connections free beside it.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;

use super::concurrency::Concurrency;
use super::fair_queue::{FairQueue, Patience, Slot};
use super::{Overload, Visit, visit};
use crate::page::ListId;
use crate::web::problem::Problem;

/// Slow work waits for longer than short requests, since it takes longer.
const PATIENCE: Patience = Patience {
    burst: Duration::from_secs(10),
    standing: Duration::from_secs(10),
    burst_waiters: 128,
    standing_waiters: 128,
};
/// Rows that a request reads piece by piece before its pieces are slow work: three years of days.
const SHORT_ROWS: usize = 1_000;
/// The time for which a list is known to be large.
const LARGE_FOR: Duration = Duration::from_mins(1);
/// Large lists that are remembered.
const REMEMBERED: u64 = 10_000;

/// The limits of slow work.
#[derive(Debug)]
pub(super) struct Slow {
    queue: Option<Arc<FairQueue>>,
    /// Rows in hot from which on the count of a list is slow.
    large: usize,
    /// The lists that were large when they were last counted.
    large_lists: Cache<ListId, ()>,
}

impl Slow {
    /// Returns a queue for `slots` pieces at once, in which counts of `large` rows wait; 0 is no limit.
    pub fn new(slots: usize, large: usize) -> Self {
        let large_lists = Cache::builder().max_capacity(REMEMBERED).time_to_live(LARGE_FOR).build();
        Self {
            queue: (slots > 0).then(|| FairQueue::new(Concurrency::fixed(slots), PATIENCE)),
            large,
            large_lists,
        }
    }

    /// Returns the queue; `None` without a limit.
    pub const fn queue(&self) -> Option<&Arc<FairQueue>> {
        self.queue.as_ref()
    }
}

/// Waits for a slot for slow work. The request gives its other slot back first.
///
/// # Errors
/// [`Problem::Overloaded`] if none becomes free in time.
pub async fn slow() -> Result<Option<Slot>, Problem> {
    let Some(visit) = visit::current() else { return Ok(None) };
    let Some(queue) = &visit.gate().slow.queue else { return Ok(None) };
    visit.step_aside();
    queue.acquire(visit.key()).await.map(Some).ok_or_else(|| Overload::Slow.problem())
}

/// Waits for a slot for the count of a list, if the list is known to be large.
///
/// # Errors
/// [`Problem::Overloaded`] if none becomes free in time.
pub async fn counting(list: ListId) -> Result<Option<Slot>, Problem> {
    let Some(visit) = visit::current() else { return Ok(None) };
    if visit.gate().slow.large_lists.get(&list).await.is_some() { slow().await } else { Ok(None) }
}

/// Remembers a list of which so many rows were counted one by one, if it is large.
pub async fn counted(list: ListId, rows: i64) {
    let Some(visit) = visit::current() else { return };
    let slow = &visit.gate().slow;
    if slow.large > 0 && usize::try_from(rows).is_ok_and(|rows| rows >= slow.large) {
        slow.large_lists.insert(list, ()).await;
    }
}

/// A request that reads many rows piece by piece, also when its answer has begun. The first pieces are part of the request;
/// the others are slow work, each by itself, so that a client that reads slowly holds no slot.
#[derive(Clone, Debug)]
pub struct Pieces(Option<Visit>);

impl Pieces {
    /// Returns the pieces of the request that this task answers.
    pub fn of_current() -> Self {
        Self(visit::current())
    }

    /// Waits until the next piece may be read. The slot is to be held until it is.
    pub async fn turn(&self) -> Option<Slot> {
        let visit = self.0.as_ref().filter(|visit| visit.rows_read() >= SHORT_ROWS)?;
        let queue = visit.gate().slow.queue.as_ref()?;
        visit.step_aside();
        Some(queue.acquire_in_the_end(visit.key()).await)
    }

    /// Notes that a piece of so many rows was read.
    pub fn read(&self, rows: usize) {
        if let Some(visit) = &self.0 {
            visit.add_rows_read(rows);
        }
    }
}
