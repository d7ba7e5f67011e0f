//! The reads that are compared, one at a time.

use std::time::Duration;

use thermocline_testing::bench::{self, Client, quantile};

use super::Result;
use super::pair::Pair;
use super::server::Server;

/// Rounds of a case.
const ROUNDS: usize = 400;
/// Rounds that are not counted.
const FIRST: usize = 40;
/// The time a case may take.
const LONGEST: Duration = Duration::from_secs(20);

/// A read, and the queries that its answer rests on: none of a tier that it does not need.
pub struct Case {
    pub name: &'static str,
    pub request: String,
    hot: Option<String>,
    cold: Option<String>,
}

/// The latencies of a case, sorted.
pub struct Measured {
    pub name: &'static str,
    pub ours: Vec<Duration>,
    /// The slower of the bare queries.
    pub bare: Vec<Duration>,
    /// A handler that returns the same bytes.
    pub bytes: Vec<Duration>,
}

/// Returns every case of the table.
pub async fn all(pair: &Pair, ours: &Server) -> Result<Vec<Case>> {
    let messages = format!("/api/conversations/{}/messages", pair.conversation);
    let get = |query: &str| bench::get(&format!("{messages}{query}"), &pair.token);
    let mut client = Client::connect(&ours.address).await?;
    let (hot, cold, filter) = (pair.hot.lock().await, pair.cold.lock().await, pair.filter());
    let newest = hot.newest("messages", &filter, None, 21);
    let count = format!("SELECT count(*) AS n FROM messages WHERE {filter}");

    let mut cases = vec![
        Case { name: "newest page", request: get("?limit=20"), hot: Some(newest.clone()), cold: None },
        // Without its total the page would be the newest one.
        Case { name: "page 1, with total", request: get("?page=1"), hot: Some(count), cold: None },
    ];
    let boundary = boundary(&mut client, &get).await?;
    for (name, page) in [("page across the boundary", boundary - 1), ("cursor page in cold", boundary + 100)]
    {
        let body = client.json(&get(&format!("?page={page}&count=none"))).await?;
        let next = body["next"].as_str().ok_or("no cursor")?;
        let last = body["messages"].as_array().and_then(|rows| rows.last()).ok_or("no rows")?;
        let at: thermocline::clock::Timestamp = last["created_at"].as_str().ok_or("no time")?.parse()?;
        let of = |bare: &super::bare::Bare, table| bare.newest(table, &filter, Some(at.micros()), 22);
        cases.push(Case {
            name,
            request: get(&format!("?before={next}")),
            hot: (page < boundary).then(|| of(&hot, "messages")),
            cold: Some(of(&cold, "messages_archive")),
        });
    }
    let (table, open) = ("stock_prices_history", "to_epoch IS NULL");
    let prices = format!("SELECT * FROM {table} WHERE stock_id = 1 AND {open} ORDER BY trade_date");
    cases.push(Case {
        name: "all prices of a stock",
        request: bench::get(&format!("/api/stocks/symbols/{}/prices", pair.symbol), &pair.token),
        hot: None,
        cold: Some(prices),
    });
    Ok(cases)
}

/// Returns the first page of twenty rows that has a row of cold.
async fn boundary(client: &mut Client, get: &impl Fn(&str) -> String) -> Result<i64> {
    let (mut low, mut high) = (1, 1_000_000);
    while low < high {
        let page = low + (high - low) / 2;
        let body = client.json(&get(&format!("?page={page}&per_page=20&count=none"))).await?;
        let rows = body["messages"].as_array().ok_or("no rows")?;
        let in_cold = rows.last().is_none_or(|row| row["from_archive"] == true);
        (low, high) = if in_cold { (low, page) } else { (page + 1, high) };
    }
    Ok(low)
}

/// Measures a case: ours, the bare queries and the bytes in turn.
pub async fn measure(case: &Case, pair: &Pair, ours: &Server) -> Result<Measured> {
    let mut client = Client::connect(&ours.address).await?;
    let bytes = client.bytes(&case.request).await?;
    let same = Server::of_bytes(&bytes)?;
    let mut other = Client::connect(&same.address).await?;
    let (mut hot, mut cold) = (pair.hot.lock().await, pair.cold.lock().await);
    let mut measured = Measured { name: case.name, ours: vec![], bare: vec![], bytes: vec![] };
    let begun = std::time::Instant::now();
    for round in 0..ROUNDS + FIRST {
        if begun.elapsed() > LONGEST {
            break;
        }
        let mine = client.time(&case.request).await?;
        let mut bare = Duration::ZERO;
        if let Some(query) = &case.hot {
            bare = hot.time(query).await?;
        }
        if let Some(query) = &case.cold {
            bare = bare.max(cold.time(query).await?);
        }
        let handler = other.time(&case.request).await?;
        if round >= FIRST {
            measured.ours.push(mine);
            measured.bare.push(bare);
            measured.bytes.push(handler);
        }
    }
    for times in [&mut measured.ours, &mut measured.bare, &mut measured.bytes] {
        times.sort_unstable();
    }
    Ok(measured)
}

/// Returns the median latency of numbered pages by the number of rows above them, warm, and of the first page read there.
pub async fn by_depth(pair: &Pair, ours: &Server) -> Result<Vec<(i64, Duration, Duration)>> {
    let mut client = Client::connect(&ours.address).await?;
    let get = |page: i64| {
        let path = format!("/api/conversations/{}/messages?page={page}&per_page=20", pair.conversation);
        bench::get(&path, &pair.token)
    };
    let pages = client.json(&get(1)).await?["pages"].as_i64().ok_or("no total")?;
    let mut depths = Vec::new();
    let mut page = 1;
    while page <= pages {
        let request = get(page);
        let first = client.time(&request).await?;
        let mut times = Vec::new();
        for _ in 0..60 {
            times.push(client.time(&request).await?);
        }
        times.sort_unstable();
        depths.push(((page - 1) * 20, quantile(&times, 0.5), first));
        page = (page * 3).max(page + 1);
    }
    Ok(depths)
}
