//! Admission of requests: served now, queued, or refused.
//!
//! A request passes three limits. `max_requests` bounds those in progress; the rest is refused at once. A `FairQueue`
//! bounds those that are worked on, so that few compete for processors and connections and the others wait outside, each
//! sender in turn. `Callers` bounds what one user may do. A request that takes long steps aside: it gives its slot to
//! the next one. Work that is known to be slow, such as a search, has a queue of its own (`slow`).
//!
//! Under overload most requests are refused, so a refusal has to cost little: the server asks [`Gate::overload`] before the
//! router does anything. [`admit`] decides about the others, and again about those that came at the same moment.

mod callers;
mod concurrency;
mod fair_queue;
mod guarded;
mod refused_share;
mod sign_ins;
mod slow;
mod visit;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use tokio::sync::Semaphore;

use self::callers::Callers;
use self::concurrency::Concurrency;
use self::fair_queue::{FairQueue, Patience};
use self::sign_ins::SignIns;
use self::slow::Slow;
use crate::web::problem::Problem;
use crate::web::shared::SharedRate;
use crate::web::timing::TiersAsked;

pub use guarded::Guarded;
pub use slow::{Pieces, counted, counting, slow};
pub use visit::Visit;

/// Seconds after which a refused request may be repeated.
const RETRY_AFTER: u64 = 1;
/// The time after which a request gives its slot to the next one.
const STEP_ASIDE_AFTER: Duration = Duration::from_millis(100);
/// Requests wait for a slot for this long: a refusal has to arrive within 50 ms. A standing queue of four waiters a slot takes what
/// comes at one moment. With one, a server with time to spare went on to refuse a third of what came in small groups, and so the
/// queue stayed short.
const PATIENCE: Patience = Patience {
    burst: Duration::from_millis(20),
    standing: Duration::from_millis(5),
    burst_waiters: 64,
    standing_waiters: 4,
};
/// Counter of refused requests, by reason.
const REFUSED: &str = "thermocline_http_refused_total";
/// Gauge of requests in progress.
const IN_PROGRESS: &str = "thermocline_http_requests_in_progress";

/// The numbers of a [`Gate`]. 0 is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capacity {
    /// Requests in progress, those that wait included.
    pub requests: usize,
    /// Requests that are worked on at once.
    pub slots: usize,
    /// Slow pieces of work at once.
    pub slow_slots: usize,
    /// Rows in hot from which on the count of a list is slow work.
    pub large_list: usize,
    /// Requests in progress of one caller.
    pub requests_per_caller: usize,
    /// Requests of one caller in a second.
    pub rate_per_caller: u32,
}

/// The limits of all requests.
#[derive(Debug)]
pub struct Gate {
    requests: Option<Semaphore>,
    slots: Option<Arc<FairQueue>>,
    slow: Slow,
    callers: Arc<Callers>,
    sign_ins: SignIns,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug)]
pub enum Overload {
    /// Too many requests are in progress.
    Requests,
    /// No slot became free in time.
    Slots,
    /// No slot for slow work became free in time.
    Slow,
    /// The caller has too many requests in progress, or sends them too fast.
    Caller,
}

impl Overload {
    fn count(self) {
        let reason = match self {
            Self::Requests => "requests",
            Self::Slots => "slots",
            Self::Slow => "slow",
            Self::Caller => "caller",
        };
        metrics::counter!(REFUSED, "reason" => reason).increment(1);
    }

    /// Counts the refusal and returns its problem.
    pub fn problem(self) -> Problem {
        self.count();
        Problem::Overloaded { retry_after: RETRY_AFTER }
    }
}

impl Gate {
    /// Returns limits with this capacity.
    pub fn new(capacity: Capacity) -> Arc<Self> {
        Self::sharing(capacity, None)
    }

    /// Returns limits with this capacity. The rate of a caller counts in all servers that share it.
    pub fn sharing(capacity: Capacity, rate: Option<SharedRate>) -> Arc<Self> {
        Arc::new(Self {
            requests: (capacity.requests > 0).then(|| Semaphore::new(capacity.requests)),
            slots: (capacity.slots > 0)
                .then(|| FairQueue::new(Concurrency::adaptive(capacity.slots), PATIENCE)),
            slow: Slow::new(capacity.slow_slots, capacity.large_list),
            callers: Callers::new(capacity.requests_per_caller, capacity.rate_per_caller, rate),
            sign_ins: SignIns::default(),
        })
    }

