//! A request as the limits and the access log see it: where it came from, who sent it, and the slots it holds.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use http::Extensions;

use super::callers::CallerPermit;
use super::fair_queue::Slot;
use super::{Gate, Overload};
use crate::web::auth::{Caller, Refusal};
use crate::web::finish::RequestId;
use crate::web::problem::Problem;

/// One request. Cheap to clone; kept in its extensions.
#[derive(Clone, Debug)]
pub struct Visit(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    gate: Arc<Gate>,
    /// None in tests without a socket.
    address: Option<IpAddr>,
    request_id: Option<RequestId>,
    /// The sender whose turn it uses in queues.
    key: u64,
    caller: OnceLock<i64>,
    held: Mutex<Held>,
    /// Rows that it read piece by piece.
    rows_read: AtomicUsize,
}

#[derive(Debug, Default)]
struct Held {
    slot: Option<Slot>,
    caller: Option<CallerPermit>,
}

tokio::task_local! {
    /// The request that this task answers.
    static CURRENT: Visit;
}

/// Returns the request that this task answers; `None` for a task of another kind.
pub(super) fn current() -> Option<Visit> {
    CURRENT.try_with(Clone::clone).ok()
}

impl Visit {
    /// Returns the visit of a request with these extensions. `key` identifies its sender in queues.
    pub(super) fn new(gate: &Arc<Gate>, extensions: &Extensions, address: Option<IpAddr>, key: u64) -> Self {
        Self(Arc::new(Inner {
            gate: Arc::clone(gate),
            address,
            request_id: extensions.get().cloned(),
            key,
            caller: OnceLock::new(),
            held: Mutex::default(),
            rows_read: AtomicUsize::new(0),
        }))
    }

    /// Returns the key of the sender in queues.
    pub(super) fn key(&self) -> u64 {
        self.0.key
    }

    /// Returns the address that sent the request.
    pub fn address(&self) -> Option<IpAddr> {
        self.0.address
    }

    /// Returns the user that sent the request, once the token is verified.
    pub fn caller(&self) -> Option<i64> {
        self.0.caller.get().copied()
    }

    /// Notes the caller and counts the request against their limits.
    ///
    /// # Errors
    /// [`Problem::RateLimited`]
    pub async fn enter(&self, caller: &Caller) -> Result<(), Problem> {
        if self.0.caller.set(caller.user_id).is_err() {
            return Ok(());
        }
        let permit = self.0.gate.callers.enter(caller.user_id).await;
        let permit = permit.inspect_err(|_| Overload::Caller.count())?;
        self.held(|held| held.caller = Some(permit));
        Ok(())
    }

    /// Gives back what the request holds, because its answer goes on for as long as the client likes.
    pub fn leave(&self) {
        self.held(|held| *held = Held::default());
    }

    /// Returns the problem of a failed sign-in.
    pub fn sign_in_failed(&self, refusal: Refusal) -> Problem {
        let request_id = self.0.request_id.as_ref().map_or("", RequestId::as_str);
        self.0.gate.sign_ins.failed(self.0.address, request_id, refusal)
    }

    /// Returns the limits that it passes.
    pub(super) fn gate(&self) -> &Arc<Gate> {
        &self.0.gate
    }

    /// Stores the slot that the request answers in.
    pub(super) fn hold(&self, slot: Slot) {
        self.held(|held| held.slot = Some(slot));
    }

    /// Gives the slot back, because the request now waits for something else.
    pub(super) fn step_aside(&self) {
        self.held(|held| held.slot = None);
    }

    /// Gives the slot back, because tiers have answered the request, or take too long.
    pub(super) fn answered(&self) {
        // Outside of the lock.
        if let Some(slot) = self.held(|held| held.slot.take()) {
            slot.answered();
        }
    }

    /// Returns the permit of the caller, which lasts until the body is sent.
    pub(super) fn take_caller_permit(&self) -> Option<CallerPermit> {
        self.held(|held| held.caller.take())
    }

    /// Runs a part of the answer in a task of its own, which otherwise would not know its request.
    pub async fn scope<F: Future>(&self, work: F) -> F::Output {
        CURRENT.scope(self.clone(), work).await
    }

    pub(super) fn rows_read(&self) -> usize {
        self.0.rows_read.load(Ordering::Relaxed)
    }

    pub(super) fn add_rows_read(&self, rows: usize) {
        self.0.rows_read.fetch_add(rows, Ordering::Relaxed);
    }

    fn held<T>(&self, change: impl FnOnce(&mut Held) -> T) -> T {
        change(&mut self.0.held.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
