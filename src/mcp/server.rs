//! The server side of the protocol.

use http::request::Parts;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};

use super::tools;
use crate::telemetry::explain;
use crate::web::admission::Visit;
use crate::web::auth::Caller;
use crate::web::problem::Problem;
use crate::web::state::App;

/// The instructions for a model.
const INSTRUCTIONS: &str = "Read-only access to conversations, posts and stock prices. Lists are newest first. \
    While has_more is true, pass next as `before` for older rows; while has_newer is true, pass prev as `after` for newer ones.";

/// Answers one request.
pub(super) struct Server {
    app: App,
}

impl Server {
    pub const fn new(app: App) -> Self {
        Self { app }
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let server = Implementation::new("thermocline", env!("CARGO_PKG_VERSION")).with_title("Thermocline");
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(server)
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools::all().to_vec()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        tools::all().iter().find(|tool| tool.name == name).cloned()
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let extensions = context.extensions.get::<Parts>().map(|parts| &parts.extensions);
        let caller = extensions.and_then(|extensions| extensions.get::<Caller>());
        let caller = caller.ok_or_else(|| ErrorData::internal_error("the request has no caller", None))?;
        let visit = extensions.and_then(|extensions| extensions.get::<Visit>());
        let call = tools::call(&self.app, caller, &request.name, request.arguments.unwrap_or_default());
        // The library answers in a task of its own, in which slow tools wait for their turn, too.
        let called = match visit {
            Some(visit) => visit.scope(call).await,
            None => call.await,
        };
        let result = called
            .ok_or_else(|| ErrorData::invalid_params(format!("there is no tool {}", request.name), None))?;
        Ok(match result {
            Ok(value) => CallToolResult::structured(value),
            Err(problem) => refused(&problem),
        }
        .into())
    }
}

/// Returns a problem as text, which a model can read and act on.
fn refused(problem: &Problem) -> CallToolResult {
    if let Problem::Internal { source } = problem {
        let error = source.as_deref().map_or("without a source".to_owned(), |error| explain(error));
        tracing::error!(error, "a tool failed");
    }
    CallToolResult::error(vec![ContentBlock::text(format!("{}: {problem}", problem.kind().name))])
}
