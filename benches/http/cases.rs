//! The reads that are compared, one at a time.

use std::time::{Duration, Instant};

use thermocline_testing::bench::{self, Client, quantile};

use super::Result;
use super::bare::Bare;
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
#[derive(Default)]
pub struct Measured {
    pub name: String,
    pub ours: Vec<Duration>,
    /// The slower of the bare queries.
    pub bare: Vec<Duration>,
    /// The same by sqlx, if a tier is a file.
    pub by_sqlx: Vec<Duration>,
    /// A handler that returns the same bytes.
    pub bytes: Vec<Duration>,
    /// Their number, without the head.
    pub size: usize,
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
        let of = |bare: &Bare, table| bare.newest(table, &filter, Some(at.micros()), 22);
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
        cold: Some(prices.clone()),
    });
    cases.push(Case {
        name: "the same as columns",
        request: bench::get(
            &format!("/api/stocks/symbols/{}/prices?format=columns", pair.symbol),
            &pair.token,
        ),
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

/// Measures a case: ours, the bare queries and the bytes in turn, each of them after a write to hot or without any.
pub async fn measure(case: &Case, pair: &Pair, ours: &Server, writes: bool) -> Result<Measured> {
    let mut client = Client::connect(&ours.address).await?;
    let bytes = client.bytes(&case.request).await?;
    let same = Server::of_bytes(&bytes)?;
    let mut other = Client::connect(&same.address).await?;
    let (mut hot, mut cold) = (pair.hot.lock().await, pair.cold.lock().await);
    let [hot_by_sqlx, cold_by_sqlx] = &pair.by_sqlx;
    let (mut hot_by_sqlx, mut cold_by_sqlx) = (hot_by_sqlx.lock().await, cold_by_sqlx.lock().await);
    let name = if writes { format!("{}, after a write", case.name) } else { case.name.to_owned() };
    let mut measured = Measured { name, size: bytes.len(), ..Measured::default() };
    let begun = Instant::now();
    for round in 0..ROUNDS + FIRST {
        if begun.elapsed() > LONGEST {
            break;
        }
        let write = || if writes { pair.write() } else { Ok(()) };
        write()?;
        let mine = client.time(&case.request).await?;
        write()?;
        let bare = slower(case, Some(&mut hot), Some(&mut cold)).await?;
        write()?;
        let by_sqlx = slower(case, hot_by_sqlx.as_mut(), cold_by_sqlx.as_mut()).await?;
        let handler = other.time(&case.request).await?;
        if round >= FIRST {
            measured.ours.push(mine);
            measured.bare.push(bare);
            measured.by_sqlx.extend(pair.has_files().then_some(by_sqlx));
            measured.bytes.push(handler);
        }
    }
    for times in [&mut measured.ours, &mut measured.bare, &mut measured.by_sqlx, &mut measured.bytes] {
        times.sort_unstable();
    }
    Ok(measured)
}

/// Returns the time of the slower one of the bare queries of a case.
async fn slower(case: &Case, hot: Option<&mut Bare>, cold: Option<&mut Bare>) -> Result<Duration> {
    let mut time = Duration::ZERO;
    for (query, tier) in [(&case.hot, hot), (&case.cold, cold)] {
        if let (Some(query), Some(tier)) = (query, tier) {
            time = time.max(tier.time(query).await?);
        }
    }
    Ok(time)
}

/// The members of a page that a walk reads. Its rows are only counted, as those of the bare walk.
#[derive(serde::Deserialize)]
struct Page {
    messages: Vec<serde::de::IgnoredAny>,
    next: Option<String>,
    has_more: bool,
}

/// The rows of a second that walks through the conversation read.
pub struct Walk {
    pub rows: usize,
    /// By cursor.
    pub ours: f64,
    /// Through both tables by key.
    pub bare: f64,
    /// The same by sqlx, if a tier is a file.
    pub by_sqlx: Option<f64>,
}

/// Walks through the conversation by cursor, and through both tables by key, a hundred rows at a time.
pub async fn walk(pair: &Pair, ours: &Server) -> Result<Walk> {
    let mut client = Client::connect(&ours.address).await?;
    let path = format!("/api/conversations/{}/messages?limit=100", pair.conversation);
    let (begun, mut rows, mut next) = (Instant::now(), 0, String::new());
    loop {
        let body = client.bytes(&bench::get(&format!("{path}{next}"), &pair.token)).await?;
        let page: Page = serde_json::from_slice(&body)?;
        rows += page.messages.len();
        let Some(cursor) = page.next.filter(|_| page.has_more) else { break };
        next = format!("&before={cursor}");
    }
    let ours = rows as f64 / begun.elapsed().as_secs_f64();
    let (mut hot, mut cold) = (pair.hot.lock().await, pair.cold.lock().await);
    let bare = walk_by_key(pair, &mut hot, &mut cold, rows).await?;
    let [hot, cold] = &pair.by_sqlx;
    let by_sqlx = match (&mut *hot.lock().await, &mut *cold.lock().await) {
        (Some(hot), Some(cold)) => Some(walk_by_key(pair, hot, cold, rows).await?),
        _ => None,
    };
    Ok(Walk { rows, ours, bare, by_sqlx })
}

async fn walk_by_key(pair: &Pair, hot: &mut Bare, cold: &mut Bare, expected: usize) -> Result<f64> {
    let (begun, mut rows) = (Instant::now(), 0);
    for (table, tier) in [("messages", hot), ("messages_archive", cold)] {
        let mut before = None;
        loop {
            let query = tier.newest(table, &pair.filter(), before, 100);
            let (read, last) = tier.page(&query).await?;
            rows += read;
            let Some(last) = last else { break };
            before = Some(last);
        }
    }
    if rows.abs_diff(expected) > rows / 100 {
        return Err(format!("{expected} rows by cursor, {rows} by key").into());
    }
    Ok(rows as f64 / begun.elapsed().as_secs_f64())
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
