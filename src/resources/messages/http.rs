//! The routes of messages. Only the two users of a conversation and `admin` may read it; for other callers it does not
//! exist (404).

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Message, Messages, changes, readers};
use crate::tier::usage::cache_asked;
use crate::web::auth::{Caller, Scope};
use crate::web::context::RequestContext;
use crate::web::list::{self, ListParameters, ListRequest, Listing, PageInfo, Shown};
use crate::web::live::Reader;
use crate::web::params::{Params, Segments, path_id};
use crate::web::problem::Problem;
use crate::web::schema::PartialMode;
use crate::web::state::{App, PARTICIPANTS};

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(page))
        .routes(routes!(search))
        .routes(routes!(one))
        .merge(changes::http::routes())
}

/// A page of messages.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessagePage {
    /// Always true; for existing front ends.
    success: bool,
    /// Newest first.
    messages: Vec<Shown<Message>>,
    #[serde(flatten)]
    page: PageInfo,
    /// The token of the change feed from before these rows were read, for `since`; on the newest page, where there is a feed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    changes: Option<String>,
}

/// One message.
#[derive(Debug, Serialize, ToSchema)]
struct OneMessage {
    /// Always true; for existing front ends.
    success: bool,
    message: Shown<Message>,
}

impl From<Listing<Message>> for MessagePage {
    fn from(listing: Listing<Message>) -> Self {
        let changes = listing.changes.map(|token| token.to_string());
        Self { success: true, messages: listing.rows, page: listing.info, changes }
    }
}

/// Reads a page of a conversation's messages.
pub async fn read(
    app: &App,
    caller: &Caller,
    id: i64,
    params: &Params,
) -> Result<(ListRequest, Listing<Message>), Problem> {
    let messages = Messages::of(id);
    let request = ListRequest::read(&messages, params)?;
    authorize(app, caller, id).await?;
    // Everything below the token is among the rows, everything else comes by the feed.
    let followed = if request.is_newest() { changes::kind(app).await? } else { None };
    let listing = request.read_from(app, &messages.followed(followed), "message").await?;
    Ok((request, listing))
}

/// Reads a page of the messages of a conversation that contain the text `q`.
pub async fn find(
    app: &App,
    caller: &Caller,
    id: i64,
    params: &Params,
) -> Result<(ListRequest, Listing<Message>), Problem> {
    let text = params.text("q", 1..=1000)?.ok_or_else(|| Problem::parameter("q", "is required"))?;
    let messages = Messages::containing(id, text);
    let request = ListRequest::read(&messages, params)?.by_cursor();
    authorize(app, caller, id).await?;
    let listing = request.read_from(app, &messages, "message").await?;
    Ok((request, listing))
}

/// Checks that the conversation exists and that `caller` may read it; 404 otherwise.
///
/// The cache only ever allows. A refusal has asked hot once, so that it takes the same steps whether the conversation exists,
/// is being read by others, or neither.
pub(super) async fn authorize(app: &App, caller: &Caller, conversation: i64) -> Result<(), Problem> {
    caller.require(Scope::Messages)?;
    let reader = Reader::from(caller);
    let known = reader.may_read(app.participants().get(&conversation).await.as_ref());
    cache_asked(PARTICIPANTS, known);
    if known {
        return Ok(());
    }
    match readers::of(app.hot(), conversation).await.map_err(crate::federation::ReadError::from)? {
        Some(users) if reader.may_read(Some(&users)) => {
            app.participants().insert(conversation, users).await;
            Ok(())
        }
        _ => Err(Problem::NotFound { what: "conversation" }),
    }
}

/// A page of a conversation's messages, newest first.
#[utoipa::path(get, path = "/api/conversations/{id}/messages", operation_id = "list_messages", tag = "messages",
    params(("id" = i64, Path, minimum = 1, maximum = 9_223_372_036_854_775_807i64, example = 1, description = "The conversation."), ListParameters),
    responses((status = 200, body = MessagePage)))]
async fn page(
    caller: Caller,
    State(app): State<App>,
    Segments(id): Segments<String>,
    context: RequestContext,
) -> Result<Response, Problem> {
    let id = path_id("id", &id)?;
    let (request, listing) = read(&app, &caller, id, &context.params(&list::PARAMETERS)?).await?;
    Ok(request.show(listing, &context, MessagePage::from))
}

/// The messages that contain a text, newest first.
///
/// `q` is found literally: no character is a wildcard. ASCII letters match without case, everything else exactly.
#[utoipa::path(get, path = "/api/conversations/{id}/messages/search", operation_id = "search_messages",
    tag = "messages",
    params(("id" = i64, Path, minimum = 1, maximum = 9_223_372_036_854_775_807i64, example = 1, description = "The conversation."),
        ("q" = String, Query, min_length = 1, max_length = 1000, pattern = "^[^\\u0000]+$", example = "hello",
            description = "The text to find, 1 to 1,000 characters."),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 100, description = "Rows of a page; 20 by default."),
        ("before" = Option<String>, Query, format = "cursor", min_length = 1, description = "A cursor: the matches just older."),
        ("after" = Option<String>, Query, format = "cursor", min_length = 1, description = "A cursor: the matches just newer."),
        ("partial" = Option<PartialMode>, Query, description = "While the archive cannot be reached: the rows there are.")),
    responses((status = 200, body = MessagePage)))]
async fn search(
    caller: Caller,
    State(app): State<App>,
    Segments(id): Segments<String>,
    context: RequestContext,
) -> Result<Response, Problem> {
    let id = path_id("id", &id)?;
    let params = context.params(&["q", "limit", "before", "after", "partial"])?;
    let (request, listing) = find(&app, &caller, id, &params).await?;
    Ok(request.show(listing, &context, MessagePage::from))
}

/// One message.
#[utoipa::path(get, path = "/api/conversations/{id}/messages/{message_id}", operation_id = "get_message",
    tag = "messages",
    params(("id" = i64, Path, minimum = 1, maximum = 9_223_372_036_854_775_807i64, example = 1, description = "The conversation."),
        ("message_id" = i64, Path, minimum = 1, maximum = 9_223_372_036_854_775_807i64, example = 1, description = "The message.")),
    responses((status = 200, body = OneMessage)))]
async fn one(
    caller: Caller,
    State(app): State<App>,
    Segments((id, message)): Segments<(String, String)>,
    context: RequestContext,
) -> Result<Response, Problem> {
    let (id, message) = (path_id("id", &id)?, path_id("message_id", &message)?);
    context.params(&[])?;
    authorize(&app, &caller, id).await?;
    let found = app.reader().tiers(false).find(&Messages::of(id), message).await?;
    let message = found.ok_or(Problem::NotFound { what: "message" })?.into();
    Ok(context.json(&OneMessage { success: true, message }))
}
