//! The route of users. A token that may read messages or posts may read the names of their authors.

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::User;
use crate::federation::ReadError;
use crate::web::auth::{Caller, Scope};
use crate::web::context::RequestContext;
use crate::web::ids;
use crate::web::params::{Params, path_id};
use crate::web::problem::Problem;
use crate::web::state::App;

/// The most ids of one request.
const MAX_IDS: usize = 100;

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(by_ids))
}

/// Some users.
#[derive(Debug, Serialize, ToSchema)]
struct UserList {
    /// Always true; for existing front ends.
    success: bool,
    /// In the order of `ids`.
    users: Vec<User>,
}

/// The users with these ids. Unknown ids are left out.
#[utoipa::path(get, path = "/api/users", operation_id = "list_users", tag = "users",
    params(("ids" = String, Query, min_length = 1, pattern = "^[0-9]{1,19}(,[0-9]{1,19}){0,99}$", example = "1,2,3",
        description = "1 to 100 ids, separated by commas. `ids=string` may stand beside it: ids as texts.")),
    responses((status = 200, body = UserList)))]
async fn by_ids(
    caller: Caller,
    State(app): State<App>,
    context: RequestContext,
) -> Result<Response, Problem> {
    let ids = list(&Params::parse(Some(&without_style(context.uri.query())), &["ids"])?)?;
    // Those who write messages, and those who write posts.
    caller.require(Scope::Messages).or_else(|_| caller.require(Scope::Posts))?;
    let users = super::by_ids(app.hot(), &ids).await.map_err(ReadError::from)?;
    Ok(context.json(&UserList { success: true, users }))
}

/// Returns a query without the style of the ids in the answer, whose parameter has the same name as the list.
fn without_style(query: Option<&str>) -> String {
    let styles = ids::STYLES.map(|style| format!("{}={style}", ids::PARAMETER));
    let pairs = query.unwrap_or_default().split('&').filter(|pair| !styles.iter().any(|style| style == pair));
    pairs.collect::<Vec<_>>().join("&")
}

/// Returns the ids of `ids`. A repeated one counts once.
fn list(params: &Params) -> Result<Vec<i64>, Problem> {
    let list = params.raw("ids").ok_or_else(|| Problem::parameter("ids", "is required"))?;
    let mut ids = Vec::new();
    for text in list.split(',') {
        let id = path_id("ids", text)?;
        if ids.contains(&id) {
            continue;
        }
        if ids.len() == MAX_IDS {
            return Err(Problem::parameter("ids", &format!("must not name more than {MAX_IDS}")));
        }
        ids.push(id);
    }
    Ok(ids)
}
