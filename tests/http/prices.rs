//! The routes of stocks and prices over two tiers.

use axum::http::StatusCode;
use chrono::{Datelike, NaiveDate};
use serde_json::{Value as Json, json};
use thermocline::clock::Timestamp;
use thermocline::import::{Input, Options};
use thermocline::load::nouns;
use thermocline::resources::stocks;

use crate::support::bounds::is_fast_lane;
use crate::support::prices_tiers::{BOUNDARY, CORRECTED, Market, date, rows};

const YEAR: &str = "/api/stocks/1/prices";

#[tokio::test]
async fn stocks_are_searched_and_paged_by_symbol() {
    let market = Market::weekdays().await;
    let symbols = async |query: &str| {
        let body = market.get(&format!("/api/stocks{query}")).await.json();
        let stocks = body["stocks"].as_array().expect("stocks").iter();
        stocks.map(|stock| stock["symbol"].as_str().expect("a symbol").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(symbols("").await, ["0050", "00631L", "2330", "T,\"X"]);
    assert_eq!(symbols("?q=").await.len(), 4);
    assert_eq!(symbols("?q=631l").await, ["00631L"]);
    assert_eq!(symbols("?q=%E7%A9%8D").await, ["2330"]);
    assert_eq!(symbols("?q=%25").await, ["T,\"X"]);
    assert_eq!(symbols("?page=2&per_page=3").await, ["T,\"X"]);
    let answer = market.get("/api/stocks?offset=2&limit=1").await;
    assert_eq!(
        answer.text(),
        "{\"success\":true,\"stocks\":[{\"id\":1,\"symbol\":\"2330\",\"name\":\"台積電\",\"exchange\":\"TWSE\",\
         \"market_type\":null}],\"offset\":2,\"limit\":1,\"total\":4,\"has_more\":true}"
    );
    let page = market.get("/api/stocks?q=zzz").await.json();
    assert_eq!(
        page,
        json!({"success": true, "stocks": [], "page": 1, "per_page": 20, "total": 0, "pages": 0, "has_more": false})
    );
    for (query, name) in [("limit=101", "limit"), ("page=1&limit=1", "limit"), ("sort=name", "sort")] {
        assert_eq!(market.get(&format!("/api/stocks?{query}")).await.problem(), (400, name.to_owned()));
    }
    let long = format!("/api/stocks?q={}", "x".repeat(101));
    assert_eq!(market.get(&long).await.problem().1, "q");
    assert_eq!(market.send("/api/stocks?limit=101", &[]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_range_combines_both_tiers() {
    let market = Market::weekdays().await;
    let answer = market.get(YEAR).await;
    let days = market.range("2025-11-20", "2026-11-20");
    assert!(days.iter().any(|day| day.archived) && days.iter().any(|day| !day.archived));
    let expected = format!(
        "{{\"success\":true,\"stock_id\":1,\"symbol\":\"2330\",\"start_date\":\"2025-11-20\",\
         \"end_date\":\"2026-11-20\",\"interval\":\"day\",\"order\":\"desc\",{},\"count\":{}}}",
        rows(&days),
        days.len()
    );
    assert_eq!(answer.text(), expected);
    assert!(expected.contains("_price\":0.00,") && expected.contains("_price\":null,"));
    let headers = ["x-start-date", "x-end-date", "content-type", "x-missing"].map(|name| answer.header(name));
    assert_eq!(headers, [Some("2025-11-20"), Some("2026-11-20"), Some("application/json"), None]);

    let tag = answer.header("etag").expect("a tag").to_owned();
    let again = market.get_with(YEAR, &[("if-none-match", &tag)]).await;
    assert_eq!((again.status, again.text()), (StatusCode::NOT_MODIFIED, ""));
    assert_eq!(again.header("x-start-date"), Some("2025-11-20"));
    assert_eq!(market.get("/api/stocks/symbols/2330/prices").await.text(), expected);
}

#[tokio::test]
async fn a_correction_in_hot_replaces_the_archived_day() {
    let market = Market::weekdays().await;
    let around = market.range("2025-02-28", "2025-03-04");
    assert_eq!(around.len(), 3);
    assert_eq!(around[1].date, date(CORRECTED));
    let text = market.get(&format!("{YEAR}?start_date=2025-02-28&end_date=2025-03-04")).await;
    assert!(text.text().contains(&rows(&around)), "{}", text.text());
    assert!(text.text().contains("\"id\":900000,\"trade_date\":\"2025-03-03\",\"open_price\":0.01"));
}

#[tokio::test]
async fn all_formats_hold_the_same_values() {
    let market = Market::weekdays().await;
    for uri in [YEAR.to_owned(), format!("{YEAR}?interval=month&order=asc&start_date=2024-01-01")] {
        let with =
            |format: &str| format!("{uri}{}format={format}", if uri.contains('?') { '&' } else { '?' });
        let json = market.get(&with("json")).await.json();
        let prices = json["prices"].as_array().expect("rows");
        let columns = market.get(&with("columns")).await.json();
        let names = ["trade_date", "open_price", "high_price", "low_price", "close_price", "change_amount"];
        let counts = ["volume", "turnover", "transaction_count", "from_archive"];
        for name in names.iter().chain(&counts) {
            let column: Vec<Json> = prices.iter().map(|row| row[name].clone()).collect();
            assert_eq!(columns["prices"][name], Json::from(column), "{name}");
        }
        assert_eq!(columns["prices"].as_object().map(serde_json::Map::len), Some(10));
        assert_eq!((&columns["count"], &columns["order"]), (&json["count"], &json["order"]));

        let lines = market.get(&with("ndjson")).await;
        assert_eq!(lines.header("content-type"), Some("application/x-ndjson"));
        for (line, row) in lines.text().lines().zip(prices) {
            assert!(line.starts_with("{\"symbol\":\"2330\","));
            let mut expected = row.clone();
            expected["symbol"] = "2330".into();
            assert_eq!(serde_json::from_str::<Json>(line).expect("JSON"), expected);
        }
        assert_eq!(lines.text().lines().count(), prices.len());
        assert_eq!(lines.header("x-end-date"), Some("2026-11-20"));
    }
}

/// Exported files can be imported again without any loss.
#[tokio::test]
async fn exported_csv_can_be_imported() {
    let market = Market::weekdays().await;
    let answer = market.get(&format!("{YEAR}?format=csv&start_date=2025-03-01")).await;
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), answer.text()).expect("written");
    let input = Input::open(&nouns::PRICES, file.path(), &Options::default()).expect("a sound file");
    let days = market.range("2025-03-01", "2026-11-20");
    let mut records = input.records().expect("readable");
    for day in &days {
        let line = records.next().expect("a line").expect("sound");
        let price = line.result.expect("a price");
        assert_eq!(
            (price.time("trade_date").map(Timestamp::date), price.int("volume"), price.int("turnover")),
            (Some(day.date), day.counts[0], day.counts[1])
        );
        let prices = ["open_price", "high_price", "low_price", "close_price", "change_amount"]
            .map(|column| price.decimal(column));
        assert_eq!(prices, day.prices.map(|cents| cents.map(|cents| rust_decimal::Decimal::new(cents, 2))));
    }
    assert!(records.next().is_none());
}

#[tokio::test]
async fn the_format_parameter_overrides_the_accept_header() {
    let market = Market::weekdays().await;
    let kind = async |uri: &str, accept: &str| {
        let answer = market.get_with(uri, &[("accept", accept)]).await;
        answer.header("content-type").map(str::to_owned).unwrap_or_default()
    };
    assert!(kind(YEAR, "text/csv").await.starts_with("text/csv"));
    assert_eq!(kind(YEAR, "application/x-ndjson, */*;q=0.1").await, "application/x-ndjson");
    assert_eq!(kind(YEAR, "text/html, */*;q=0.1").await, "application/json");
    assert_eq!(kind(&format!("{YEAR}?format=json"), "text/csv").await, "application/json");
}

#[tokio::test]
async fn the_limit_applies_to_the_order() {
    let market = Market::weekdays().await;
    let mut days = market.range("2025-11-20", "2026-11-20");
    for order in ["desc", "asc"] {
        for limit in [1, 40, days.len()] {
            let answer = market.get(&format!("{YEAR}?order={order}&limit={limit}")).await;
            assert!(answer.text().contains(&rows(&days[..limit])), "{order} {limit}");
            assert!(answer.header("etag").is_some());
        }
        days.reverse();
    }
    let answer = market.get(&format!("{YEAR}?interval=month&limit=3")).await.json();
    let dates: Vec<&Json> =
        answer["prices"].as_array().expect("rows").iter().map(|row| &row["trade_date"]).collect();
    assert_eq!(dates, ["2026-11-02", "2026-10-01", "2026-09-01"]);
}

type Bucket = fn(NaiveDate) -> (i32, u32);

/// Adds the days up one by one; the property test beside the aggregation covers nulls and both orders.
#[tokio::test]
async fn buckets_span_both_tiers() {
    let market = Market::weekdays().await;
    let buckets: [(&str, Bucket); 4] = [
        ("week", |day| (day.iso_week().year(), day.iso_week().week())),
        ("month", |day| (day.year(), day.month())),
        ("quarter", |day| (day.year(), day.month().div_ceil(3))),
        ("year", |day| (day.year(), 1)),
    ];
    for (interval, bucket) in buckets {
        let uri = format!("{YEAR}?start_date=2024-12-31&interval={interval}");
        let rows = market.get(&uri).await.json()["prices"].clone();
        let mut reversed = market.get(&format!("{uri}&order=asc")).await.json()["prices"].clone();
        reversed.as_array_mut().expect("rows").reverse();
        assert_eq!(rows, reversed, "{interval}");
        let mut days = market.range("2024-12-31", "2026-11-20");
        days.reverse();
        let rows = rows.as_array().expect("rows");
        assert_eq!(days.chunk_by(|a, b| bucket(a.date) == bucket(b.date)).count(), rows.len());
        for (days, row) in days.chunk_by(|a, b| bucket(a.date) == bucket(b.date)).zip(rows.iter().rev()) {
            let price = |cents: Option<i64>| cents.map_or(Json::Null, |cents| json!(cents as f64 / 100.0));
            let of = |field: usize| days.iter().filter_map(move |day| day.prices[field]);
            let sum = |field: usize| {
                let known: Vec<i64> = days.iter().filter_map(|day| day.counts[field]).collect();
                if known.is_empty() { Json::Null } else { known.iter().sum::<i64>().into() }
            };
            let expected = json!({
                "trade_date": days[0].date.to_string(),
                "open_price": price(of(0).next()),
                "high_price": price(of(1).max()),
                "low_price": price(of(2).min()),
                "close_price": price(of(3).next_back()),
                "change_amount": null,
                "volume": sum(0),
                "turnover": sum(1),
                "transaction_count": sum(2),
                "from_archive": days.iter().all(|day| day.archived),
            });
            assert_eq!(*row, expected, "{interval}");
        }
        let spanning = days.chunk_by(|a, b| bucket(a.date) == bucket(b.date));
        let boundary = date(BOUNDARY);
        assert!(
            spanning.into_iter().any(|days| days[0].date < boundary && boundary <= days[days.len() - 1].date)
        );
    }
}

#[tokio::test]
async fn an_empty_range_gives_the_newest_day() {
    let market = Market::weekdays().await;
    let weekend = format!("{YEAR}?start_date=2026-11-14&end_date=2026-11-15");
    let body = market.get(&weekend).await.json();
    assert_eq!((&body["prices"], &body["count"]), (&json!([]), &0.into()));
    assert_eq!((&body["newest_date"], &body["start_date"]), (&"2026-11-20".into(), &"2026-11-14".into()));
    let none = market.get("/api/stocks/2/prices?interval=week").await.json();
    assert_eq!(none.get("newest_date"), Some(&Json::Null));
    assert_eq!(market.get(YEAR).await.json().get("newest_date"), None);
    let columns = market.get(&format!("{weekend}&format=columns")).await.json();
    assert_eq!((&columns["prices"]["volume"], &columns["newest_date"]), (&json!([]), &"2026-11-20".into()));
    assert_eq!(market.get(&format!("{weekend}&format=csv")).await.text().lines().count(), 1);
    let lines = market.get(&format!("{weekend}&format=ndjson")).await;
    assert_eq!((lines.text(), lines.header("x-end-date")), ("", Some("2026-11-15")));
}

#[tokio::test]
async fn errors_are_reported_in_order() {
    let market = Market::weekdays().await;
    for (uri, name) in [
        ("/api/stocks/0/prices", "stock_id"),
        ("/api/stocks/symbols/prices", "stock_id"),
        ("/api/stocks/1/prices?start_date=2026-11-21", "end_date"),
        ("/api/stocks/9/prices?end_date=2026-02-29", "end_date"),
        ("/api/stocks/1/prices?interval=hour", "interval"),
        ("/api/stocks/1/prices?limit=0", "limit"),
        ("/api/stocks/1/prices?order=asc&order=asc", "order"),
        ("/api/stocks/1/prices?per_page=5", "per_page"),
        ("/api/stocks/symbols/123456789012345678901/prices", "symbol"),
        ("/api/stocks/symbols/9999/prices?format=xml", "format"),
        ("/api/stocks/prices", "symbols"),
        ("/api/stocks/prices?symbols=2330,2330", "symbols"),
        ("/api/stocks/prices?symbols=9999&partial=no", "partial"),
    ] {
        assert_eq!(market.get(uri).await.problem(), (400, name.to_owned()), "{uri}");
        assert_eq!(market.send(uri, &[]).await.status, StatusCode::UNAUTHORIZED, "{uri}");
    }
    for uri in ["/api/stocks/9/prices", "/api/stocks/symbols/9999/prices"] {
        assert_eq!(market.get(uri).await.problem(), (404, "There is no such stock.".to_owned()), "{uri}");
    }
}

#[tokio::test]
async fn ten_thousand_days_are_streamed() {
    let market = Market::ten_thousand(1_500).await;
    let uri = "/api/stocks/1/prices?start_date=1990-01-01";
    let mut days = market.days.clone();
    for order in ["asc", "desc"] {
        let quick: &[usize] = &[1_000, 10_000];
        let all: &[usize] = &[999, 1_000, 1_001, 1_500, 2_000, 9_999, 10_000, 100_000];
        for &limit in if is_fast_lane() { quick } else { all } {
            let answer = market.get(&format!("{uri}&order={order}&limit={limit}")).await;
            let expected = &days[..days.len().min(limit)];
            assert!(answer.text().contains(&rows(expected)), "{order} {limit}");
            assert_eq!(answer.json()["count"], expected.len());
            assert_eq!(answer.header("etag").is_some(), limit <= 1_000, "{order} {limit}");
            assert_eq!(answer.header("x-start-date"), Some("1990-01-01"));
        }
        let columns = market.get(&format!("{uri}&order={order}&format=columns")).await;
        let dates: Vec<Json> = days.iter().map(|day| day.date.to_string().into()).collect();
        assert_eq!(columns.json()["prices"]["trade_date"], Json::from(dates));
        let csv = market.get(&format!("{uri}&order={order}&format=csv")).await;
        assert_eq!(csv.text().lines().count(), 10_001);
        let years = market.get(&format!("{uri}&order={order}&interval=year&limit=27")).await.json();
        assert_eq!(years["count"], 27);
        days.reverse();
    }
}

#[tokio::test]
async fn several_stocks_are_complete_independently() {
    let market = Market::weekdays().await;
    let answer = market.get("/api/stocks/prices?symbols=2330,XXXX,0050&start_date=2026-10-01").await;
    let body = answer.json();
    assert_eq!((&body["success"], &body["start_date"]), (&true.into(), &"2026-10-01".into()));
    assert!(answer.text().contains(&rows(&market.range("2026-10-01", "2026-11-20"))));
    let stocks = body["stocks"].as_array().expect("stocks");
    assert_eq!(stocks.len(), 3);
    assert_eq!((&stocks[0]["stock_id"], &stocks[0]["complete"]), (&1.into(), &true.into()));
    assert_eq!(
        stocks[1],
        json!({"symbol": "XXXX", "complete": false, "prices": [], "count": 0, "error": {"type": "/problems/not-found",
            "title": "Not found", "status": 404, "detail": "There is no such stock."}})
    );
    assert_eq!(
        stocks[2],
        json!({"symbol": "0050", "stock_id": 2, "complete": true, "prices": [], "count": 0, "newest_date": null})
    );
    let tag = answer.header("etag").expect("a short answer has a tag");
    let uri = "/api/stocks/prices?symbols=2330,XXXX,0050&start_date=2026-10-01";
    assert_eq!(market.get_with(uri, &[("if-none-match", tag)]).await.status, StatusCode::NOT_MODIFIED);

    let columns = market.get("/api/stocks/prices?symbols=2330,XXXX&format=columns&limit=2").await.json();
    assert_eq!(columns["stocks"][0]["prices"]["trade_date"], json!(["2026-11-20", "2026-11-19"]));
    assert_eq!(columns["stocks"][1]["prices"]["trade_date"], json!([]));
    let lines = market.get("/api/stocks/prices?symbols=T%2C%22X,2330&format=csv&limit=2").await;
    assert_eq!(lines.text().lines().count(), 3, "a comma separates");
    assert_eq!(lines.header("x-unknown-symbols"), Some("T,\"X"));
    let lines = market.get("/api/stocks/prices?symbols=0050,2330&format=ndjson&limit=2").await;
    assert_eq!(lines.text().lines().count(), 2);
}

#[tokio::test]
async fn unknown_symbols_are_named_in_every_format() {
    let market = Market::weekdays().await;
    let ask = async |symbols: &str, format: &str| {
        market.get(&format!("/api/stocks/prices?symbols={symbols}&limit=2&format={format}")).await
    };
    for format in ["json", "columns"] {
        assert_eq!(ask("XXXX,2330,%E8%82%A1", format).await.json()["unknown"], json!(["XXXX", "股"]));
        assert_eq!(ask("2330,0050", format).await.json()["unknown"], json!([]));
    }
    for (format, lines) in [("csv", 3), ("ndjson", 2)] {
        let answer = ask("XXXX,2330,%E8%82%A1,5%25", format).await;
        assert_eq!(answer.header("x-unknown-symbols"), Some("XXXX,%E8%82%A1,5%25"), "{format}");
        assert_eq!(answer.text().lines().count(), lines, "{format}");
        assert_eq!(ask("2330,0050", format).await.header("x-unknown-symbols"), None, "{format}");
    }
    for format in ["json", "columns", "csv", "ndjson"] {
        let (status, detail) = ask("XXXX,YYYY", format).await.problem();
        assert_eq!((status, detail.as_str()), (404, "There is no stock with the symbol XXXX, YYYY."));
    }
    let (status, detail) = market.get("/api/stocks/prices/latest?symbols=XXXX").await.problem();
    assert_eq!((status, detail.as_str()), (404, "There is no stock with the symbol XXXX."));
}

#[tokio::test]
async fn the_latest_price_has_a_close() {
    let market = Market::weekdays().await;
    let mut closes = market.days.iter().rev().filter(|day| day.prices[3].is_some());
    let (newest, before) = (closes.next().expect("a close"), closes.next().expect("another"));
    let close = |cents: Option<i64>| cents.map(|cents| cents as f64 / 100.0);
    let body = market.get("/api/stocks/prices/latest?symbols=0050,XXXX,2330").await.json();
    assert_eq!((&body["success"], &body["unknown"]), (&true.into(), &json!(["XXXX"])));
    let prices = body["prices"].as_array().expect("prices");
    assert_eq!(prices.len(), 2);
    assert_eq!((&prices[0]["symbol"], &prices[0]["stock_id"]), (&"0050".into(), &2.into()));
    assert!(prices[0]["trade_date"].is_null() && prices[0]["close_price"].is_null(), "{}", prices[0]);
    let row: Json = serde_json::from_str(&newest.json()).expect("JSON");
    for (name, value) in row.as_object().expect("a row") {
        assert!(name == "id" || &prices[1][name] == value, "{name}: {}", prices[1]);
    }
    assert_eq!(prices[1]["previous_close"].as_f64(), close(before.prices[3]));
    assert_eq!(market.get("/api/stocks/prices/latest").await.problem(), (400, "symbols".to_owned()));
    let other = market.get("/api/stocks/prices/latest?symbols=2330&limit=1").await;
    assert_eq!(other.problem(), (400, "limit".to_owned()));
}

#[tokio::test]
async fn prices_can_be_public() {
    let market = Market::weekdays().await;
    for path in [
        YEAR,
        "/api/stocks/symbols/2330/prices",
        "/api/stocks/prices?symbols=2330",
        "/api/stocks/prices/latest?symbols=2330",
        "/udf/config",
        "/udf/time",
        "/udf/search?query=2330",
        "/udf/symbols?symbol=2330",
        "/udf/history?symbol=2330&resolution=1D&countback=2",
    ] {
        assert_eq!(market.send(path, &[]).await.status, StatusCode::UNAUTHORIZED, "{path}");
        let (open, own) = (market.get_public(path).await, market.get(path).await);
        assert_eq!((open.status, open.body), (StatusCode::OK, own.body), "{path}");
    }
    assert_eq!(market.get_public("/api/stocks").await.status, StatusCode::UNAUTHORIZED, "not prices");
}

#[tokio::test]
async fn several_long_stocks_are_streamed() {
    let market = Market::ten_thousand(1_500).await;
    let answer = market.get("/api/stocks/prices?symbols=2330,0050&start_date=1990-01-01&order=asc").await;
    assert!(answer.header("etag").is_none());
    assert!(answer.text().contains(&rows(&market.days)));
    assert_eq!(answer.json()["stocks"][1]["complete"], true);
}

/// Returns the members that a schema has, and those it requires.
fn members(schemas: &Json, schema: &Json) -> (Vec<String>, Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        return members(schemas, &schemas[name.rsplit('/').next().expect("a name")]);
    }
    let keys =
        |value: &Json| value.as_object().into_iter().flat_map(|map| map.keys().cloned()).collect::<Vec<_>>();
    let strings = schema["required"].as_array().into_iter().flatten();
    let mut all = keys(&schema["properties"]);
    let mut required: Vec<String> = strings.map(|name| name.as_str().expect("text").to_owned()).collect();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        let (more, needed) = members(schemas, part);
        all.extend(more);
        required.extend(needed);
    }
    (all, required)
}

/// Streams do not serialize the described types as a whole, so the two are compared.
#[tokio::test]
async fn the_description_matches_the_responses() {
    let market = Market::weekdays().await;
    let routes = stocks::http::routes().merge(stocks::prices::http::routes());
    let (_, description) = routes.split_for_parts();
    let description = serde_json::to_value(&description).expect("JSON");
    let schemas = &description["components"]["schemas"];
    let range = market.get(YEAR).await.json();
    let empty = market.get("/api/stocks/2/prices").await.json();
    let columns = market.get(&format!("{YEAR}?format=columns")).await.json();
    let several = market.get("/api/stocks/prices?symbols=2330,XXXX").await.json();
    let stocks = market.get("/api/stocks").await.json();
    for (schema, shown) in [
        ("PriceRange", &range),
        ("PriceRange", &empty),
        ("PriceRow", &range["prices"][0]),
        ("PriceColumns", &columns["prices"]),
        ("SeveralRanges", &several),
        ("StockPrices", &several["stocks"][0]),
        ("StockPrices", &several["stocks"][1]),
        ("PriceFailure", &several["stocks"][1]["error"]),
        ("StockPage", &stocks),
        ("Stock", &stocks["stocks"][0]),
    ] {
        let (all, required) = members(schemas, &schemas[schema]);
        let shown = shown.as_object().expect("an object");
        assert!(shown.keys().all(|name| all.contains(name)), "{schema}: {all:?} of {shown:?}");
        assert!(required.iter().all(|name| shown.contains_key(name)), "{schema}: {required:?}");
    }
    assert!(members(schemas, &schemas["PriceRow"]).1.contains(&"open_price".to_owned()));
    assert_eq!(description["paths"].as_object().map(serde_json::Map::len), Some(5));
}
