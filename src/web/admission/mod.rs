//! Admission of requests: served now, queued, or refused.
//!
//! A request passes three limits. `max_requests` bounds those in progress; the rest is refused at once. A `FairQueue`
//! bounds those that are worked on, so that few compete for processors and connections and the others wait outside, each
//! sender in turn. `Callers` bounds what one user may do. A request that takes long steps aside: it gives its slot to
//! the next one. Work that is known to be slow, such as a search, has a queue of its own (`slow`).

mod callers;
mod fair_queue;
mod guarded;
mod sign_ins;
mod visit;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::AUTHORIZATION;
use tokio::sync::Semaphore;

use self::callers::Callers;
use self::fair_queue::{FairQueue, Patience, Slot};
use self::sign_ins::SignIns;
use crate::web::problem::Problem;

pub use guarded::Guarded;
pub use visit::Visit;

/// Seconds after which a refused request may be repeated.
const RETRY_AFTER: u64 = 1;
/// The time after which a request gives its slot to the next one.
const STEP_ASIDE_AFTER: Duration = Duration::from_millis(100);
/// Requests wait for a slot for this long: a refusal has to arrive within 50 ms.
const PATIENCE: Patience = Patience {
    burst: Duration::from_millis(40),
    standing: Duration::from_millis(5),
    burst_waiters: 64,
    standing_waiters: 4,
};
/// Slow work waits for longer, since it takes longer.
const SLOW_PATIENCE: Patience = Patience {
    burst: Duration::from_secs(10),
    standing: Duration::from_secs(10),
    burst_waiters: 128,
    standing_waiters: 128,
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
    slow: Option<Arc<FairQueue>>,
    callers: Arc<Callers>,
    sign_ins: SignIns,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug)]
enum Overload {
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

    fn problem(self) -> Problem {
        self.count();
        Problem::Overloaded { retry_after: RETRY_AFTER }
    }
}

impl Gate {
    /// Returns limits with this capacity.
    pub fn new(capacity: Capacity) -> Arc<Self> {
        let queue = |slots, patience| (slots > 0).then(|| FairQueue::new(slots, patience));
        Arc::new(Self {
            requests: (capacity.requests > 0).then(|| Semaphore::new(capacity.requests)),
            slots: queue(capacity.slots, PATIENCE),
            slow: queue(capacity.slow_slots, SLOW_PATIENCE),
            callers: Callers::new(capacity.requests_per_caller, capacity.rate_per_caller),
            sign_ins: SignIns::default(),
        })
    }

    /// Returns limits that refuse nothing but a flood of failed sign-ins.
    pub fn open() -> Arc<Self> {
        Self::new(Capacity::default())
    }
}

/// The paths that never wait behind other requests: probes and metrics.
#[derive(Clone, Copy, Debug)]
pub struct Exempt(pub &'static [&'static str]);

/// Middleware that begins the [`Visit`] of a request.
pub async fn begin(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    let visit = Visit::new(&gate, request.extensions(), sender(&request));
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
    let mut answer = pin!(visit::CURRENT.scope(visit.clone(), next.run(request)));
    let response = if let Ok(response) = tokio::time::timeout(STEP_ASIDE_AFTER, &mut answer).await {
        response
    } else {
        visit.step_aside();
        answer.await
    };
    visit.step_aside();
    match visit.take_caller_permit() {
        Some(permit) => response.map(|body| Body::new(Guarded::new(body, permit))),
        None => response,
    }
}

/// Waits for a slot for slow work. The request gives its other slot back first.
///
/// # Errors
/// [`Problem::Overloaded`] if none becomes free in time.
pub async fn slow() -> Result<Option<Slot>, Problem> {
    let Ok(visit) = visit::CURRENT.try_with(Clone::clone) else { return Ok(None) };
    let Some(slow) = &visit.gate().slow else { return Ok(None) };
    visit.step_aside();
    slow.acquire(visit.key()).await.map(Some).ok_or_else(|| Overload::Slow.problem())
}

/// Returns a number that stands for the sender before the token is verified: the token, or the address without one.
fn sender(request: &Request) -> u64 {
    let mut hasher = DefaultHasher::new();
    match request.headers().get(AUTHORIZATION) {
        Some(token) => token.as_bytes().hash(&mut hasher),
        None => request
            .extensions()
            .get::<ConnectInfo<SocketAddr>>()
            .map(|ConnectInfo(address)| address.ip())
            .hash(&mut hasher),
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
