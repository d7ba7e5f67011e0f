//! The routes of the Universal Data Feed.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::history::{self, Bars, Window};
use super::query::{Fault, Query};
use super::symbols::{self, Config, Match, Symbol};
use crate::federation::ReadError;
use crate::resources::stocks;
use crate::resources::stocks::access::PriceReader;
use crate::web::context::RequestContext;
use crate::web::problem::Problem;
use crate::web::state::App;

/// The matches of a search that names no limit.
const MATCHES: i64 = 30;

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(config))
        .routes(routes!(time))
        .routes(routes!(search))
        .routes(routes!(symbol))
        .routes(routes!(history))
}

/// Bars of a stock.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "s", rename_all = "snake_case")]
#[schema(as = UdfHistory)]
enum History {
    /// The bars of the window.
    Ok(Bars),
    /// There are none.
    NoData {
        /// The time of the next older bar, if there is one.
        #[serde(rename = "nextTime", skip_serializing_if = "Option::is_none")]
        next_time: Option<i64>,
    },
}

/// A fault of the client.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UdfError)]
struct Failure {
    /// Always `error`.
    s: &'static str,
    /// The fault.
    errmsg: String,
}

/// Stocks, or a fault of the client.
#[derive(ToSchema)]
#[schema(as = UdfSearchAnswer)]
#[serde(untagged)]
#[expect(dead_code, reason = "only described")]
enum SearchAnswer {
    Stocks(Vec<Match>),
    Error(Failure),
}

/// A stock, or a fault of the client.
#[derive(ToSchema)]
#[schema(as = UdfSymbolAnswer)]
#[serde(untagged)]
#[expect(dead_code, clippy::large_enum_variant, reason = "only described")]
enum SymbolAnswer {
    Symbol(Symbol),
    Error(Failure),
}

/// Bars, or a fault of the client.
#[derive(ToSchema)]
#[schema(as = UdfHistoryAnswer)]
#[serde(untagged)]
#[expect(dead_code, reason = "only described")]
enum HistoryAnswer {
    History(History),
    Error(Failure),
}

/// Returns the answer, or the fault with status 200: the clients of this format read `s`.
fn answer(context: &RequestContext, result: Result<impl Serialize, Fault>) -> Response {
    match result {
        Ok(answer) => context.json(&answer),
        Err(errmsg) => context.json(&Failure { s: "error", errmsg }),
    }
}

fn unknown(symbol: &str) -> Fault {
    format!("unknown_symbol: {}", symbol.chars().take(64).collect::<String>())
}

/// The abilities of the feed of bars.
#[utoipa::path(get, path = "/udf/config", operation_id = "udf_config", tag = "charts",
    responses((status = 200, body = Config)))]
async fn config(
    _: PriceReader,
    State(app): State<App>,
    context: RequestContext,
) -> Result<Response, Problem> {
    let stocks = stocks::matching(app.hot(), "").await.map_err(ReadError::from)?;
    Ok(context.json(&Config::of(&stocks)))
}

/// The time of the server, in seconds since 1970.
#[utoipa::path(get, path = "/udf/time", operation_id = "udf_time", tag = "charts",
    responses((status = 200, body = String, content_type = "text/plain", description = "The seconds.")))]
async fn time(_: PriceReader, State(app): State<App>) -> Response {
    app.clock().now().micros().div_euclid(1_000_000).to_string().into_response()
}

/// Stocks whose symbol or name contains a text, the nearest first.
#[utoipa::path(get, path = "/udf/search", operation_id = "udf_search", tag = "charts",
    params(("query" = Option<String>, Query, max_length = 100, pattern = "^[^\\u0000]*$",
            description = "The text to find, at most 100 characters; all stocks without it."),
        ("type" = Option<String>, Query, max_length = 100, description = "Only stocks of this kind."),
        ("exchange" = Option<String>, Query, max_length = 100, description = "Only stocks of this exchange."),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 1000, description = "Stocks at most; 30 by default.")),
    responses((status = 200, body = SearchAnswer, description = "The stocks, or an object with `s`: `error`.")))]
