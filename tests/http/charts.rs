//! Bars in the format of charting libraries, compared with a naive list of bars.

use chrono::{Datelike, NaiveDate};
use serde_json::{Value as Json, json};
use thermocline::clock::Timestamp;

use crate::support::prices_tiers::{Day, Market};

/// A bar: its time, its four prices in hundredths, and its volume.
#[derive(Clone, Debug, PartialEq)]
struct Bar {
    at: i64,
    prices: [i64; 4],
    volume: i64,
}

fn seconds(day: NaiveDate) -> i64 {
    Timestamp::midnight(day).micros() / 1_000_000
}

/// Returns the key that the days of one bar share.
fn bucket(resolution: &str, day: NaiveDate) -> (i32, u32) {
    match resolution {
        "1D" => (day.year(), day.ordinal()),
        "1W" => (day.iso_week().year(), day.iso_week().week()),
        _ => (day.year(), day.month()),
    }
}

/// Returns every bar, oldest first.
fn bars(market: &Market, resolution: &str) -> Vec<Bar> {
    let traded: Vec<&Day> = market.days.iter().filter(|day| day.prices[3].is_some()).collect();
    let groups = traded.chunk_by(|a, b| bucket(resolution, a.date) == bucket(resolution, b.date));
    let bar = |days: &[&Day]| {
        let field = |place: usize| days.iter().filter_map(move |day| day.prices[place]);
        let close = field(3).next_back().expect("a close");
        let open = field(0).next().unwrap_or(close);
        let high = field(1).max().unwrap_or(open.max(close));
        let low = field(2).min().unwrap_or(open.min(close));
        let volume = days.iter().filter_map(|day| day.counts[0]).sum();
        Bar { at: seconds(days[0].date), prices: [open, high, low, close], volume }
    };
    groups.map(bar).collect()
}

/// Returns the bars of an answer.
fn shown(body: &Json) -> Vec<Bar> {
    assert_eq!(body["s"], "ok", "{body}");
    let column = |name: &str| body[name].as_array().unwrap_or_else(|| panic!("no {name} in {body}")).clone();
    let [times, open, high, low, close, volume] = ["t", "o", "h", "l", "c", "v"].map(column);
    let cents = |price: &Json| (price.as_f64().expect("a price") * 100.0).round() as i64;
    let bar = |place: usize| Bar {
        at: times[place].as_i64().expect("a time"),
        prices: [&open, &high, &low, &close].map(|prices| cents(&prices[place])),
        volume: volume[place].as_i64().expect("a volume"),
    };
    assert!([&open, &high, &low, &close, &volume].iter().all(|column| column.len() == times.len()));
    (0..times.len()).map(bar).collect()
}

async fn history(market: &Market, query: &str) -> Json {
    let answer = market.get(&format!("/udf/history?symbol=2330&{query}")).await;
    assert_eq!(answer.status.as_u16(), 200, "{query}");
    answer.json()
}

