//! `GET /api/archive/status`: for admins, the same as `thermocline archive status --json`, and the latency of answers. Routes that
//! change something are in [`control`].

pub mod control;

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use moka::future::Cache;
use serde::Serialize;
use tokio::sync::Mutex;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::archive::status::{Status, StatusReader};
use crate::archive::{ArchiveOptions, Family, Rule};
use crate::clock::Timestamp;
use crate::journal::JournalError;
use crate::ops::latency::{Latencies, Latency};
use crate::resources::registry;
use crate::tier::{Tier, TierError};
use crate::web::auth::Caller;
use crate::web::context::RequestContext;
use crate::web::problem::Problem;
use crate::web::state::App;

/// The time for which a status is given again.
const FRESH_FOR: Duration = Duration::from_secs(2);
/// Seconds after which another try makes sense.
const RETRY_AFTER: u64 = 5;

/// When rows of each resource are due.
#[derive(Clone, Debug)]
pub struct DueRules(Arc<[(&'static Family, Rule)]>);

impl DueRules {
    /// Returns the rule that `rule` has for each resource that moves.
    pub fn new(rule: impl Fn(&'static str) -> Rule) -> Self {
        Self(registry::families().map(|family| (family, rule(family.resource))).into())
    }

    /// Returns the resources that move, each with its rule.
    pub fn all(&self) -> &[(&'static Family, Rule)] {
        &self.0
    }
}

impl Default for DueRules {
    fn default() -> Self {
        Self::new(|_| ArchiveOptions::default().rule)
    }
}

/// Returns the routes. They need [`Statuses`].
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(archive_status)).routes(routes!(control::set_archive_control))
}

/// Reads the status of every resource. Concurrent requests share that of the last seconds.
#[derive(Clone, Debug)]
pub struct Statuses {
    last: Cache<(), Arc<Vec<Status>>>,
    readers: Arc<Mutex<Vec<StatusReader>>>,
}

impl Statuses {
    /// Returns one for the resources of `rules`, which select their due rows.
    pub fn new(rules: &DueRules) -> Self {
        let readers = rules.all().iter().map(|&(family, rule)| StatusReader::new(family, rule)).collect();
        Self {
            last: Cache::builder().max_capacity(1).time_to_live(FRESH_FOR).build(),
            readers: Arc::new(Mutex::new(readers)),
        }
    }

    async fn get(&self, app: &App) -> Result<Arc<Vec<Status>>, Arc<JournalError>> {
        self.last.try_get_with((), async { self.read(app).await.map(Arc::new) }).await
    }

    /// Reads the status of every resource. While cold is unavailable, only what hot knows is in it.
    async fn read(&self, app: &App) -> Result<Vec<Status>, JournalError> {
        let mut all = Vec::new();
        let mut cold = app.cold();
        for reader in self.readers.lock().await.iter_mut() {
            let status = match reader.read(app.hot(), cold, app.clock()).await {
                Err(JournalError::Tier(TierError::Unavailable { tier: Tier::Cold, .. })) => {
                    cold = None;
                    reader.read(app.hot(), None, app.clock()).await
                }
                status => status,
            };
            all.push(status?);
        }
        Ok(all)
    }

    /// Lets the next request read anew.
    async fn forget(&self) {
        self.last.invalidate(&()).await;
    }
}

/// How far the rows of each resource have moved.
#[derive(Debug, Serialize, ToSchema)]
struct ArchiveStatus<'a> {
    /// Always true.
    success: bool,
    /// In the order in which they are archived.
    #[schema(value_type = Vec<ResourceStatus>)]
    resources: &'a [Status],
    /// The latency of the answers of this server over the last hour, by the tiers that they asked, without probes and the routes
    /// of the archive.
    latency: Vec<Latency>,
}

/// The status of a resource.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only described")]
struct ResourceStatus {
    /// The resource.
    #[schema(example = "messages")]
    resource: String,
    /// The number of its last move that hot has committed; 0 before any.
    epoch: i64,
    /// Rows of the resource in hot.
    rows_in_hot: i64,
    /// Rows of these that are due.
    due: i64,
    /// The number of days since the oldest of these became due.
    lag_days: f64,
    /// Whether the resource is held after a restore.
    held: bool,
    /// Whether an operator has paused its movers.
    paused: bool,
    /// The number of rows, children included, that move in a second at most; null without a limit.
    #[schema(required = true)]
    rows_per_second: Option<i64>,
    /// No batch begins while a cheap read of hot takes longer, in milliseconds; null without a limit.
    #[schema(required = true)]
    max_hot_latency_ms: Option<i64>,
    /// Rows that cold cannot hold. They stay in hot and do not count as due.
    rejects: RejectedRows,
    /// Its status in cold; null while cold is unavailable.
    #[schema(required = true)]
    cold: Option<ColdResourceStatus>,
    /// Reasons why due rows do not move, or will not with the next run.
    waits: Vec<String>,
}

/// The rows that cannot move.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only described")]
struct RejectedRows {
    /// Their number.
    rows: i64,
    /// The newest of them.
    newest: Vec<RejectedRow>,
}

/// A row that cannot move.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only described")]
struct RejectedRow {
    /// Its id; for a child, the id of the row it belongs to.
    id: i64,
    /// The reason.
    reason: String,
    /// When that was found.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// The status of a resource in cold.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only described")]
struct ColdResourceStatus {
    /// Rows of the resource in cold: exact up to a million, above that the estimate of the database.
    rows: i64,
    /// Whether the rows were counted; otherwise the number is an estimate.
    rows_exact: bool,
    /// The last move.
    #[schema(required = true)]
    last: Option<LastMove>,
    /// Moves that hot was not seen to commit, newest first.
    unconfirmed: Vec<i64>,
    /// The oldest epoch that cold can answer.
    floor: i64,
    /// The mover with a claim that is not released: it is at work or was interrupted.
    #[schema(required = true)]
    mover: Option<MoverClaim>,
}

/// A move of the journal.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only described")]
struct LastMove {
    /// Its number.
    epoch: i64,
    /// Its kind.
    #[schema(example = "archive")]
    kind: String,
    /// Its rows, children included.
    rows: i64,
    /// When its work in cold was done.
    #[schema(value_type = String, format = DateTime)]
    finished: Timestamp,
}

/// A claim in use.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only described")]
struct MoverClaim {
    /// The mover.
    name: String,
    /// The time of the claim.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// The claimed number.
    epoch: i64,
}

/// How far rows have moved, what is due, and what prevents moves. Needs the scope `admin`. It may be two seconds old. Large tables are
/// counted now and then: in between, rows that have moved are subtracted, and rows that arrive are missing.
#[utoipa::path(get, path = "/api/archive/status", operation_id = "get_archive_status", tag = "operations",
    responses((status = 200, body = ArchiveStatus, description = "The status of each resource that moves.")))]
async fn archive_status(
    caller: Caller,
    State(app): State<App>,
    Extension(statuses): Extension<Statuses>,
    Extension(latencies): Extension<Latencies>,
    context: RequestContext,
) -> Result<Response, Problem> {
    context.params(&[])?;
    if !caller.admin {
        return Err(Problem::Forbidden { scope: "admin" });
    }
    let resources = statuses.get(&app).await.map_err(|error| problem(&error))?;
    let latency = latencies.last_hour();
    Ok(context.json(&ArchiveStatus { success: true, resources: &resources, latency }))
}

/// Returns the problem of an error that concurrent requests share.
fn problem(error: &JournalError) -> Problem {
    match error {
        JournalError::Tier(TierError::Unavailable { tier, .. }) => {
            Problem::TierUnavailable { tier: tier.name(), retry_after: RETRY_AFTER }
        }
        error => Problem::internal(crate::telemetry::explain(error)),
    }
}
