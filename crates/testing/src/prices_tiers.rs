//! Two temporary tiers with prices in both, and the routes of stocks over them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use chrono::{Datelike, NaiveDate, Weekday};
use rust_decimal::Decimal;
use secrecy::SecretString;
use serde_json::Value as Json;
use tempfile::TempDir;
use thermocline::clock::{Clock, Timestamp};
use thermocline::resources::stocks;
use thermocline::schema::ColumnType;
use thermocline::tier::{Begin, Engine, Record, Session, Sqlite, Statement, Tier, TierError, Value, migrate};
use thermocline::web::auth::{AuthSettings, KeySource, Verifier};
use thermocline::web::state::App;
use tower::ServiceExt;

/// The current time of the tests.
pub const NOW: &str = "2026-11-20T10:00:00Z";
/// The first day of stock 2330 that is still in hot.
pub const BOUNDARY: &str = "2026-10-21";
/// A day that cold holds and hot holds again, corrected.
pub const CORRECTED: &str = "2025-03-03";

pub fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

/// A row of prices.
#[derive(Clone, Debug)]
pub struct Day {
    pub id: i64,
    pub date: NaiveDate,
    /// Open, high, low, close, change; in hundredths.
    pub prices: [Option<i64>; 5],
    /// Volume, turnover, transactions.
    pub counts: [Option<i64>; 3],
    pub archived: bool,
}

impl Day {
    /// Returns a day whose values follow from its id, with some nulls and zeros.
    pub fn made_up(id: i64, date: NaiveDate, archived: bool) -> Self {
        let known =
            |every: i64, value: i64| (id % every != 0).then_some(if id % 11 == 0 { 0 } else { value });
        Self {
            id,
            date,
            prices: [
                known(7, 10_000 + id * 5),
                known(5, 10_100 + (id * 37) % 900),
                known(5, 9_900 - (id * 53) % 900),
                known(6, 10_000 + id * 3),
                known(4, id % 200 - 100),
            ],
            counts: [known(9, id * 1_000), known(9, id * 100_000), known(13, id)],
            archived,
        }
    }

    fn values(&self, stock: i64) -> Vec<Value> {
        let mut values: Vec<Value> = vec![self.id.into(), stock.into(), self.date.into()];
        let price = |cents: &Option<i64>| {
            Value::or_null(cents.map(|cents| Decimal::new(cents, 2)), ColumnType::Price)
        };
        values.extend(self.prices.iter().map(price));
        values.extend(self.counts.iter().map(|count| Value::or_null(*count, ColumnType::Int)));
        values.push(Timestamp::midnight(self.date).into());
        values
    }

    /// Returns the row as the API shows it.
    pub fn json(&self) -> String {
        let price =
            |cents: Option<i64>| cents.map_or("null".to_owned(), |cents| Decimal::new(cents, 2).to_string());
        let count = |count: Option<i64>| count.map_or("null".to_owned(), |count| count.to_string());
        let [open, high, low, close, change] = self.prices.map(price);
        let [volume, turnover, transactions] = self.counts.map(count);
        format!(
            "{{\"id\":{},\"trade_date\":\"{}\",\"open_price\":{open},\"high_price\":{high},\"low_price\":{low},\
             \"close_price\":{close},\"change_amount\":{change},\"volume\":{volume},\"turnover\":{turnover},\
             \"transaction_count\":{transactions},\"from_archive\":{}}}",
            self.id, self.date, self.archived
        )
    }
}

/// An engine of which one statement fails from some call on.
#[derive(Debug)]
pub struct Failing {
    inner: Sqlite,
    /// The prefix of the names of the statements that fail.
    statements: &'static str,
    left: AtomicI64,
}

impl Failing {
    /// Makes these statements fail after `times` more calls.
    pub fn after(&self, times: i64) {
        self.left.store(times, Ordering::SeqCst);
    }
}

#[async_trait]
impl Engine for Failing {
    fn tier(&self) -> Tier {
        self.inner.tier()
    }

