//! The routes of prices. Any valid token may read them, and anyone where the settings make them public.

use axum::extract::State;
use axum::response::Response;
use futures::StreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::ask::{self, Ask, PARAMETERS, PriceParameters};
use super::body::{Source, respond, whole};
use super::format::Format;
use super::latest::{self, LatestPrices};
use super::lines::Lines;
use super::several::{Several, SeveralRanges};
use super::write::{Envelope, PriceRange};
use crate::federation::ReadError;
use crate::resources::stocks::access::PriceReader;
use crate::resources::stocks::{self, Stock};
use crate::web::auth::Caller;
use crate::web::context::RequestContext;
use crate::web::params::{Params, Segments, path_id};
use crate::web::problem::Problem;
use crate::web::state::App;

/// The symbols that no stock has, in answers without an envelope.
const UNKNOWN_SYMBOLS: HeaderName = HeaderName::from_static("x-unknown-symbols");
/// How many stocks are looked up at once.
const AT_ONCE: usize = 8;

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(by_id))
        .routes(routes!(by_symbol))
        .routes(routes!(several))
        .routes(routes!(latest))
}

/// A range of a stock's prices.
#[utoipa::path(get, path = "/api/stocks/{stock_id}/prices", operation_id = "stock_prices", tag = "stocks",
    params(("stock_id" = i64, Path, minimum = 1, description = "The stock."), PriceParameters),
    responses(
        (status = 200, description = "The range, which the headers x-start-date and x-end-date repeat.", content(
            (PriceRange = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))),
        (status = "4XX", description = "A problem.")))]
async fn by_id(
    _: PriceReader,
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
    _: PriceReader,
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
/// Symbols that no stock has are named: in `unknown` or, as CSV or lines of JSON, in the header x-unknown-symbols. When no
/// symbol has a stock, the answer is a 404.
#[utoipa::path(get, path = "/api/stocks/prices", operation_id = "several_prices", tag = "stocks",
    params(("symbols" = String, Query, description = "1 to 50 symbols, separated by commas."), PriceParameters),
    responses(
        (status = 200, description = "The ranges, which the headers x-start-date and x-end-date repeat.", content(
            (SeveralRanges = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))),
        (status = "4XX", description = "A problem.")))]
async fn several(
    _: PriceReader,
    State(app): State<App>,
    context: RequestContext,
) -> Result<Response, Problem> {
    let known: Vec<&str> = PARAMETERS.into_iter().chain(["symbols"]).collect();
    let params = context.params(&known)?;
    let symbols = ask::symbols(&params)?;
    let ask = Ask::read(&params, &context.headers, app.clock().now().date())?;
    let found = find(&app, symbols).await;
    let unknown = unknown(&found)?;
    let named = header_of(&unknown);
    let (source, in_lines): (Box<dyn Source>, bool) = match ask.format {
        Format::Json | Format::Columns => {
            (Box::new(Several::new(found, unknown, &ask, ask.format == Format::Columns)), false)
        }
        Format::Csv | Format::NdJson => {
            let known = found.into_iter().map(|(_, stock)| stock).filter(|stock| !is_unknown(stock));
            let stocks = known.collect::<Result<Vec<_>, _>>()?;
            (Box::new(Lines::new(stocks, &ask, ask.format == Format::Csv)), true)
        }
    };
    let mut response = respond(app, source, &ask, &context.headers).await?;
    if in_lines && !named.is_empty() {
        response.headers_mut().insert(UNKNOWN_SYMBOLS, named);
    }
    Ok(response)
}

/// The newest price of each stock that has a close, and the close before it.
///
/// A stock without any close has nulls. Symbols that no stock has are named in `unknown`; when no symbol has a stock, the
/// answer is a 404.
#[utoipa::path(get, path = "/api/stocks/prices/latest", operation_id = "latest_prices", tag = "stocks",
    params(("symbols" = String, Query, description = "1 to 50 symbols, separated by commas.")),
    responses((status = 200, body = LatestPrices), (status = "4XX", description = "A problem.")))]
async fn latest(
    _: PriceReader,
    State(app): State<App>,
    context: RequestContext,
) -> Result<Response, Problem> {
    let symbols = ask::symbols(&context.params(&["symbols"])?)?;
    let found = find(&app, symbols).await;
    let unknown = unknown(&found)?;
    let known = found.into_iter().map(|(_, stock)| stock).filter(|stock| !is_unknown(stock));
    let stocks = known.collect::<Result<Vec<_>, _>>()?;
    Ok(context.json(&LatestPrices { success: true, prices: latest::read(&app, stocks).await?, unknown }))
}

/// Reads the same range of several stocks as JSON, for a caller who may read prices.
pub async fn read_several(
    app: &App,
    caller: &Caller,
    symbols: Vec<String>,
    params: &Params,
) -> Result<Vec<u8>, Problem> {
    let ask = Ask::read(params, &HeaderMap::new(), app.clock().now().date())?;
    PriceReader::of(app, caller)?;
    let found = find(app, symbols).await;
    let unknown = unknown(&found)?;
    whole(app, &mut Several::new(found, unknown, &ask, false)).await
}

/// Returns the stock of each symbol, or the reason why there is none.
async fn find(app: &App, symbols: Vec<String>) -> Vec<(String, Result<Stock, Problem>)> {
    let find = async |symbol: String| {
        let stock = match stocks::by_symbol(app.hot(), &symbol).await {
            Ok(stock) => stock.ok_or(Problem::NotFound { what: "stock" }),
            Err(error) => Err(ReadError::from(error).into()),
        };
        (symbol, stock)
    };
    futures::stream::iter(symbols.into_iter().map(find)).buffered(AT_ONCE).collect().await
}

fn is_unknown(stock: &Result<Stock, Problem>) -> bool {
    matches!(stock, Err(Problem::NotFound { .. }))
}

/// Returns the symbols that no stock has; 404 when that is all of them.
fn unknown(found: &[(String, Result<Stock, Problem>)]) -> Result<Vec<String>, Problem> {
    let symbols = found.iter().filter(|(_, stock)| is_unknown(stock)).map(|(symbol, _)| symbol.clone());
    let symbols: Vec<String> = symbols.collect();
    if symbols.len() == found.len() { Err(Problem::UnknownSymbols { symbols }) } else { Ok(symbols) }
}

/// Returns symbols separated by commas. Characters that a header cannot hold, commas and `%` are percent-encoded.
fn header_of(symbols: &[String]) -> HeaderValue {
    let encode = |symbol: &String| {
        let byte = |byte: u8| match byte {
            b'%' | b',' => format!("%{byte:02X}"),
            byte if byte.is_ascii_graphic() => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        };
        symbol.bytes().map(byte).collect::<String>()
    };
    let list: Vec<String> = symbols.iter().map(encode).collect();
    HeaderValue::from_str(&list.join(",")).unwrap_or(HeaderValue::from_static(""))
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
