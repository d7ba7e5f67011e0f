//! The caller's conversations.

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::overview::{self, ListedConversation};
use super::{Conversations, Order};
use crate::web::auth::{Caller, Scope};
use crate::web::context::RequestContext;
use crate::web::list::{self, ListParameters, ListRequest, Listing, PageInfo, Shown};
use crate::web::params::Params;
use crate::web::problem::Problem;
use crate::web::schema::ConversationOrder;
use crate::web::state::App;

/// The parameter with the order.
const ORDER: &str = "order";

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(page))
}

/// A page of conversations.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConversationPage {
    /// Always true; for existing front ends.
    success: bool,
    /// Most recently active first, or newest first with `order=begun`.
    conversations: Vec<Shown<ListedConversation>>,
    #[serde(flatten)]
    page: PageInfo,
}

impl From<Listing<ListedConversation>> for ConversationPage {
    fn from(listing: Listing<ListedConversation>) -> Self {
        Self { success: true, conversations: listing.rows, page: listing.info }
    }
}

/// Reads a page of the caller's conversations.
pub async fn read(
    app: &App,
    caller: &Caller,
    params: &Params,
) -> Result<(ListRequest, Listing<ListedConversation>), Problem> {
    let order = match params.one_of(ORDER, &["activity", "begun"])? {
        Some("begun") => Order::Begun,
        _ => Order::Activity,
    };
    let conversations = Conversations { user: caller.user_id, order };
    let request = ListRequest::read(&conversations, params)?;
    caller.require(Scope::Messages)?;
    let listing = request.read_from(app, &conversations, "conversation").await?;
    let listing = overview::complete(app, caller.user_id, listing, request.takes_partial()).await?;
    Ok((request, listing))
}

/// The caller's conversations, most recently active first.
///
/// Each with its users, its last message and the number of messages of the other user that are not read. A conversation that
/// becomes active during a walk rises to the top, where `after` with the first page's `prev` finds it. With `order=begun` each
/// keeps its place, so that a walk has each exactly once.
#[utoipa::path(get, path = "/api/conversations", operation_id = "list_conversations", tag = "conversations",
    params(ListParameters,
        ("order" = Option<ConversationOrder>, Query, description = "`begun`: newest first, instead of most recently active first.")),
    responses((status = 200, body = ConversationPage)))]
async fn page(caller: Caller, State(app): State<App>, context: RequestContext) -> Result<Response, Problem> {
    let (request, listing) =
        read(&app, &caller, &context.params(&[&list::PARAMETERS[..], &[ORDER]].concat())?).await?;
    Ok(request.show(listing, &context, ConversationPage::from))
}
