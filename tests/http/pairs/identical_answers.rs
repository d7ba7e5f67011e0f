//! The same history in the embedded pair and in the pair of servers gives the same answers, byte for byte.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use reqwest::Method;
use thermocline::archive::ArchiveOptions;
use thermocline::clock::DAY;
use thermocline::load::nouns;

use super::PATIENCE;
use crate::http_lists::oracle::Client;
use crate::http_lists::world::{Listed, World};
use crate::support::engines::Engines;
use crate::support::{Answer, Service, cutoff, price, stock};

/// Headers that may differ from one moment to the next.
const OF_THE_MOMENT: [&str; 2] = ["date", "server-timing"];

/// Queries of every list, valid and invalid.
const QUERIES: [&str; 39] = [
    "",
    "page=1&per_page=7",
    "page=2&per_page=7",
    "page=3",
    "page=1000",
    "page=2&count=none",
    "offset=0&limit=5",
    "offset=13&limit=9",
    "offset=57",
    "offset=100000&limit=1",
    "limit=1",
    "limit=100",
    "limit=5&count=exact",
    "partial=allow",
    "at=2026-01-29T12:00:00Z",
    "at=2026-01-30&limit=7",
    "at=0001-01-01",
    "at=9999-12-31T23:59:59.999999Z&limit=3",
    "from=2026-01-10&to=2026-01-29",
    "from=2026-01-10&to=2026-02-10&page=2&per_page=3",
    "from=2026-01-29T08:00:00%2B08:00&limit=4",
    "to=2020-02-29",
    "to=2020-01-01&page=1",
    "around=1000",
    "around=1901&limit=4",
    "around=135&limit=3",
    "around=424242",
    "page=0",
    "page=1&offset=2",
    "page=9223372036854775807",
    "limit=101",
    "limit=",
    "sort=1",
    "limit=1&limit=2",
    "before=AAAA",
    "as_of=zzz",
    "at=yesterday",
    "from=2026-13-01",
    "count=perhaps",
];

const SEARCHES: [&str; 14] = [
    "hello",
    "HELLO",
    "%25",
    "_now",
    "[all]",
    "%5C",
    "'quoted'",
    "%E8%B3%87%E6%96%99",
    "%F0%9F%91%8D",
    "%C3%A9",
    "%C3%89",
    "e%CC%81",
    "%E2%80%AE",
    "nowhere%20at%20all",
];

const OTHERS: [&str; 40] = [
    "/api/conversations/1/messages/1000",
    "/api/conversations/1/messages/1901",
    "/api/conversations/1/messages/1007",
    "/api/conversations/1/messages/2001",
    "/api/conversations/2/messages/2001",
    "/api/conversations/2/messages/x",
    "/api/conversations/424242/messages",
    "/api/conversations/-1/messages",
    "/api/posts/135",
    "/api/posts/150",
    "/api/posts/195",
    "/api/posts/424242",
    "/api/posts/424242/comments",
    "/api/posts?author_id=77",
    "/api/posts?author_id=nobody",
    "/api/users/1/behavior",
    "/api/users/1/behavior?from=2026-01-10&to=2026-01-20",
    "/api/users/1/behavior?from=2026-01-20&to=2026-01-10",
    "/api/users/2/behavior",
    "/api/stocks",
    "/api/stocks?q=23",
    "/api/stocks?q=%E7%A9%8D",
    "/api/stocks?q=00631l",
    "/api/stocks?page=2&per_page=1",
    "/api/stocks/1/prices",
    "/api/stocks/1/prices?order=asc&limit=3",
    "/api/stocks/1/prices?start_date=2025-11-01&end_date=2026-02-28",
    "/api/stocks/1/prices?start_date=2026-02-28&end_date=2025-11-01",
    "/api/stocks/1/prices?interval=week",
    "/api/stocks/1/prices?interval=month&order=asc",
    "/api/stocks/1/prices?interval=quarter",
    "/api/stocks/1/prices?interval=year&format=columns",
    "/api/stocks/1/prices?format=csv",
    "/api/stocks/1/prices?format=ndjson&limit=9",
    "/api/stocks/1/prices?format=columns",
    "/api/stocks/424242/prices",
    "/api/stocks/symbols/2330/prices?limit=2",
    "/api/stocks/symbols/00631l/prices",
    "/api/stocks/prices?symbols=2330,00631L,nothing&limit=2",
    "/problems/tier-unavailable",
];

