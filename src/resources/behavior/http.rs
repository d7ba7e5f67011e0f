//! The route of user behaviour. Everybody may read their own, `admin` everybody's.

use std::cmp::Reverse;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Behavior, Behaviors, RESOURCES};
use crate::clock::{DAY, Timestamp};
use crate::federation::{List as _, ReadError};
use crate::page::{Key, Order, Span};
use crate::web::auth::{Caller, Scope};
use crate::web::context::RequestContext;
use crate::web::day::Day;
use crate::web::params::{Moment, Params, Segments, path_id};
use crate::web::problem::Problem;
use crate::web::state::{App, Reader};

/// Rows read at once.
const CHUNK: i64 = 1_000;

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(behavior))
}

/// The activity of a user by day and action.
#[derive(Debug, Serialize, ToSchema)]
struct UserBehavior {
    /// Always true; for existing front ends.
    success: bool,
    /// The user.
    user_id: i64,
    /// Newest day first.
    behavior: Vec<BehaviorRow>,
    /// How many rows there are.
    total: usize,
}

/// How often the user did something on one day.
#[derive(Debug, Serialize, ToSchema)]
struct BehaviorRow {
    /// The user.
    user_id: i64,
    /// The action; a like counts on the day of its post.
    #[schema(value_type = ActionType)]
    action_type: String,
    /// How often, of what is archived.
    action_count: i64,
    /// The day, in UTC.
    analysis_date: Day,
    /// Always null: nothing is known beyond the count.
    #[schema(value_type = Option<Object>, required = true)]
    metadata: Option<()>,
    /// When the count last changed.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Always true: behaviour is counted as rows are archived.
    from_archive: bool,
}

/// An action of a user.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "only described")]
enum ActionType {
    Chat,
    Post,
    Comment,
    Like,
}

impl From<Behavior> for BehaviorRow {
    fn from(row: Behavior) -> Self {
        Self {
            user_id: row.user_id,
            action_type: row.action,
            action_count: row.count,
            analysis_date: Day(row.day),
            metadata: None,
            created_at: row.counted_at,
            from_archive: true,
        }
    }
}

/// The activity of a user by day and action, newest first: counted from archived messages, posts, comments and likes.
#[utoipa::path(get, path = "/api/users/{id}/behavior", operation_id = "get_user_behavior", tag = "users",
    params(("id" = i64, Path, minimum = 1, maximum = 9_223_372_036_854_775_807i64, example = 1,
            description = "The user: one's own id, or any with the scope `admin`."),
        ("from" = Option<String>, Query, format = DateTime,
            description = "Only days from this one on: a date, or a time on it."),
        ("to" = Option<String>, Query, format = DateTime,
            description = "Only days up to this date, inclusive, or before this time.")),
    responses((status = 200, body = UserBehavior)))]
async fn behavior(
    caller: Caller,
    State(app): State<App>,
    Segments(id): Segments<String>,
    context: RequestContext,
) -> Result<Response, Problem> {
    let user = path_id("id", &id)?;
    let span = span(&context.params(&["from", "to"])?)?;
    caller.require(Scope::Messages)?;
    caller.require(Scope::Posts)?;
    if user != caller.user_id && !caller.admin {
        return Err(Problem::Forbidden { scope: "admin" });
    }
    let lists = RESOURCES.map(|resource| Behaviors { user, resource });
    let read = lists.map(|list| every_row(app.reader(), list, span));
    let mut rows = futures::future::try_join_all(read).await?.concat();
    // Each list comes newest first; stable, so the actions of a day keep the order of their lists.
    rows.sort_by_key(|row| Reverse(row.day));
    let behavior: Vec<BehaviorRow> = rows.into_iter().map(BehaviorRow::from).collect();
    Ok(context.json(&UserBehavior { success: true, user_id: user, total: behavior.len(), behavior }))
}

/// Returns the keys of the days asked for. A time span without a moment in it holds no day.
fn span(params: &Params) -> Result<Span, Problem> {
    let (from, to) = (params.time("from")?, params.time("to")?);
    let from = from.map(|from| match from {
        Moment::Day(day) => Timestamp::midnight(day),
        Moment::At(at) => at,
    });
    // Exclusive: a date as `to` includes its day.
    let end = to.map(|to| match to {
        Moment::Day(day) => Timestamp::midnight(day).plus(DAY),
        Moment::At(at) => at,
    });
    let whole_day = matches!(to, Some(Moment::Day(_)));
    if from.zip(end).is_some_and(|(from, end)| from > end || (whole_day && from == end)) {
        return Err(Problem::parameter("to", "must not lie before `from`"));
    }
    let first = |at: Timestamp| Key::first_at(Timestamp::midnight(at.date()));
    let lower = from.map_or(Key::MIN, first);
    if from.is_some() && from == end {
        return Ok(Span { lower, upper: lower });
    }
    let upper = end.map_or(Key::MAX, |end| Key::new(Timestamp::midnight(end.plus(-1).date()), i64::MAX));
    Ok(Span { lower, upper })
}

async fn every_row(reader: Reader<'_>, list: Behaviors, mut span: Span) -> Result<Vec<Behavior>, ReadError> {
    let mut rows: Vec<Behavior> = Vec::new();
    loop {
        let page = reader.tiers(false).seek(&list, span, Order::Desc, CHUNK).await?;
        rows.extend(page.rows.into_iter().map(|placed| placed.row));
        match rows.last() {
            Some(last) if page.more => span = span.below(list.key(last)),
            _ => return Ok(rows),
        }
    }
}
