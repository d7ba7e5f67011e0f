//! `POST /api/archive/control`: for admins, the same as `thermocline archive pause`, `continue` and `pace`.
//!
//! A token travels in a header, which no page of another origin has and no browser adds by itself. So a foreign page cannot
//! send this request in the name of a caller.

use std::ops::RangeInclusive;
use std::time::Duration;

use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::{Extension, Json};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::{RETRY_AFTER, Statuses};
use crate::archive::Family;
use crate::journal::{Control, control};
use crate::resources::registry;
use crate::telemetry::explain;
use crate::tier::TierError;
use crate::web::auth::Caller;
use crate::web::context::RequestContext;
use crate::web::finish::RequestId;
use crate::web::problem::Problem;
use crate::web::state::App;

/// The target of the lines that say who changed what, so that a log filter can name them.
const AUDIT: &str = "thermocline::audit";
/// The limits that can be set.
const LIMITS: RangeInclusive<i64> = 1..=4_294_967_295;

/// Requests to the movers of resources. A member that is absent leaves things as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ArchiveControl {
    /// The resources; without it all that move.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<MovingResource>>, nullable = false, min_items = 1)]
    resources: Option<Vec<String>>,
    /// True lets no batch begin, false lets paused movers go on.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<bool>, nullable = false)]
    paused: Option<bool>,
    /// The number of rows, children included, that move in a second at most; null takes the limit back.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 4_294_967_295_i64)]
    rows_per_second: Option<Limit>,
    /// No batch begins while a cheap read of hot takes longer, in milliseconds; null takes the limit back.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 4_294_967_295_i64)]
    max_hot_latency_ms: Option<Limit>,
}

/// A limit, or none.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Limit(Option<i64>);

/// Reads a member that is there, which tells null from absence.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A resource that moves.
struct MovingResource;

impl PartialSchema for MovingResource {
    fn schema() -> RefOr<Schema> {
        let names = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(registry::MOVING_NAMES));
        names.description(Some("A resource that moves.")).into()
    }
}

impl ToSchema for MovingResource {}

impl ArchiveControl {
    /// Checks the request. Returns the resources it names.
    fn check(&self) -> Result<Vec<&'static Family>, Problem> {
        if self.paused.is_none() && self.rows_per_second.is_none() && self.max_hot_latency_ms.is_none() {
            let wanted = "must have `paused`, `rows_per_second` or `max_hot_latency_ms`";
            return Err(Problem::parameter("body", wanted));
        }
        for (name, limit) in
            [("rows_per_second", self.rows_per_second), ("max_hot_latency_ms", self.max_hot_latency_ms)]
        {
            if let Some(Limit(Some(limit))) = limit
                && !LIMITS.contains(&limit)
            {
                let (least, most) = (LIMITS.start(), LIMITS.end());
                let wanted = format!("must be a whole number from {least} to {most}, or null");
                return Err(Problem::parameter(name, &wanted));
            }
        }
        let Some(names) = &self.resources else { return Ok(registry::families().to_vec()) };
        let is_known = |name: &String| registry::MOVING_NAMES.contains(&name.as_str());
        if names.is_empty() || !names.iter().all(is_known) {
            let wanted = format!("must name some of {}", registry::MOVING_NAMES.join(", "));
            return Err(Problem::parameter("resources", &wanted));
        }
        let is_named = |family: &&Family| names.iter().any(|name| name == family.resource);
        Ok(registry::families().into_iter().filter(is_named).collect())
    }

    fn apply(&self, control: &mut Control) {
        control.paused = self.paused.unwrap_or(control.paused);
        if let Some(Limit(rows)) = self.rows_per_second {
            control.rows_per_second = rows;
        }
        if let Some(Limit(millis)) = self.max_hot_latency_ms {
            control.max_hot_latency = millis.map(|millis| Duration::from_millis(millis.unsigned_abs()));
        }
    }
}

/// The answer to a change.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ArchiveControlled {
    /// Always true.
    success: bool,
    /// In the order in which they are archived.
    resources: Vec<ResourceControl>,
}

/// The requests of operators to the movers of a resource, after a change.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResourceControl {
    /// The resource.
    #[schema(example = "messages")]
    pub resource: &'static str,
    /// Whether anything is different than before.
    pub changed: bool,
    /// Whether no batch begins.
    pub paused: bool,
    /// The number of rows, children included, that move in a second at most; null without a limit.
    #[schema(required = true)]
    pub rows_per_second: Option<i64>,
    /// No batch begins while a cheap read of hot takes longer, in milliseconds; null without a limit.
    #[schema(required = true)]
    pub max_hot_latency_ms: Option<i64>,
}

impl ResourceControl {
    /// Returns what is asked of the movers of a resource after a change.
    pub fn new(resource: &'static str, (before, after): (Control, Control)) -> Self {
        Self {
            resource,
            changed: before != after,
            paused: after.paused,
            rows_per_second: after.rows_per_second,
            max_hot_latency_ms: after.max_hot_latency_ms(),
        }
    }
}

/// Pauses the movers of resources, lets them go on, or bounds their pace, in every process. Needs the scope
/// `admin`.
///
/// The requests are kept in hot until they are taken back. A mover reads them before each batch, and once a second while it
/// waits. Each resource is changed in a transaction of its own; the same request can be sent again.
#[utoipa::path(post, path = "/api/archive/control", operation_id = "set_archive_control", tag = "operations",
    request_body(content = ArchiveControl, description = "At least one of `paused`, `rows_per_second`, `max_hot_latency_ms`."),
    responses((status = 200, body = ArchiveControlled, description = "The requests to the movers now.")))]
pub(super) async fn set_archive_control(
    caller: Caller,
    State(app): State<App>,
    Extension(statuses): Extension<Statuses>,
    Extension(request_id): Extension<RequestId>,
    context: RequestContext,
    body: Result<Json<ArchiveControl>, JsonRejection>,
) -> Result<Json<ArchiveControlled>, Problem> {
    context.params(&[])?;
    let Json(asked) = body?;
    let families = asked.check()?;
    if !caller.admin {
        return Err(Problem::Forbidden { scope: "admin" });
    }
    let mut resources = Vec::new();
    for family in families {
        let (resource, now) = (family.resource, app.clock().now());
        let changed = control::change(app.hot(), resource, now, |control| asked.apply(control)).await;
        let control = ResourceControl::new(resource, changed.map_err(problem)?);
        tracing::info!(
            target: AUDIT,
            caller = caller.user_id,
            %request_id,
            resource,
            changed = control.changed,
            paused = control.paused,
            rows_per_second = control.rows_per_second,
            max_hot_latency_ms = control.max_hot_latency_ms,
            "a caller steers the movers"
        );
        resources.push(control);
    }
    statuses.forget().await;
    Ok(Json(ArchiveControlled { success: true, resources }))
}

fn problem(error: TierError) -> Problem {
    match error {
        TierError::Unavailable { tier, .. } | TierError::Conflict { tier, .. } => {
            tracing::warn!(error = explain(&error), "a tier did not answer");
            Problem::TierUnavailable { tier: tier.name(), retry_after: RETRY_AFTER }
        }
        error => Problem::internal(error),
    }
}
