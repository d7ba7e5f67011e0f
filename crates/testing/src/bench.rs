//! Parts of benchmarks: the demo's data in a pair, a client that adds little of its own, requests at a fixed rate, quantiles.

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use thermocline::archive::{ArchiveOptions, BlockSizes, Mover};
use thermocline::clock::Clock;
use thermocline::demo::DemoPlan;
use thermocline::journal::pair;
use thermocline::load::demo;
use thermocline::resources;
use thermocline::schema;
use thermocline::tier::{Engine, Sqlite, Tier, migrate};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// The time after which a request without an answer counts as lost.
const PATIENCE: Duration = Duration::from_secs(30);
/// The most connections of one measurement. Opening them takes a client and a server on the same processors more than a request.
const MOST_CONNECTIONS: usize = 1_000;
/// The time between two groups of requests.
const TICK: Duration = Duration::from_millis(1);

/// Fills an empty pair with the demo's data, and archives what is due.
pub async fn fill(
    hot: &dyn Engine,
    cold: &dyn Engine,
    plan: DemoPlan,
    clock: &Clock,
) -> Result<(), Box<dyn Error>> {
    eprintln!("filling the pair with {} messages", plan.messages);
    demo::fill(hot, plan, &mut |_, _| {}).await?;
    pair::ensure(hot, cold, clock).await?;
    let mover = Mover { hot, cold, clock, name: "bench".to_owned(), sizes: BlockSizes::default() };
    let stop = AtomicBool::new(false);
    for family in resources::families() {
        let report = mover.run(family, &ArchiveOptions::default(), &stop, &mut |_| {}).await;
        eprintln!("moved {} rows of {} in {:.1} s", report.rows, report.resource, report.seconds);
        if let Some(error) = report.error {
            return Err(error.into());
        }
    }
    Ok(())
}

/// Returns a pair of new files in a folder with the demo's data, archived where it is due.
pub async fn filled_files(
    folder: &Path,
    plan: DemoPlan,
    clock: &Clock,
) -> Result<(Sqlite, Sqlite), Box<dyn Error>> {
    let open = async |tier: Tier| -> Result<Sqlite, Box<dyn Error>> {
        let database = Sqlite::open(schema::of(tier), &folder.join(tier.name())).await?;
        migrate::upgrade(&database).await?;
        Ok(database)
    };
    let (hot, cold) = (open(Tier::Hot).await?, open(Tier::Cold).await?);
    fill(&hot, &cold, plan, clock).await?;
    Ok((hot, cold))
}

/// Returns a quantile of sorted times; 0 of none.
pub fn quantile(times: &[Duration], part: f64) -> Duration {
    let place = (times.len().saturating_sub(1) as f64 * part) as usize;
    times.get(place).copied().unwrap_or_default()
}

/// A connection to a server, for one request at a time.
pub struct Client {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Client {
    pub async fn connect(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, answer: Vec::with_capacity(64 * 1024) })
    }

    /// Sends a request and waits for the whole answer. Returns its status.
    pub async fn send(&mut self, request: &str) -> io::Result<u16> {
        self.stream.write_all(request.as_bytes()).await?;
        self.answer.clear();
        loop {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection"));
            }
            if let Some(body) = self.body()
                && let Some(status) = self.status_if_whole(body)?
            {
                return Ok(status);
            }
        }
    }

    /// Returns the time that a request takes. Its answer must have the status 200.
    pub async fn time(&mut self, request: &str) -> io::Result<Duration> {
        let begun = Instant::now();
        let status = self.send(request).await?;
        let time = begun.elapsed();
        if status != 200 {
            return Err(io::Error::other(String::from_utf8_lossy(&self.answer).into_owned()));
        }
        Ok(time)
    }

    /// Returns the body of an answer as JSON.
    pub async fn json(&mut self, request: &str) -> io::Result<serde_json::Value> {
        Ok(serde_json::from_slice(&self.bytes(request).await?)?)
    }

    /// Returns the body of an answer.
    pub async fn bytes(&mut self, request: &str) -> io::Result<Vec<u8>> {
        self.time(request).await?;
        let body = self.body().unwrap_or_default();
        Ok(self.answer[body..].to_vec())
    }

    /// Returns where the body begins, once the head is there.
    fn body(&self) -> Option<usize> {
        self.answer.windows(4).position(|window| window == b"\r\n\r\n").map(|end| end + 4)
    }

    /// Returns the status, once the whole body is there.
    fn status_if_whole(&self, body: usize) -> io::Result<Option<u16>> {
        let head = std::str::from_utf8(&self.answer[..body]).map_err(io::Error::other)?;
        let is_whole = match head.lines().find_map(|line| line.strip_prefix("content-length: ")) {
            Some(length) => self.answer.len() - body >= length.parse::<usize>().map_err(io::Error::other)?,
            // In chunks.
            None => self.answer.ends_with(b"\r\n0\r\n\r\n"),
        };
        if !is_whole {
            return Ok(None);
        }
        let status = head.get(9..12).and_then(|status| status.parse().ok());
        status.map(Some).ok_or_else(|| io::Error::other("no status"))
    }
}

