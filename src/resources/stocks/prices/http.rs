//! The routes of prices. Any valid token may read them, and anyone where the settings make them public.

use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use futures::StreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::ask::{self, Ask, PARAMETERS, PriceParameters};
use super::body::{Source, respond, whole};
use super::format::Format;
use super::latest::{self, LatestPrices};
use super::lines::Lines;
use super::several::{Several, SeveralColumnRanges, SeveralRanges};
use super::write::{Envelope, PriceColumnRange, PriceRange};
use crate::federation::ReadError;
use crate::resources::stocks::access::PriceReader;
use crate::resources::stocks::{self, Stock};
use crate::web::auth::Caller;
use crate::web::base_path::BasePath;
use crate::web::context::RequestContext;
use crate::web::params::{Params, Segments, path_id};
use crate::web::problem::Problem;
use crate::web::state::App;

/// The symbols that no stock has, in answers without an envelope.
const UNKNOWN_SYMBOLS: HeaderName = HeaderName::from_static("x-unknown-symbols");
/// The number of stocks that are looked up at once.
const AT_ONCE: usize = 8;

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    let described = OpenApiRouter::new()
        .routes(routes!(by_id))
        .routes(routes!(by_symbol))
        .routes(routes!(several))
        .routes(routes!(latest));
    // Each format but JSON has a path of its own too, so that a generated client has a function of one type for it.
    let named = Format::NAMES.iter().filter(|(_, format)| *format != Format::Json);
    named.fold(described, |router, (name, _)| {
        router
            .route(&format!("/api/stocks/{{stock_id}}/prices/{name}"), get(by_id))
            .route(&format!("/api/stocks/symbols/{{symbol}}/prices/{name}"), get(by_symbol))
            .route(&format!("/api/stocks/prices/{name}"), get(several))
    })
}

/// A range of a stock's prices.
#[utoipa::path(get, path = "/api/stocks/{stock_id}/prices", operation_id = "get_stock_prices", tag = "stocks",
    params(("stock_id" = i64, Path, minimum = 1, maximum = 9_223_372_036_854_775_807i64, example = 1, description = "The stock."), PriceParameters),
    responses(
        (status = 200, description = "The range, which the headers x-start-date and x-end-date repeat.", content(
            (PriceRange = "application/json"), (PriceColumnRange = "application/json; format=columns"),
            (String = "text/csv"), (String = "application/x-ndjson")))))]
async fn by_id(
    _: PriceReader,
    State(app): State<App>,
    Segments(id): Segments<String>,
    context: RequestContext,
) -> Result<Response, Problem> {
    let id = path_id("stock_id", &id)?;
    let (_, ask) = read(&app, &context, &[])?;
    let stock = stocks::by_id(app.hot(), id).await.map_err(ReadError::from)?;
    one(app, stock, &ask, &context).await
}

/// A range of prices of the stock with this symbol.
#[utoipa::path(get, path = "/api/stocks/symbols/{symbol}/prices", operation_id = "get_symbol_prices", tag = "stocks",
    params(("symbol" = String, Path, min_length = 1, max_length = 20, pattern = "^[^\\u0000]+$",
            example = "2330", description = "The symbol, exactly; 1 to 20 characters."), PriceParameters),
    responses(
        (status = 200, description = "The range, which the headers x-start-date and x-end-date repeat.", content(
            (PriceRange = "application/json"), (PriceColumnRange = "application/json; format=columns"),
            (String = "text/csv"), (String = "application/x-ndjson")))))]
async fn by_symbol(
    _: PriceReader,
    State(app): State<App>,
    Segments(symbol): Segments<String>,
    context: RequestContext,
) -> Result<Response, Problem> {
    let symbol = ask::symbol("symbol", &symbol)?;
    let (_, ask) = read(&app, &context, &[])?;
    let stock = stocks::by_symbol(app.hot(), symbol).await.map_err(ReadError::from)?;
    one(app, stock, &ask, &context).await
}