#[tokio::test]
async fn bars_of_a_window_come_from_both_tiers() {
    let market = Market::weekdays().await;
    for resolution in ["1D", "1W", "1M"] {
        let all = bars(&market, resolution);
        let last = all.last().expect("a bar").at;
        let edges: Vec<i64> = all.iter().step_by(all.len() / 7 + 1).map(|bar| bar.at).collect();
        for &from in &edges {
            for to in edges.iter().flat_map(|edge| [edge - 1, *edge, edge + 1]).chain([last + 86_400 * 40]) {
                let body = history(&market, &format!("resolution={resolution}&from={from}&to={to}")).await;
                let expected: Vec<Bar> =
                    all.iter().filter(|bar| from <= bar.at && bar.at < to).cloned().collect();
                if expected.is_empty() {
                    let older = all.iter().rev().find(|bar| bar.at < from.min(to));
                    let next = older.map_or(
                        json!({"s": "no_data"}),
                        |older| json!({"s": "no_data", "nextTime": older.at}),
                    );
                    assert_eq!(body, next, "{resolution} {from} {to}");
                } else {
                    assert_eq!(shown(&body), expected, "{resolution} {from} {to}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_chart_can_count_back() {
    let market = Market::weekdays().await;
    for (resolution, short) in [("1D", "D"), ("1W", "W"), ("1M", "M")] {
        let all = bars(&market, resolution);
        let middle = all[all.len() / 2].at;
        for (count, to) in [(1, middle), (30, middle), (30, middle + 1), (100_000, middle), (3, i64::MAX)] {
            // `from` is ignored beside a count.
            let query = format!("resolution={short}&from={}&to={to}&countback={count}", to - 1);
            let before: Vec<Bar> = all.iter().filter(|bar| bar.at < to).cloned().collect();
            let expected = &before[before.len().saturating_sub(count)..];
            assert_eq!(shown(&history(&market, &query).await), expected, "{query}");
        }
        let none = format!("resolution={resolution}&countback=5&to={}", all[0].at);
        assert_eq!(history(&market, &none).await, json!({"s": "no_data"}), "nothing is older");
    }
    let newest = shown(&history(&market, "resolution=1D&countback=1").await);
    assert_eq!(Some(&newest[0]), bars(&market, "1D").last(), "up to now without an end");
}

/// A gap between the bars costs a second read, and no chart reads more days than it shows and a few.
#[tokio::test]
async fn a_window_without_bars_names_the_next_older_one() {
    let market = Market::ten_thousand(1_500).await;
    let all = bars(&market, "1D");
    let last = all.last().expect("a bar").at;
    let query = |from: i64, to: i64| format!("resolution=1D&from={from}&to={to}");
    let body = history(&market, &query(last + 86_400 * 100, last + 86_400 * 200)).await;
    assert_eq!(body, json!({"s": "no_data", "nextTime": last}));
    let body = history(&market, &query(i64::MIN, all[0].at)).await;
    assert_eq!(body, json!({"s": "no_data"}));
    assert_eq!(shown(&history(&market, &query(i64::MIN, i64::MAX)).await), all);
}

#[tokio::test]
async fn stocks_are_found_and_described() {
    let market = Market::weekdays().await;
    let get = async |path: &str| market.get(path).await.json();
    let config = get("/udf/config").await;
    assert_eq!(config["supported_resolutions"], json!(["1D", "1W", "1M"]));
    assert_eq!(
        (&config["supports_search"], &config["supports_group_request"]),
        (&true.into(), &false.into())
    );
    let time = market.get("/udf/time").await;
    assert_eq!((time.text(), time.header("content-type")), ("1795168800", Some("text/plain; charset=utf-8")));
    for name in ["2330", "TWSE:2330"] {
        let symbol = get(&format!("/udf/symbols?symbol={name}")).await;
        assert_eq!((&symbol["ticker"], &symbol["description"]), (&"2330".into(), &"台積電".into()));
        assert_eq!((&symbol["exchange"], &symbol["pricescale"]), (&"TWSE".into(), &100.into()));
    }
    let found = get("/udf/search?query=50&type=&exchange=&limit=10").await;
    assert_eq!(found[0]["symbol"], "0050");
    assert_eq!(found[0]["full_name"], "0050");
    assert_eq!(get("/udf/search?query=&limit=2").await.as_array().map(Vec::len), Some(2));
    assert_eq!(get("/udf/search?query=&exchange=TWSE").await[0]["symbol"], "2330");
    assert_eq!(get("/udf/search?query=zzz").await, json!([]));
}

/// The clients of this format read `s`, and few of them a status.
#[tokio::test]
async fn a_fault_of_the_client_is_an_error_with_its_reason() {
    let market = Market::weekdays().await;
    for (path, reason) in [
        ("/udf/symbols", "symbol is required"),
        ("/udf/symbols?symbol=XXXX", "unknown_symbol: XXXX"),
        ("/udf/history?resolution=1D&from=0&to=1", "symbol is required"),
        ("/udf/history?symbol=XXXX&resolution=1D&from=0&to=1", "unknown_symbol: XXXX"),
        ("/udf/history?symbol=2330&resolution=15&from=0&to=1", "resolution must be one of 1D, 1W, 1M"),
        ("/udf/history?symbol=2330&resolution=1D&from=now&to=1", "from must be a whole number"),
    ] {
        let answer = market.get(path).await;
        assert_eq!(answer.status.as_u16(), 200, "{path}");
        assert_eq!(answer.json(), json!({"s": "error", "errmsg": reason}), "{path}");
    }
    // Each library adds parameters of its own.
    let more = "/udf/history?symbol=2330&resolution=1D&countback=1&currencyCode=TWD&_=123";
    assert_eq!(market.get(more).await.json()["s"], "ok");
    market.cold.after(0);
    let old = "/udf/history?symbol=2330&resolution=1D&from=1704067200&to=1706745600";
    assert_eq!(market.get(old).await.problem().0, 503, "a failure of the server is a problem");
}
