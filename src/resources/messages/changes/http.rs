//! The routes of the change feed.

use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::answer::MessageChanges;
use super::follow::{EVENT_STREAM, follow, last_event_id};
use super::read;
use crate::feed::Token;
use crate::page::MAX_LIMIT;
use crate::resources::messages::http::authorize;
use crate::web::accept::{Accept, Offered};
use crate::web::auth::{Scope, StreamCaller, TICKET};
use crate::web::context::RequestContext;
use crate::web::ids::IdStyle;
use crate::web::live::Of;
use crate::web::params::{Params, Segments, path_id};
use crate::web::problem::Problem;
use crate::web::state::App;

/// The end of the paths that answer with a stream alone.
const STREAM: &str = "/stream";
const JSON: &str = "application/json";
const MEDIA_TYPES: &[&str] = &[JSON, EVENT_STREAM];

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    let described = OpenApiRouter::new()
        .routes(routes!(of_conversation))
        .routes(routes!(of_caller))
        .routes(routes!(issue_ticket));
    // The stream has a path of its own too, so that a generated client has a function of one type for it.
    described
        .route(&format!("/api/conversations/{{id}}/messages/changes{STREAM}"), get(of_conversation))
        .route(&format!("/api/changes{STREAM}"), get(of_caller))
}

/// The parameters of both feeds in the description of the API.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by name; the fields describe them")]
struct ChangesParameters {
    /// The token to go on from: `next`, the id of an event, or `changes` of a page.
    #[param(format = "cursor", min_length = 1)]
    since: Option<String>,
    /// Changes of an answer in JSON; 100 by default.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// A ticket instead of the header `Authorization`; for one stream.
    #[param(pattern = "^[A-Za-z0-9_-]{100}$")]
    ticket: Option<String>,
}

/// The messages of a conversation that were inserted, changed or erased since a token.
///
/// In the order of the changes, whatever the times of the messages; one that was merely archived is not among them. Without
/// `since`: no rows, and the token of now. With `Accept: text/event-stream` the answer goes on as a stream: `id:` is the token,
/// `event:` is `message` or `erased`, `data:` one message or what is left of it. It ends when the token of the caller expires.
#[utoipa::path(get, path = "/api/conversations/{id}/messages/changes", operation_id = "list_message_changes",
    tag = "messages",
    params(("id" = i64, Path, minimum = 1, maximum = 9_223_372_036_854_775_807i64, example = 1, description = "The conversation."),
        ChangesParameters),
    responses((status = 200, description = "The changes.", content((MessageChanges = "application/json"), (String = "text/event-stream"))),
        (status = 410, description = "The token is too old, or of another database.")))]
async fn of_conversation(
    caller: StreamCaller,
    State(app): State<App>,
    Segments(id): Segments<String>,
    context: RequestContext,
) -> Result<Response, Problem> {
    let id = path_id("id", &id)?;
    let ask = Ask::read(&caller, &context)?;
    authorize(&app, &caller.caller, id).await?;
    ask.answer(&app, &caller, Of::Conversation(id), &context).await
}

/// The messages of all conversations of the caller that were inserted, changed or erased since a token.
///
/// Like the changes of one conversation. With the scope `admin` it is every conversation.
#[utoipa::path(get, path = "/api/changes", operation_id = "list_changes", tag = "messages",
    params(ChangesParameters),
    responses((status = 200, description = "The changes.", content((MessageChanges = "application/json"), (String = "text/event-stream"))),
        (status = 404, description = "The feed is off."),
        (status = 410, description = "The token is too old, or of another database.")))]
async fn of_caller(
    caller: StreamCaller,
    State(app): State<App>,
    context: RequestContext,
) -> Result<Response, Problem> {
    let ask = Ask::read(&caller, &context)?;
    caller.caller.require(Scope::Messages)?;
    let of = if caller.caller.admin { Of::All } else { Of::User(caller.caller.user_id) };
    ask.answer(&app, &caller, of, &context).await
}

/// A ticket for one stream.
#[derive(Debug, Serialize, ToSchema)]
struct StreamTicket {
    /// The value of the parameter `ticket`.
    ticket: String,
    /// Seconds.
    expires_in: i64,
}

/// A ticket that opens one stream of changes, once.
///
/// For clients that can send no header, such as `EventSource` in browsers: a token must not stand in a URL.
#[utoipa::path(get, path = "/api/changes/ticket", operation_id = "get_changes_ticket", tag = "messages",
    responses((status = 200, body = StreamTicket), (status = 404, description = "The feed is off.")))]
async fn issue_ticket(
    caller: StreamCaller,
    State(app): State<App>,
    context: RequestContext,
) -> Result<Response, Problem> {
    // A ticket for a ticket would go on for ever.
    context.params(&[])?;
    caller.caller.require(Scope::Messages)?;
    // Without a feed there is nothing to open.
    read::now(&app).await?;
    let (ticket, expires_in) = app.tickets().issue(&caller.caller, caller.until);
    Ok(context.json(&StreamTicket { ticket, expires_in }))
}

/// A request for changes.
struct Ask {
    since: Option<Token>,
    limit: i64,
    as_stream: bool,
}

impl Ask {
    fn read(caller: &StreamCaller, context: &RequestContext) -> Result<Self, Problem> {
        let params = context.params(&["since", "limit", TICKET])?;
        let as_stream = context.uri.path().ends_with(STREAM)
            || Accept::of(&context.headers).prefer(&[(JSON, false), (EVENT_STREAM, true)]) == Some(true);
        if params.raw(TICKET).is_some() && caller.ticket.is_none() {
            return Err(Problem::parameter(TICKET, "cannot be used together with the header Authorization"));
        }
        if caller.ticket.is_some() && !as_stream {
            return Err(Problem::parameter(TICKET, "opens a stream: send `Accept: text/event-stream`"));
        }
        let limit = params.integer("limit", 1..=MAX_LIMIT)?.unwrap_or(MAX_LIMIT);
        let since = since(&params)?;
        let since = if as_stream { last_event_id(&context.headers)?.or(since) } else { since };
        Ok(Self { since, limit, as_stream })
    }

    async fn answer(
        self,
        app: &App,
        caller: &StreamCaller,
        of: Of,
        context: &RequestContext,
    ) -> Result<Response, Problem> {
        let mut response = if self.as_stream {
            follow(app, caller, of, self.since, IdStyle::of_query(context.uri.query())).await?
        } else {
            context.json(&self.json(app, of).await?)
        };
        if !context.uri.path().ends_with(STREAM) {
            response.extensions_mut().insert(Offered(MEDIA_TYPES));
        }
        Ok(response)
    }

    async fn json(&self, app: &App, of: Of) -> Result<MessageChanges, Problem> {
        Ok(match self.since {
            Some(since) => read::changes(app, since, of, self.limit).await?.into(),
            None => MessageChanges::begin(read::now(app).await?),
        })
    }
}

fn since(params: &Params) -> Result<Option<Token>, Problem> {
    let token = params.raw("since").map(str::parse).transpose();
    token.map_err(|_| Problem::InvalidCursor { name: "since".to_owned() })
}