    /// Returns limits that refuse nothing but a flood of failed sign-ins.
    pub fn open() -> Arc<Self> {
        Self::new(Capacity::default())
    }

    /// Returns what the queues hold. Without limits they hold nothing.
    pub fn load(&self) -> Load {
        let of = |queue: Option<&Arc<FairQueue>>| queue.map_or((0, 0), |queue| queue.load());
        let (running, waiting) = of(self.slots.as_ref());
        let (slow_running, slow_waiting) = of(self.slow.queue());
        Load { running, waiting, slow_running, slow_waiting }
    }

    /// Returns why a request of the sender with these headers is refused at once; `None` if it is not.
    pub fn overload(&self, headers: &HeaderMap, address: Option<IpAddr>) -> Option<Overload> {
        if self.requests.as_ref().is_some_and(|requests| requests.available_permits() == 0) {
            return Some(Overload::Requests);
        }
        self.slots.as_ref()?.refuses(sender(headers, address)).then_some(Overload::Slots)
    }
}

/// Requests by what they do at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// With a slot.
    pub running: usize,
    /// Waiting for one.
    pub waiting: usize,
    /// With a slot for slow work.
    pub slow_running: usize,
    /// Waiting for one.
    pub slow_waiting: usize,
}

/// The paths that never wait behind other requests: probes and metrics.
#[derive(Clone, Copy, Debug)]
pub struct Exempt(pub &'static [&'static str]);

/// Middleware that begins the [`Visit`] of a request.
pub async fn begin(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    // None in tests without a socket.
    let address = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|connection| connection.0.ip());
    let visit = Visit::new(&gate, request.extensions(), address, sender(request.headers(), address));
    request.extensions_mut().insert(visit);
    next.run(request).await
}

/// Middleware that lets a request in, makes it wait, or refuses it with a 503. It needs [`begin`] outside of it.
pub async fn admit(State(exempt): State<Exempt>, request: Request, next: Next) -> Response {
    let visit = request.extensions().get::<Visit>().cloned();
    match visit {
        Some(visit) if !exempt.0.contains(&request.uri().path()) => serve(&visit, request, next).await,
        _ => next.run(request).await,
    }
}

async fn serve(visit: &Visit, request: Request, next: Next) -> Response {
    let gate = visit.gate();
    let _permit = match gate.requests.as_ref().map(Semaphore::try_acquire) {
        Some(Err(_)) => return Overload::Requests.problem().into_response(),
        permit => permit,
    };
    let _in_progress = InProgress::begin();
    if let Some(slots) = &gate.slots {
        match slots.acquire(visit.key()).await {
            Some(slot) => visit.hold(slot),
            None => return Overload::Slots.problem().into_response(),
        }
    }
    let mut answer = pin!(visit.scope(next.run(request)));
    let response = if let Ok(response) = tokio::time::timeout(STEP_ASIDE_AFTER, &mut answer).await {
        // Other answers say nothing about the databases.
        if response.extensions().get().is_some_and(|asked: &TiersAsked| asked.name().is_some()) {
            visit.answered();
        }
        response
    } else {
        visit.answered();
        answer.await
    };
    visit.step_aside();
    match visit.take_caller_permit() {
        Some(permit) => response.map(|body| Body::new(Guarded::new(body, permit))),
        None => response,
    }
}

/// Returns a number that stands for the sender before the token is verified: the token, or the address without one.
fn sender(headers: &HeaderMap, address: Option<IpAddr>) -> u64 {
    let mut hasher = DefaultHasher::new();
    match headers.get(AUTHORIZATION) {
        Some(token) => token.as_bytes().hash(&mut hasher),
        None => address.hash(&mut hasher),
    }
    hasher.finish()
}

/// A request in progress, in the metrics.
struct InProgress;

impl InProgress {
    fn begin() -> Self {
        metrics::gauge!(IN_PROGRESS).increment(1.0);
        Self
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        metrics::gauge!(IN_PROGRESS).decrement(1.0);
    }
}

/// Returns a wait in whole seconds, at least one.
fn retry_after(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0 || wait.is_zero())
}