/// Returns the text of a request.
pub fn get(path: &str, token: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\r\n")
}

/// The latencies of each outcome, sorted. An outcome is a status, or 0 for a lost request and a broken connection.
#[derive(Debug, Default)]
pub struct Outcomes(pub BTreeMap<u16, Vec<Duration>>);

impl Outcomes {
    /// Returns the latencies of the answers with the status 200.
    pub fn answered(&self) -> &[Duration] {
        self.0.get(&200).map_or(&[], Vec::as_slice)
    }

    /// Returns the latencies of all other outcomes.
    pub fn refused(&self) -> Vec<Duration> {
        let refused = self.0.iter().filter(|(status, _)| **status != 200);
        let mut latencies: Vec<Duration> = refused.flat_map(|(_, latencies)| latencies).copied().collect();
        latencies.sort_unstable();
        latencies
    }

    /// Returns the number of requests.
    pub fn requests(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// Returns the part of the requests that were not answered with the status 200.
    pub fn part_refused(&self) -> f64 {
        1.0 - self.answered().len() as f64 / self.requests() as f64
    }
}

/// Sends requests in turn at a fixed rate in a second, whether or not earlier ones have been answered. Each latency counts from
/// the moment at which the request was due. A request takes an idle connection, or opens one; so many are open at first. With 1,000
/// in use it waits for one.
pub async fn open_loop(
    address: &str,
    connections: usize,
    requests: &[String],
    rate: f64,
    time: Duration,
) -> io::Result<Outcomes> {
    let mut clients = Vec::with_capacity(connections);
    for _ in 0..connections {
        clients.push(Client::connect(address).await?);
    }
    let idle = Idle { clients: Mutex::new(clients), permits: Semaphore::new(MOST_CONNECTIONS) };
    let (idle, address) = (Arc::new(idle), Arc::<str>::from(address));
    let requests: Vec<Arc<str>> = requests.iter().map(|request| Arc::from(request.as_str())).collect();
    let total = (rate * time.as_secs_f64()) as usize;
    let mut tasks = JoinSet::new();
    let begun = Instant::now();
    let mut ticks = tokio::time::interval(TICK);
    let mut sent = 0;
    while sent < total {
        ticks.tick().await;
        // The first one is due at once.
        let due = ((begun.elapsed().as_secs_f64() * rate) as usize + 1).min(total);
        for number in sent..due {
            let at = begun + Duration::from_secs_f64(number as f64 / rate);
            let request = Arc::clone(&requests[number % requests.len()]);
            let (idle, address) = (Arc::clone(&idle), Arc::clone(&address));
            tasks.spawn(async move {
                let answer = tokio::time::timeout(PATIENCE, ask(&idle, &address, &request)).await;
                (answer.ok().and_then(Result::ok).unwrap_or(0), at.elapsed())
            });
        }
        sent = due;
    }
    let mut outcomes = Outcomes::default();
    for (status, latency) in tasks.join_all().await {
        outcomes.0.entry(status).or_default().push(latency);
    }
    for latencies in outcomes.0.values_mut() {
        latencies.sort_unstable();
    }
    Ok(outcomes)
}

/// The connections that no request uses.
struct Idle {
    clients: Mutex<Vec<Client>>,
    /// One for each connection that may be in use.
    permits: Semaphore,
}

impl Idle {
    fn clients(&self) -> MutexGuard<'_, Vec<Client>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends a request over an idle connection or a new one. Returns the status of its answer.
async fn ask(idle: &Idle, address: &str, request: &str) -> io::Result<u16> {
    let _permit = idle.permits.acquire().await.map_err(io::Error::other)?;
    let pooled = idle.clients().pop();
    let mut client = match pooled {
        Some(client) => client,
        None => Client::connect(address).await?,
    };
    let status = client.send(request).await?;
    idle.clients().push(client);
    Ok(status)
}

/// Returns `part` of each row of a query that rusqlite sends. Every column is read, and texts are copied.
pub fn read_rows<T>(
    connection: &rusqlite::Connection,
    query: &str,
    part: impl Fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let mut prepared = connection.prepare_cached(query)?;
    let columns = prepared.column_count();
    let mut rows = prepared.query([])?;
    let mut parts = Vec::new();
    while let Some(row) = rows.next()? {
        for column in 0..columns {
            std::hint::black_box(row.get::<_, rusqlite::types::Value>(column)?);
        }
        parts.push(part(row)?);
    }
    Ok(parts)
}