/// A request.
#[derive(Clone, Debug)]
struct Ask {
    method: Method,
    path: String,
    user: Option<i64>,
    header: Option<(&'static str, String)>,
}

impl Ask {
    fn get(user: i64, path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), user: Some(user), header: None }
    }

    fn with(self, name: &'static str, value: impl Into<String>) -> Self {
        Self { header: Some((name, value.into())), ..self }
    }

    async fn of(&self, service: &Service) -> Answer {
        // A fixed request id, because generated ones differ.
        let mut request = service.request(self.method.clone(), &self.path).header("x-request-id", "the-same");
        if let Some(user) = self.user {
            request = request.bearer_auth(service.token(user));
        }
        if let Some((name, value)) = &self.header {
            request = request.header(*name, value);
        }
        service.send(request).await
    }
}

fn headers(answer: &Answer) -> BTreeMap<String, Vec<String>> {
    let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in &answer.headers {
        if !OF_THE_MOMENT.contains(&name.as_str()) {
            let value = value.to_str().expect("printable").to_owned();
            headers.entry(name.to_string()).or_default().push(value);
        }
    }
    headers
}

/// Three stocks: one in both tiers, with nulls, zeros and extremes; one in hot; one without prices.
async fn market(service: &Service) {
    let stocks = vec![stock(1, "2330", "台積電"), stock(2, "00631L", "50 x 2"), stock(3, "T,\"X", "")];
    service.load(&nouns::STOCKS, stocks).await;
    let day = |n: i64| {
        let value = |every: i64, value: i64| (n % every != 0).then_some(if n % 11 == 0 { 0 } else { value });
        let cents = [
            value(7, 10_000 + n),
            value(5, 9_999_999_999),
            value(5, -9_999_999_999),
            value(6, 5),
            value(4, -n),
        ];
        let counts = [value(9, i64::MAX), value(9, i64::MIN), value(13, n)];
        price(Some(n), 1, cutoff((n - 90) * DAY).date(), cents, counts)
    };
    service.load(&nouns::PRICES, (1..=110).map(day).collect()).await;
    let day = |n: i64| price(Some(500 + n), 2, cutoff(n * DAY).date(), [Some(n); 5], [Some(n); 3]);
    service.load(&nouns::PRICES, (0..9).map(day).collect()).await;
    assert_eq!(
        service.archive("prices", &ArchiveOptions { batch: 20, ..ArchiveOptions::default() }).await,
        89
    );
}

/// Returns requests for a list in every way; its cursors come from the answers of `service`.
async fn of_list(service: &Service, list: &Listed) -> Vec<Ask> {
    let mut asks: Vec<Ask> = QUERIES.iter().map(|query| Ask::get(list.user, list.with(query))).collect();
    let mut bodies = Vec::new();
    for query in ["limit=5", "page=1&per_page=5", "offset=20&limit=3"] {
        bodies.push(Ask::get(list.user, list.with(query)).of(service).await.json());
    }
    for body in &bodies {
        let cursors = [("next", "before"), ("prev", "after"), ("next", "after"), ("as_of", "as_of")];
        for (member, parameter) in cursors {
            if let Some(cursor) = body[member].as_str() {
                let extra = if parameter == "as_of" { "page=2&per_page=5" } else { "limit=6" };
                asks.push(Ask::get(list.user, list.with(&format!("{extra}&{parameter}={cursor}"))));
            }
        }
    }
    asks
}

