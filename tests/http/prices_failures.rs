//! Prices while a tier fails: a body is complete, marked as partial, or broken off.

use std::future::IntoFuture;

use axum::http::StatusCode;

use crate::support::client;
use crate::support::prices_tiers::{BOUNDARY, Market, rows};

const ALL: &str = "/api/stocks/1/prices?start_date=1990-01-01";
const YEAR: &str = "/api/stocks/1/prices";

#[tokio::test]
async fn early_failures_are_problems() {
    let market = Market::weekdays().await;
    market.cold.after(0);
    for format in ["json", "columns", "csv", "ndjson"] {
        let answer = market.get(&format!("{YEAR}?format={format}")).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{format}");
        assert_eq!(answer.json()["tier"], "cold");
        assert!(answer.header("retry-after").is_some());
    }
    // Ranges that need no cold rows are answered.
    let recent = market.get(&format!("{YEAR}?start_date={BOUNDARY}")).await;
    assert_eq!(recent.status, StatusCode::OK);
    assert!(recent.json().get("partial").is_none());
    market.hot.after(0);
    assert_eq!(market.get(&format!("{YEAR}?partial=allow")).await.json()["tier"], "hot");
}

#[tokio::test]
async fn late_failures_break_the_connection() {
    let market = Market::ten_thousand(1_500).await;
    for order in ["asc", "desc"] {
        for query in ["format=json", "format=csv", "format=ndjson", "interval=week", "interval=year"] {
            let uri = format!("{ALL}&order={order}&{query}");
            market.cold.after(i64::MAX);
            let whole = market.get(&uri).await;
            assert!(whole.body.is_ok(), "{uri}");
            market.cold.after(3);
            let answer = market.get(&uri).await;
            assert_eq!(answer.status, StatusCode::OK, "{uri}");
            assert!(answer.body.is_err(), "{uri}: {}", answer.text().len());
        }
        // Columns are written only when they are complete.
        market.cold.after(3);
        let columns = market.get(&format!("{ALL}&order={order}&format=columns")).await;
        assert_eq!(columns.status, StatusCode::SERVICE_UNAVAILABLE);
    }
    market.cold.after(i64::MAX);
    market.hot.after(2);
    assert!(market.get(&format!("{ALL}&partial=allow")).await.body.is_err());
}

#[tokio::test]
async fn partial_ranges_are_marked_and_newer_than_the_archive() {
    let market = Market::weekdays().await;
    market.cold.after(0);
    let mut recent = market.range(BOUNDARY, "2026-11-20");
    for order in ["desc", "asc"] {
        let uri = format!("{YEAR}?partial=allow&order={order}&start_date=2025-01-01");
        let answer = market.get(&uri).await;
        assert!(answer.text().contains(&rows(&recent)), "{}", answer.text());
        let body = answer.json();
        assert_eq!((&body["partial"], &body["missing"][0]), (&true.into(), &"cold".into()));
        assert_eq!(body["count"], recent.len());
        let columns = market.get(&format!("{uri}&format=columns")).await.json();
        assert_eq!((&columns["partial"], &columns["count"]), (&true.into(), &recent.len().into()));
        for format in ["csv", "ndjson"] {
            let lines = market.get(&format!("{uri}&format={format}")).await;
            assert_eq!(lines.header("x-missing"), Some("cold"));
            assert_eq!(lines.text().lines().count(), recent.len() + usize::from(format == "csv"));
        }
        recent.reverse();
    }
    // No row is left; the newest day is in hot and is given.
    let old = market.get(&format!("{YEAR}?partial=allow&end_date=2025-01-01")).await.json();
    assert_eq!((&old["count"], &old["newest_date"]), (&0.into(), &"2026-11-20".into()));
    assert_eq!(old["partial"], true);
    // Hot alone knows that the range is empty, and only cold whether there is an older day.
    let none = format!("/api/stocks/2/prices?start_date={BOUNDARY}");
    assert_eq!(market.get(&none).await.status, StatusCode::SERVICE_UNAVAILABLE);
    let none = market.get(&format!("{none}&partial=allow")).await.json();
    assert_eq!((&none["count"], &none["newest_date"]), (&0.into(), &serde_json::Value::Null));
    assert_eq!(none["missing"][0], "cold");
}