async fn search(
    _: PriceReader,
    State(app): State<App>,
    context: RequestContext,
) -> Result<Response, Problem> {
    let query = Query::read(context.uri.query());
    let limit = match query.integer("limit") {
        Ok(limit) => limit.unwrap_or(MATCHES).clamp(1, 1000),
        Err(fault) => return Ok(answer(&context, Err::<(), _>(fault))),
    };
    let text = query.get("query").unwrap_or_default();
    if text.chars().count() > 100 || text.contains('\0') {
        let fault = "query must have at most 100 characters, U+0000 not among them".to_owned();
        return Ok(answer(&context, Err::<(), _>(fault)));
    }
    let stocks = stocks::matching(app.hot(), text).await.map_err(ReadError::from)?;
    let [exchange, kind] = ["exchange", "type"].map(|name| query.get(name).unwrap_or_default());
    Ok(context.json(&symbols::found(stocks, text, exchange, kind, limit as usize)))
}

/// A stock as a chart shows it.
#[utoipa::path(get, path = "/udf/symbols", operation_id = "udf_symbol", tag = "charts",
    params(("symbol" = String, Query, min_length = 1, max_length = 100, description = "The symbol; an exchange and a colon may stand before it.")),
    responses((status = 200, body = SymbolAnswer, description = "The stock, or an object with `s`: `error`.")))]
async fn symbol(
    _: PriceReader,
    State(app): State<App>,
    context: RequestContext,
) -> Result<Response, Problem> {
    let query = Query::read(context.uri.query());
    let name = match query.required("symbol") {
        Ok(name) => name,
        Err(fault) => return Ok(answer(&context, Err::<(), _>(fault))),
    };
    let stock = symbols::resolve(app.hot(), name).await.map_err(ReadError::from)?;
    Ok(answer(&context, stock.map(Symbol::from).ok_or_else(|| unknown(name))))
}

/// Bars of a stock, oldest first. Days without a trade are left out.
#[utoipa::path(get, path = "/udf/history", operation_id = "udf_history", tag = "charts",
    params(("symbol" = String, Query, min_length = 1, max_length = 100, description = "The symbol; an exchange and a colon may stand before it."),
        ("resolution" = String, Query, pattern = "^1?[DWM]$", description = "`1D`, `1W` or `1M`; a week begins on a Monday."),
        ("from" = Option<i64>, Query, minimum = -62_135_596_800i64, maximum = 253_402_300_799i64,
            description = "Bars from this time on, in seconds since 1970."),
        ("to" = Option<i64>, Query, minimum = -62_135_596_800i64, maximum = 253_402_300_799i64,
            description = "Bars before this time, in seconds since 1970; now by default."),
        ("countback" = Option<i64>, Query, minimum = 1, maximum = 100_000,
            description = "The number of bars before `to`, in place of `from`.")),
    responses((status = 200, body = HistoryAnswer, description = "The bars, or an object with `s`: `error`.")))]
async fn history(
    _: PriceReader,
    State(app): State<App>,
    context: RequestContext,
) -> Result<Response, Problem> {
    let query = Query::read(context.uri.query());
    let read = query.required("symbol").and_then(|name| Ok((name, Window::read(&query, app.clock().now())?)));
    let (name, window) = match read {
        Ok(read) => read,
        Err(fault) => return Ok(answer(&context, Err::<(), _>(fault))),
    };
    let Some(stock) = symbols::resolve(app.hot(), name).await.map_err(ReadError::from)? else {
        return Ok(answer(&context, Err::<(), _>(unknown(name))));
    };
    let (bars, next_time) = history::history(&app, stock.id, window).await?;
    let history = if bars.t.is_empty() { History::NoData { next_time } } else { History::Ok(bars) };
    Ok(context.json(&history))
}