async fn asks(world: &World) -> Vec<Ask> {
    let lists = [
        &world.talk,
        &world.late,
        &world.cold,
        &world.hot,
        &world.empty,
        &world.posts,
        &world.by_author,
        &world.conversations,
    ];
    let mut asks = Vec::new();
    for list in lists.into_iter().chain(&world.comments) {
        asks.extend(of_list(&world.service, list).await);
    }
    for q in SEARCHES {
        for query in ["", "&limit=2", "&limit=1&count=exact"] {
            asks.push(Ask::get(1, format!("/api/conversations/1/messages/search?q={q}{query}")));
        }
    }
    asks.extend(OTHERS.iter().map(|path| Ask::get(1, *path)));
    let first = "/api/conversations/1/messages?limit=3";
    let answer = Ask::get(1, first).of(&world.service).await;
    asks.push(Ask::get(1, first).with("if-none-match", answer.header("etag")));
    asks.push(Ask::get(1, first).with("accept-encoding", "gzip"));
    asks.push(Ask::get(1, "/api/stocks/1/prices").with("accept", "text/csv"));
    asks.push(Ask { user: None, ..Ask::get(1, first) });
    asks.push(Ask::get(88, first));
    for method in [Method::HEAD, Method::POST, Method::OPTIONS, Method::DELETE] {
        asks.push(Ask { method, ..Ask::get(1, first) });
    }
    asks
}

#[tokio::test]
async fn servers_give_the_bytes_of_files() {
    if let Some(real) = Engines::real().await {
        gives_the_bytes_of_files(real).await;
    }
}

#[tokio::test]
async fn postgres_gives_the_bytes_of_files() {
    if let Some(real) = Engines::on_postgres().await {
        gives_the_bytes_of_files(real).await;
    }
}

async fn gives_the_bytes_of_files(real: Engines) {
    let embedded = World::new().await;
    market(&embedded.service).await;
    let service = Service::over(real.hot.clone(), real.cold.clone(), PATIENCE).await;
    let world = World::fill(service).await;
    market(&world.service).await;
    let asks = asks(&embedded).await;
    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    let begun = std::time::Instant::now();
    let (one, other) = (&embedded.service, &world.service);
    let both = asks.iter().map(|ask| async move { (ask, ask.of(one).await, ask.of(other).await) });
    let mut both = futures::stream::iter(both).buffered(4);
    while let Some((ask, expected, found)) = both.next().await {
        assert_eq!(found.status, expected.status, "{ask:?}: {}", found.text_lossy());
        assert_eq!(headers(&found), headers(&expected), "{ask:?}");
        assert!(
            found.body == expected.body,
            "{ask:?}: {} is not {}",
            found.text_lossy(),
            expected.text_lossy()
        );
        *statuses.entry(found.status).or_default() += 1;
    }
    drop(both);
    println!("{} requests answered alike in {:?}: {statuses:?}", asks.len(), begun.elapsed());
    for (status, least) in [(200, 300), (304, 1), (400, 100), (401, 1), (404, 5), (405, 3)] {
        assert!(statuses.get(&status).copied().unwrap_or(0) >= least, "{status}: {statuses:?}");
    }
    assert!(!statuses.keys().any(|status| *status >= 500), "{statuses:?}");
    drop((embedded, world));
    real.drop().await;
}

/// The same lists are also compared with naive vectors of the inserted rows.
#[tokio::test]
async fn lists_on_servers_equal_the_oracle() {
    for real in [Engines::on_postgres().await, Engines::real().await].into_iter().flatten() {
        equals_the_oracle(real).await;
    }
}

async fn equals_the_oracle(real: Engines) {
    let service = Service::over(real.hot.clone(), real.cold.clone(), PATIENCE).await;
    let world = World::fill(service).await;
    // Checking everything on every list would take minutes on servers; the other test shows that the rest is equal.
    for list in [&world.talk, &world.posts, &world.comments[0]] {
        Client::new(&world.service, list).walk().await;
    }
    drop(world);
    real.drop().await;
}
