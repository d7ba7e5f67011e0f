//! The routes of prices. Any valid token may read them.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::ask::{self, Ask, PARAMETERS, PriceParameters};
use super::body::{Source, respond};
use super::format::Format;
use super::lines::Lines;
use super::several::{Several, SeveralRanges};
use super::write::{Envelope, PriceRange};
use crate::federation::ReadError;
use crate::resources::stocks::{self, Stock};
use crate::web::auth::Caller;
use crate::web::context::RequestContext;
use crate::web::params::{Segments, path_id};
use crate::web::problem::Problem;
use crate::web::state::App;

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(by_id)).routes(routes!(by_symbol)).routes(routes!(several))
}

/// A range of a stock's prices.
#[utoipa::path(get, path = "/api/stocks/{stock_id}/prices", operation_id = "stock_prices", tag = "stocks",
    params(("stock_id" = i64, Path, minimum = 1, description = "The stock."), PriceParameters),
    responses(
        (status = 200, description = "The range, which the headers x-start-date and x-end-date repeat.", content(
            (PriceRange = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))),
        (status = "4XX", description = "A problem.")))]
async fn by_id(
    _caller: Caller,
    State(app): State<App>,
    Segments(id): Segments<String>,
    context: RequestContext,
) -> Result<Response, Problem> {
    let id = path_id("stock_id", &id)?;
    let ask = read(&app, &context)?;
    let stock = stocks::by_id(app.hot(), id).await.map_err(ReadError::from)?;
    one(app, stock, &ask, &context.headers).await
}

/// A range of prices of the stock with this symbol.
#[utoipa::path(get, path = "/api/stocks/symbols/{symbol}/prices", operation_id = "symbol_prices", tag = "stocks",
    params(("symbol" = String, Path, description = "The symbol, exactly; 1 to 20 characters."), PriceParameters),
    responses(
        (status = 200, description = "The range, which the headers x-start-date and x-end-date repeat.", content(
            (PriceRange = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))),
        (status = "4XX", description = "A problem.")))]
async fn by_symbol(
    _caller: Caller,
    State(app): State<App>,
    Segments(symbol): Segments<String>,
    context: RequestContext,
) -> Result<Response, Problem> {
    let symbol = ask::symbol("symbol", &symbol)?;
    let ask = read(&app, &context)?;
    let stock = stocks::by_symbol(app.hot(), symbol).await.map_err(ReadError::from)?;
    one(app, stock, &ask, &context.headers).await
}

/// The same range of several stocks, each complete or not on its own.
///
/// As CSV or lines of JSON there is no place for the failure of one: an unknown symbol is then a 404 of the whole.
#[utoipa::path(get, path = "/api/stocks/prices", operation_id = "several_prices", tag = "stocks",
    params(("symbols" = String, Query, description = "1 to 50 symbols, separated by commas."), PriceParameters),
    responses(
        (status = 200, description = "The ranges, which the headers x-start-date and x-end-date repeat.", content(
            (SeveralRanges = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))),
        (status = "4XX", description = "A problem.")))]
async fn several(
    _caller: Caller,
    State(app): State<App>,
    context: RequestContext,
) -> Result<Response, Problem> {
    let known: Vec<&str> = PARAMETERS.into_iter().chain(["symbols"]).collect();
    let params = context.params(&known)?;
    let symbols = ask::symbols(&params)?;
    let ask = Ask::read(&params, &context.headers, app.clock().now().date())?;
    let mut found = Vec::with_capacity(symbols.len());
    for symbol in symbols {
        let stock = match stocks::by_symbol(app.hot(), &symbol).await {
            Ok(stock) => stock.ok_or(Problem::NotFound { what: "stock" }),
            Err(error) => Err(ReadError::from(error).into()),
        };
        found.push((symbol, stock));
    }
    let source: Box<dyn Source> = match ask.format {
        Format::Json => Box::new(Several::new(found, &ask, false)),
        Format::Columns => Box::new(Several::new(found, &ask, true)),
        Format::Csv | Format::NdJson => {
            let stocks = found.into_iter().map(|(_, stock)| stock).collect::<Result<Vec<_>, _>>()?;
            Box::new(Lines::new(stocks, &ask, ask.format == Format::Csv))
        }
    };
    respond(app, source, &ask, &context.headers).await
}

fn read(app: &App, context: &RequestContext) -> Result<Ask, Problem> {
    Ask::read(&context.params(&PARAMETERS)?, &context.headers, app.clock().now().date())
}

async fn one(app: App, stock: Option<Stock>, ask: &Ask, headers: &HeaderMap) -> Result<Response, Problem> {
    let stock = stock.ok_or(Problem::NotFound { what: "stock" })?;
    let source: Box<dyn Source> = match ask.format {
        Format::Json => Box::new(Envelope::new(stock, ask, false)),
        Format::Columns => Box::new(Envelope::new(stock, ask, true)),
        Format::Csv => Box::new(Lines::new(vec![stock], ask, true)),
        Format::NdJson => Box::new(Lines::new(vec![stock], ask, false)),
    };
    respond(app, source, ask, headers).await
}