    async fn fetch(&self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError> {
        if statement.name.starts_with(self.statements) && self.left.fetch_sub(1, Ordering::SeqCst) <= 0 {
            return Err(TierError::Unavailable { tier: self.tier(), source: "cut off".into() });
        }
        self.inner.fetch(statement, params).await
    }

    async fn session(&self) -> Result<Box<dyn Session>, TierError> {
        self.inner.session().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

/// The service over two tiers that can be made to fail.
pub struct Market {
    pub router: Router,
    /// The same where anyone may read prices.
    pub public: Router,
    pub hot: Arc<Failing>,
    pub cold: Arc<Failing>,
    /// The logical prices of stock 2330 (id 1), oldest first.
    pub days: Vec<Day>,
    token: String,
    _files: TempDir,
}

/// A response; the body is `Err` when it broke off.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Result<String, String>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("printable"))
    }

    pub fn text(&self) -> &str {
        self.body.as_deref().expect("a whole body")
    }

    pub fn json(&self) -> Json {
        serde_json::from_str(self.text()).expect("JSON")
    }

    /// Returns the status and the parameter or detail of a problem.
    pub fn problem(&self) -> (u16, String) {
        let body = self.json();
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        let which = body["parameter"].as_str().unwrap_or_else(|| body["detail"].as_str().expect("detail"));
        (self.status.as_u16(), which.to_owned())
    }
}

impl Market {
    /// Weekdays of nearly three years, archived up to [`BOUNDARY`], with [`CORRECTED`] in both tiers.
    pub async fn weekdays() -> Self {
        let weekday = |day: &NaiveDate| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
        let days =
            date("2024-01-01").iter_days().take_while(|day| *day <= date("2026-11-20")).filter(weekday);
        let days = days.zip(1..).map(|(day, id)| Day::made_up(id, day, day < date(BOUNDARY)));
        Self::of(days.collect()).await
    }

    /// 10,000 consecutive days up to 2017-05-18; the last `hot` of them in hot.
    pub async fn ten_thousand(hot: i64) -> Self {
        let days = date("1990-01-01").iter_days().zip(1..=10_000);
        Self::of(days.map(|(day, id)| Day::made_up(id, day, id <= 10_000 - hot)).collect()).await
    }

    async fn of(mut days: Vec<Day>) -> Self {
        let files = tempfile::tempdir().expect("a directory");
        let open = async |tier: Tier, name: &str| {
            let database =
                Sqlite::open(thermocline::schema::of(tier), &files.path().join(name)).await.expect("opens");
            migrate::upgrade(&database).await.expect("migrates");
            database
        };
        let (hot, cold) = (open(Tier::Hot, "hot.db").await, open(Tier::Cold, "cold.db").await);
        fill_cold(&cold, &days).await;
        if let Some(day) = days.iter_mut().find(|day| day.date == date(CORRECTED)) {
            *day = Day {
                id: 900_000,
                prices: [Some(1), Some(2), Some(0), None, Some(-1)],
                archived: false,
                ..*day
            };
        }
        fill_hot(&hot, &days).await;

        let failing =
            |inner, statements| Arc::new(Failing { inner, statements, left: AtomicI64::new(i64::MAX) });
        let (hot, cold) = (failing(hot, "prices.hot_"), failing(cold, "prices.cold_"));
        let clock = Clock::fixed(NOW.parse().expect("a time"));
        let key = KeySource::Secret(SecretString::from("0123456789abcdef0123456789abcdef"));
        let settings = AuthSettings { key, issuer: None, audience: None };
        let verifier = Verifier::new(settings, clock.clone()).expect("long enough");
        let token = verifier.issue(42, None, 3600).expect("a token");
        let verifier = Arc::new(verifier);
        let app = || App::new(hot.clone(), Some(cold.clone()), Arc::clone(&verifier), clock.clone());
        let routes = stocks::http::routes().merge(stocks::prices::http::routes());
        let (router, _) = routes.merge(stocks::udf::http::routes()).split_for_parts();
        let public = router.clone().with_state(app().with_public_prices(true));
        Self { router: router.with_state(app()), public, hot, cold, days, token, _files: files }
    }

    /// Returns the days from `start` to `end`, newest first.
    pub fn range(&self, start: &str, end: &str) -> Vec<Day> {
        let within = |day: &&Day| (date(start)..=date(end)).contains(&day.date);
        self.days.iter().rev().filter(within).cloned().collect()
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    pub async fn get(&self, uri: &str) -> Answer {
        self.get_with(uri, &[]).await
    }

    pub async fn get_with(&self, uri: &str, headers: &[(&str, &str)]) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let headers: Vec<_> = headers.iter().copied().chain([("authorization", bearer.as_str())]).collect();
        self.send(uri, &headers).await
    }