/// The same range of several stocks, each complete or not on its own.
///
/// Symbols that no stock has are named: in `unknown` or, as CSV or lines of JSON, in the header x-unknown-symbols. When no
/// symbol has a stock, the answer is a 404.
#[utoipa::path(get, path = "/api/stocks/prices", operation_id = "get_prices", tag = "stocks",
    params(("symbols" = String, Query, min_length = 1, pattern = "^[^,\\u0000]{1,20}(,[^,\\u0000]{1,20}){0,49}$",
            example = "2330,0050", description = "1 to 50 symbols, separated by commas."), PriceParameters),
    responses(
        (status = 200, description = "The ranges, which the headers x-start-date and x-end-date repeat.", content(
            (SeveralRanges = "application/json"), (SeveralColumnRanges = "application/json; format=columns"),
            (String = "text/csv"), (String = "application/x-ndjson")))))]
async fn several(
    _: PriceReader,
    State(app): State<App>,
    context: RequestContext,
) -> Result<Response, Problem> {
    let (params, ask) = read(&app, &context, &["symbols"])?;
    let symbols = ask::symbols(&params)?;
    let found = find(&app, symbols).await;
    let unknown = unknown(&found)?;
    let named = header_of(&unknown);
    let (source, in_lines): (Box<dyn Source>, bool) = match ask.format {
        Format::Json | Format::Columns => {
            (Box::new(Several::new(found, unknown, &ask, context.base.clone())), false)
        }
        Format::Csv | Format::NdJson => {
            let known = found.into_iter().map(|(_, stock)| stock).filter(|stock| !is_unknown(stock));
            let stocks = known.collect::<Result<Vec<_>, _>>()?;
            (Box::new(Lines::new(stocks, &ask, ask.format == Format::Csv)), true)
        }
    };
    let mut response = respond(app, source, &ask, &context).await?;
    if in_lines && !named.is_empty() {
        response.headers_mut().insert(UNKNOWN_SYMBOLS, named);
    }
    Ok(response)
}

/// The newest price of each stock that has a close, and the close before it.
///
/// A stock without any close has nulls. Symbols that no stock has are named in `unknown`; when no symbol has a stock, the
/// answer is a 404.
#[utoipa::path(get, path = "/api/stocks/prices/latest", operation_id = "get_latest_prices", tag = "stocks",
    params(("symbols" = String, Query, min_length = 1, pattern = "^[^,\\u0000]{1,20}(,[^,\\u0000]{1,20}){0,49}$",
            example = "2330,0050", description = "1 to 50 symbols, separated by commas.")),
    responses((status = 200, body = LatestPrices)))]
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
    whole(app, &mut Several::new(found, unknown, &ask, BasePath::default())).await
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

/// Reads the query: the parameters of a price range and `more`. A path that names a format has no parameter for it.
fn read(app: &App, context: &RequestContext, more: &[&'static str]) -> Result<(Params, Ask), Problem> {
    let format = Format::of_path(context.uri.path());
    let ranges = PARAMETERS.into_iter().filter(|name| format.is_none() || *name != "format");
    let known: Vec<&str> = ranges.chain(more.iter().copied()).collect();
    let params = context.params(&known)?;
    let ask = Ask::read(&params, &context.headers, app.clock().now().date())?;
    Ok((params, Ask { format: format.unwrap_or(ask.format), ..ask }))
}

async fn one(
    app: App,
    stock: Option<Stock>,
    ask: &Ask,
    context: &RequestContext,
) -> Result<Response, Problem> {
    let stock = stock.ok_or(Problem::NotFound { what: "stock" })?;
    let source: Box<dyn Source> = match ask.format {
        Format::Json => Box::new(Envelope::new(stock, ask, false)),
        Format::Columns => Box::new(Envelope::new(stock, ask, true)),
        Format::Csv => Box::new(Lines::new(vec![stock], ask, true)),
        Format::NdJson => Box::new(Lines::new(vec![stock], ask, false)),
    };
    respond(app, source, ask, context).await
}