/// The archive fails after hundreds of rows were sent: the end of the envelope can say so, lines cannot, and oldest
/// first there would be a gap in the middle.
#[tokio::test]
async fn a_range_that_becomes_partial_late_is_marked_or_broken_off() {
    let market = Market::ten_thousand(1_500).await;
    let from_hot = &market.days[8_500..];
    market.cold.after(0);
    let answer = market.get(&format!("{ALL}&partial=allow")).await;
    assert!(answer.text().contains(&rows(from_hot.iter().rev())));
    assert_eq!((&answer.json()["partial"], &answer.json()["count"]), (&true.into(), &1_500.into()));
    assert!(market.get(&format!("{ALL}&partial=allow&format=csv")).await.body.is_err());
    // Oldest first, the first chunk already lacks cold, and the rest is from hot alone.
    let answer = market.get(&format!("{ALL}&partial=allow&order=asc&format=ndjson")).await;
    assert_eq!(answer.header("x-missing"), Some("cold"));
    assert_eq!(answer.text().lines().count(), 1_500);
    market.cold.after(3);
    let answer = market.get(&format!("{ALL}&partial=allow")).await;
    let count = answer.json()["count"].as_u64().expect("a number");
    assert!((1_500..10_000).contains(&count), "{count}");
    assert!(answer.text().contains(&rows(market.days.iter().rev().take(count as usize))));
    market.cold.after(3);
    assert!(market.get(&format!("{ALL}&partial=allow&order=asc")).await.body.is_err());
}

#[tokio::test]
async fn one_of_several_stocks_fails_alone() {
    let market = Market::weekdays().await;
    market.cold.after(1);
    // The first stock is read completely, the second needs the failed cold tier.
    let body = market.get("/api/stocks/prices?symbols=2330,0050").await.json();
    assert_eq!(body["stocks"][0]["complete"], true);
    let second = &body["stocks"][1];
    assert_eq!((&second["complete"], &second["stock_id"]), (&false.into(), &2.into()));
    assert_eq!(second["error"]["type"], "/problems/tier-unavailable");
    assert_eq!((&second["error"]["status"], &second["prices"]), (&503.into(), &serde_json::json!([])));
    market.cold.after(0);
    let body = market.get("/api/stocks/prices?symbols=2330&partial=allow").await.json();
    let only = &body["stocks"][0];
    assert_eq!((&only["complete"], &only["partial"]), (&false.into(), &true.into()));
    assert_eq!(only["prices"].as_array().map(Vec::len), Some(23));
    let lines = market.get("/api/stocks/prices?symbols=2330,0050&format=csv").await;
    assert_eq!(lines.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn lines_of_several_stocks_are_broken_off() {
    let market = Market::ten_thousand(1_500).await;
    market.cold.after(9);
    let lines = market.get("/api/stocks/prices?symbols=2330,0050&format=csv&start_date=1990-01-01").await;
    assert_eq!(lines.status, StatusCode::OK);
    assert!(lines.body.is_err());
}

/// The same over a socket: the client must not receive a proper end of the chunked body.
#[tokio::test]
async fn clients_detect_a_broken_body() {
    let market = Market::ten_thousand(1_500).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(axum::serve(listener, market.router.clone()).into_future());
    let client = client().build().expect("a client");
    for format in ["json", "csv", "ndjson"] {
        let get = async || {
            let request = client.get(format!("http://{address}{ALL}&format={format}"));
            request.bearer_auth(market.token()).send().await.expect("headers")
        };
        market.cold.after(i64::MAX);
        assert!(get().await.text().await.expect("a whole body").len() > 500_000, "{format}");
        market.cold.after(3);
        let broken = get().await;
        assert_eq!(broken.status().as_u16(), 200);
        assert!(broken.text().await.is_err(), "{format}");
    }
    server.abort();
}
