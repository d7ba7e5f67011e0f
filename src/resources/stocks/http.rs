//! The routes of stocks. Any valid token may read them.

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Stock;
use crate::federation::ReadError;
use crate::page::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::web::auth::{Caller, Scope};
use crate::web::context::RequestContext;
use crate::web::list::{MAX_OFFSET, MAX_PAGE};
use crate::web::params::Params;
use crate::web::problem::Problem;
use crate::web::state::App;

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(page))
}

/// A page of stocks.
#[derive(Debug, Serialize, ToSchema)]
struct StockPage {
    /// Always true; for existing front ends.
    success: bool,
    /// By symbol.
    stocks: Vec<Stock>,
    /// The page, in page style.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    page: Option<i64>,
    /// Stocks a page, in page style.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    per_page: Option<i64>,
    /// Stocks left out, in offset style.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    offset: Option<i64>,
    /// Stocks asked for, in offset style.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    limit: Option<i64>,
    /// How many stocks there are.
    total: i64,
    /// The number of pages, in page style.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pages: Option<i64>,
    /// Whether more stocks follow.
    has_more: bool,
}

/// Which stocks of those found to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    by_page: bool,
    offset: i64,
    limit: i64,
}

impl Window {
    fn read(params: &Params) -> Result<Self, Problem> {
        let given = |names: [&'static str; 2]| names.into_iter().find(|name| params.raw(name).is_some());
        let (by_page, by_offset) = (given(["page", "per_page"]), given(["offset", "limit"]));
        if let (Some(page), Some(offset)) = (by_page, by_offset) {
            return Err(Problem::parameter(offset, &format!("cannot be used together with `{page}`")));
        }
        let page = params.integer("page", 1..=MAX_PAGE)?.unwrap_or(1);
        let per_page = params.integer("per_page", 1..=MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT);
        let offset = params.integer("offset", 0..=MAX_OFFSET)?.unwrap_or(0);
        let limit = params.integer("limit", 1..=MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT);
        Ok(if by_offset.is_some() {
            Self { by_page: false, offset, limit }
        } else {
            Self { by_page: true, offset: (page - 1) * per_page, limit: per_page }
        })
    }

    fn cut(self, stocks: Vec<Stock>) -> StockPage {
        let Self { by_page, offset, limit } = self;
        let total = stocks.len() as i64;
        StockPage {
            success: true,
            stocks: stocks.into_iter().skip(offset as usize).take(limit as usize).collect(),
            page: by_page.then_some(offset / limit + 1),
            per_page: by_page.then_some(limit),
            offset: (!by_page).then_some(offset),
            limit: (!by_page).then_some(limit),
            total,
            pages: by_page.then_some(total / limit + i64::from(total % limit > 0)),
            has_more: offset + limit < total,
        }
    }
}

/// The stocks whose symbol or name contains a text, by symbol.
///
/// `q` is found literally: no character is a wildcard. ASCII letters match without case, everything else exactly.
#[utoipa::path(get, path = "/api/stocks", operation_id = "list_stocks", tag = "stocks",
    params(("q" = Option<String>, Query, max_length = 100, pattern = "^[^\\u0000]*$",
            description = "The text to find, at most 100 characters; all stocks without it."),
        ("page" = Option<i64>, Query, minimum = 1, maximum = 1_000_000_000, description = "The page, from 1."),
        ("per_page" = Option<i64>, Query, minimum = 1, maximum = 100, description = "Stocks a page; 20 by default."),
        ("offset" = Option<i64>, Query, minimum = 0, maximum = 1_000_000_000_000i64,
            description = "How many stocks to leave out."),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 100, description = "Stocks from an offset; 20 by default.")),
    responses((status = 200, body = StockPage)))]
async fn page(caller: Caller, State(app): State<App>, context: RequestContext) -> Result<Response, Problem> {
    let params = context.params(&["q", "page", "per_page", "offset", "limit"])?;
    let text = params.text("q", 0..=100)?.unwrap_or_default();
    let window = Window::read(&params)?;
    caller.require(Scope::Prices)?;
    let stocks = super::matching(app.hot(), text).await.map_err(ReadError::from)?;
    Ok(context.json(&window.cut(stocks)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(query: &str) -> Result<Window, String> {
        let params = Params::parse(Some(query), &["page", "per_page", "offset", "limit"]).expect("known");
        Window::read(&params).map_err(|problem| match problem {
            Problem::InvalidParameter { name, .. } => name,
            other => other.to_string(),
        })
    }

    #[test]
    fn one_style_a_request() {
        let of = |by_page, offset, limit| Ok(Window { by_page, offset, limit });
        assert_eq!(window(""), of(true, 0, 20));
        assert_eq!(window("page=3"), of(true, 40, 20));
        assert_eq!(window("page=1000000000&per_page=100"), of(true, 99_999_999_900, 100));
        assert_eq!(window("limit=100"), of(false, 0, 100));
        assert_eq!(window("offset=1000000000000"), of(false, 1_000_000_000_000, 20));
        for (query, name) in [
            ("page=0", "page"),
            ("per_page=101", "per_page"),
            ("offset=-1", "offset"),
            ("limit=0", "limit"),
            ("page=1&offset=0", "offset"),
            ("limit=5&per_page=5", "limit"),
        ] {
            assert_eq!(window(query), Err(name.to_owned()), "{query}");
        }
    }

    #[test]
    fn a_total_is_told_past_the_end_too() {
        let stock = |id| Stock { id, symbol: id.to_string(), name: None, exchange: None, market_type: None };
        let cut = |query| {
            let page = window(query).expect(query).cut((0..5).map(stock).collect());
            let ids: Vec<i64> = page.stocks.iter().map(|stock| stock.id).collect();
            (ids, page.total, page.pages, page.has_more)
        };
        assert_eq!(cut("per_page=2"), (vec![0, 1], 5, Some(3), true));
        assert_eq!(cut("page=3&per_page=2"), (vec![4], 5, Some(3), false));
        assert_eq!(cut("page=1&per_page=5"), (vec![0, 1, 2, 3, 4], 5, Some(1), false));
        assert_eq!(cut("page=9&per_page=2"), (vec![], 5, Some(3), false));
        assert_eq!(cut("offset=4&limit=1"), (vec![4], 5, None, false));
    }
}
