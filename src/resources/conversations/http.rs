//! The caller's conversations.

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Conversation, Conversations};
use crate::web::auth::{Caller, Scope};
use crate::web::context::RequestContext;
use crate::web::list::{self, ListParameters, ListRequest, Listing, PageInfo, Shown};
use crate::web::params::Params;
use crate::web::problem::Problem;
use crate::web::state::App;

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(page))
}

/// A page of conversations.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConversationPage {
    /// Always true; for existing front ends.
    success: bool,
    /// Most recently active first.
    conversations: Vec<Shown<Conversation>>,
    #[serde(flatten)]
    page: PageInfo,
}

impl From<Listing<Conversation>> for ConversationPage {
    fn from(listing: Listing<Conversation>) -> Self {
        Self { success: true, conversations: listing.rows, page: listing.info }
    }
}

/// Reads a page of the caller's conversations.
pub async fn read(
    app: &App,
    caller: &Caller,
    params: &Params,
) -> Result<(ListRequest, Listing<Conversation>), Problem> {
    let conversations = Conversations { user: caller.user_id };
    let request = ListRequest::read(&conversations, params)?;
    caller.require(Scope::Messages)?;
    let listing = request.read_from(app, &conversations, "conversation").await?;
    Ok((request, listing))
}

/// The caller's conversations, most recently active first.
#[utoipa::path(get, path = "/api/conversations", operation_id = "list_conversations", tag = "conversations",
    params(ListParameters),
    responses((status = 200, body = ConversationPage)))]
async fn page(caller: Caller, State(app): State<App>, context: RequestContext) -> Result<Response, Problem> {
    let (request, listing) = read(&app, &caller, &context.params(&list::PARAMETERS)?).await?;
    Ok(request.show(listing, &context, ConversationPage::from))
}