    /// Sends a request without a token, unless it is among `headers`.
    pub async fn send(&self, uri: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).expect("a request");
        Self::answer(self.router.clone(), request).await
    }

    /// Sends a request without a token to the service whose prices are public.
    pub async fn get_public(&self, uri: &str) -> Answer {
        let request = Request::builder().uri(uri).body(Body::empty()).expect("a request");
        Self::answer(self.public.clone(), request).await
    }

    async fn answer(router: Router, request: Request<Body>) -> Answer {
        let response = router.oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.map_err(|error| error.to_string());
        let body = body.map(|bytes| String::from_utf8(bytes.to_vec()).expect("UTF-8"));
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

/// Returns days as the API lists them.
pub fn rows<'a>(days: impl IntoIterator<Item = &'a Day>) -> String {
    let rows: Vec<String> = days.into_iter().map(Day::json).collect();
    format!("\"prices\":[{}]", rows.join(","))
}

const COLUMNS: [&str; 12] = [
    "id",
    "stock_id",
    "trade_date",
    "open_price",
    "high_price",
    "low_price",
    "close_price",
    "change_amount",
    "volume",
    "turnover",
    "transaction_count",
    "created_at",
];

/// Inserts everything up to the boundary, as moved in one batch.
async fn fill_cold(cold: &Sqlite, days: &[Day]) {
    let mut session = cold.session().await.expect("a session");
    session.begin(Begin::Write).await.expect("begins");
    let columns: Vec<&str> = ["original_id"]
        .into_iter()
        .chain(COLUMNS[1..].iter().copied())
        .chain(["archived_at", "from_epoch"])
        .collect();
    let now: Timestamp = NOW.parse().expect("a time");
    let archived: Vec<Vec<Value>> = days
        .iter()
        .filter(|day| day.archived)
        .map(|day| [day.values(1), vec![now.into(), 1.into()]].concat())
        .collect();
    session.insert("stock_prices_history", &columns, &archived).await.expect("inserts");
    let batch = "-- batch\nINSERT INTO archive_batches (resource, epoch, kind, token, row_count, digest, started, \
                 finished, confirmed) VALUES ('prices', 1, 'archive', 7, ?1, '', 0, 0, 1)";
    session.execute(&Statement::new(batch), &[(archived.len() as i64).into()]).await.expect("a batch");
    session.commit().await.expect("commits");
}

/// Inserts the days that were never archived, and four stocks, of which only 2330 has prices.
async fn fill_hot(hot: &Sqlite, days: &[Day]) {
    let mut session = hot.session().await.expect("a session");
    session.begin(Begin::Write).await.expect("begins");
    let now: Value = NOW.parse::<Timestamp>().expect("a time").into();
    let null = Value::Null(ColumnType::Text);
    let stocks = [
        (1, "2330", Value::from("台積電"), Value::from("TWSE")),
        (2, "0050", Value::from("Top 50"), null.clone()),
        (3, "00631L", null.clone(), null.clone()),
        (4, "T,\"X", Value::from("100%"), null),
    ]
    .map(|(id, symbol, name, exchange)| {
        vec![Value::Int(id), symbol.into(), name, exchange, now.clone(), now.clone()]
    });
    let columns = ["id", "symbol", "name", "exchange", "created_at", "updated_at"];
    session.insert("stocks", &columns, &stocks).await.expect("inserts");
    let kept: Vec<Vec<Value>> = days.iter().filter(|day| !day.archived).map(|day| day.values(1)).collect();
    session.insert("stock_prices", &COLUMNS, &kept).await.expect("inserts");
    let newest = days.iter().filter(|day| day.archived).map(|day| day.date).max().expect("an archived day");
    let state = "-- state\nUPDATE archive_state SET epoch = 1, token = 7, cold_newest_at = ?1, cold_newest_id = 0 \
                 WHERE resource = 'prices'";
    session.execute(&Statement::new(state), &[newest.into()]).await.expect("a state");
    session.commit().await.expect("commits");
}
