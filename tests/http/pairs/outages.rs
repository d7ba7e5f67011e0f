//! A tier that becomes unreachable under load and comes back: answers meanwhile, and how soon it is used again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use thermocline::archive::ArchiveOptions;
use thermocline::clock::DAY;
use thermocline::load::nouns;
use thermocline::tier::{Engine, Mssql, Postgres, PostgresUrl, Tier, migrate};

use crate::support::engines::{Engines, Servers};
use crate::support::postgres::{self, Cluster};
use crate::support::proxy::{Link, Proxy};
use crate::support::{Service, at, conversation, cutoff, message, post};

/// Time limit of a request.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Allowance for a busy machine.
const SLACK: Duration = Duration::from_secs(2);
/// Limit for recovering after the server is back.
const RECOVERY: Duration = Duration::from_secs(30);
/// Limit for noticing an outage.
const NOTICED: Duration = Duration::from_secs(40);
const CLIENTS: usize = 4;

/// Paths answered by hot alone, and paths that need cold.
const NEWEST: [&str; 4] = [
    "/api/conversations/1/messages?page=1&per_page=5",
    "/api/conversations/1/messages?limit=5",
    "/api/posts?limit=5&author_id=1",
    "/api/conversations/1/messages/1100",
];
const OLDER: [&str; 4] = [
    "/api/conversations/1/messages?page=3&per_page=20",
    "/api/posts?offset=45&limit=5",
    "/api/conversations/1/messages/1001",
    "/api/conversations/1/messages?at=2026-01-01",
];

async fn fill(service: &Service) {
    service.load(&nouns::CONVERSATIONS, vec![conversation(1, 1, Some(2), at("2025-01-01T00:00:00Z"))]).await;
    let said = |n: i64| message(1_000 + n, 1, 1, &format!("number {n}"), cutoff((n - 60) * DAY / 2));
    service.load(&nouns::MESSAGES, (0..120).map(said).collect()).await;
    let posts = |n: i64| post(100 + n, n % 2 + 1, "post", cutoff((n - 30) * DAY / 2));
    service.load(&nouns::POSTS, (0..60).map(posts).collect()).await;
    assert_eq!(service.archive("messages", &ArchiveOptions::default()).await, 60);
    assert_eq!(service.archive("posts", &ArchiveOptions::default()).await, 30);
}

/// An answer under load.
#[derive(Debug)]
struct Seen {
    path: &'static str,
    /// When the request was sent, and how long it took.
    asked: Instant,
    took: Duration,
    status: u16,
    tier: String,
}

/// Clients that send requests without a pause until they are stopped. Every answer must be right, or the expected
/// problem.
struct Load {
    stop: Arc<AtomicBool>,
    /// Errors so far, and successful answers from hot alone.
    errors: Arc<AtomicUsize>,
    newest: Arc<AtomicUsize>,
    clients: Vec<tokio::task::JoinHandle<Vec<Seen>>>,
}

impl Load {
    async fn on(service: &Arc<Service>) -> Self {
        let mut expected = BTreeMap::new();
        for path in NEWEST.into_iter().chain(OLDER) {
            let answer = service.get(&service.token(1), path).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            expected.insert(path, answer.json());
        }
        let (stop, expected) = (Arc::new(AtomicBool::new(false)), Arc::new(expected));
        let (errors, newest) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let client = |n: usize| {
            let (service, stop, expected) = (Arc::clone(service), Arc::clone(&stop), Arc::clone(&expected));
            let (errors, newest) = (Arc::clone(&errors), Arc::clone(&newest));
            tokio::spawn(async move {
                let (token, mut seen) = (service.token(1), Vec::new());
                // Requests that wait for cold must not block those of hot.
                let of_hot = n < CLIENTS / 2;
                let paths: &[&'static str] = if of_hot { &NEWEST } else { &OLDER };
                for nth in n.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let path = paths[nth % paths.len()];
                    let one = ask(&service, &token, path, &expected[path]).await;
                    if one.status != 200 {
                        errors.fetch_add(1, Ordering::Relaxed);
                    } else if of_hot {
                        newest.fetch_add(1, Ordering::Relaxed);
                    }
                    seen.push(one);
                    // A tier that rejects at once is not asked all the time.
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                seen
            })
        };
        Self { clients: (0..CLIENTS).map(client).collect(), stop, errors, newest }
    }

    /// Waits until some requests have met the outage, and some that can succeed have.
    async fn until_noticed(&self, tier: Tier) {
        let (begun, before) = (Instant::now(), self.newest.load(Ordering::Relaxed));
        let noticed = || {
            let newest = self.newest.load(Ordering::Relaxed) - before;
            self.errors.load(Ordering::Relaxed) >= 4 && (tier == Tier::Hot || newest >= 8)
        };
        while !noticed() && begun.elapsed() < NOTICED {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn end(self) -> Vec<Seen> {
        self.stop.store(true, Ordering::Relaxed);
        let mut seen = Vec::new();
        for client in self.clients {
            seen.extend(client.await.expect("a client"));
        }
        seen
    }
}

async fn ask(service: &Service, token: &str, path: &'static str, expected: &Value) -> Seen {
    let asked = Instant::now();
    let answer = service.get(token, path).await;
    let took = asked.elapsed();
    let mut tier = String::new();
    match answer.status {
        200 => {
            let mut found = answer.json();
            // A total is left out while cold is unreachable.
            if found["total"].is_null() && !expected["total"].is_null() {
                for member in ["total", "pages"] {
                    found[member] = expected[member].clone();
                }
            }
            assert_eq!(&found, expected, "{path}");
        }
        503 => {
            let problem = answer.problem(path, 503, "tier-unavailable");
            problem["tier"].as_str().expect("a tier").clone_into(&mut tier);
        }
        _ => drop(answer.problem(path, 504, "timeout")),
    }
    Seen { path, asked, took, status: answer.status, tier }
}

/// Checks the answers when `tier` was unreachable from `away` to `back`; returns how long after that the last error
/// came.
fn judge(seen: &[Seen], tier: Tier, timeout: Duration, [away, back]: [Instant; 2]) -> Duration {
    let silent = timeout < TIMEOUT;
    let failed: Vec<&Seen> = seen.iter().filter(|seen| seen.status != 200).collect();
    for one in &failed {
        assert!(one.asked + one.took > away, "an error before anything happened: {one:?}");
        assert!(one.status == 503 || silent, "only silence runs out of time: {one:?}");
        assert!(one.status == 504 || one.tier == tier.name(), "the wrong tier: {one:?}");
        assert!(tier == Tier::Hot || OLDER.contains(&one.path), "the newest rows are in hot: {one:?}");
    }
    assert!(failed.iter().any(|one| one.asked < back), "no request met the outage of {tier}");
    for one in seen {
        assert!(one.took < timeout + SLACK, "hung: {one:?}");
    }
    let within = |one: &&Seen| one.asked > away && one.asked + one.took < back && one.status == 200;
    let meanwhile = seen.iter().filter(within).count();
    assert!(tier == Tier::Hot || meanwhile > 3, "the newest rows go on: {meanwhile}");
    let last = failed.iter().map(|one| one.asked + one.took).max().expect("an error");
    let late = last.saturating_duration_since(back);
    let good = seen.iter().filter(|one| one.asked > last && one.status == 200).count();
    println!(
        "{tier}: {} answers, {} errors, {meanwhile} good meanwhile, well after {late:?}",
        seen.len(),
        failed.len()
    );
    assert!(good > 5, "it did not come back: {good} good answers after the last error");
    late
}

/// Waits for the recovery; once it is complete, checks each path a few times.
async fn until_well(service: &Service, back: Instant) {
    let token = service.token(1);
    while back.elapsed() < RECOVERY && service.get(&token, OLDER[0]).await.status != 200 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for path in NEWEST.into_iter().chain(OLDER).cycle().take(14) {
        drop(service.get(&token, path).await);
    }
}

/// Closes the proxy of `tier` in one way, under load, and opens it again.
async fn outage(services: &Services, proxy: &Proxy, tier: Tier, door: Link) {
    println!("{tier}, {door:?}");
    let (service, timeout) = match door {
        Link::Silent => (&services.hasty, services.patience),
        _ => (&services.usual, TIMEOUT),
    };
    let load = Load::on(service).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let away = Instant::now();
    proxy.set(door);
    load.until_noticed(tier).await;
    proxy.set(Link::Open);
    let back = Instant::now();
    until_well(service, back).await;
    let late = judge(&load.end().await, tier, timeout, [away, back]);
    assert!(late < RECOVERY, "{tier} was back, and all was well only after {late:?}");
}

/// Two services over the same tiers.
struct Services {
    usual: Arc<Service>,
    /// Has a shorter time limit, for outages in which nothing answers and the whole limit is waited for.
    hasty: Arc<Service>,
    patience: Duration,
}

impl Services {
    async fn over(hot: &Arc<dyn Engine>, cold: &Arc<dyn Engine>, patience: Duration) -> Self {
        let over = async |timeout| Arc::new(Service::over(hot.clone(), cold.clone(), timeout).await);
        let services = Self { usual: over(TIMEOUT).await, hasty: over(patience).await, patience };
        fill(&services.usual).await;
        services
    }
}

async fn cold_at(port: u16, url: &str) -> Arc<dyn Engine> {
    let place = postgres::address(url);
    let through = url.replacen(&place, &format!("127.0.0.1:{port}"), 1);
    assert_ne!(through, url, "the URL names host and port");
    let url = PostgresUrl::parse(&through).expect("a URL");
    Arc::new(Postgres::open(thermocline::schema::of(Tier::Cold), &url, None).await.expect("opens"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_cold() {
    let Some(engines) = Engines::mixed().await else { return };
    let url = engines.cold_url.as_ref().expect("a server");
    let proxy = Proxy::before(postgres::address(url)).await;
    let cold = cold_at(proxy.port, url).await;
    let hot: Arc<dyn Engine> = engines.hot.clone();
    let services = Services::over(&hot, &cold, Duration::from_secs(5)).await;
    for door in [Link::Cut, Link::Refusing, Link::Silent] {
        outage(&services, &proxy, Tier::Cold, door).await;
    }
    drop(services);
    cold.close().await;
    engines.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_either_server() {
    let Some(servers) = Servers::make().await else { return };
    let before_hot = Proxy::before(format!("{}:{}", servers.server.at.host, servers.server.at.port)).await;
    let before_cold = Proxy::before(postgres::address(&servers.cold_url)).await;
    let hot: Arc<dyn Engine> = Arc::new(
        Mssql::open(thermocline::schema::of(Tier::Hot), &servers.hot_at(before_hot.port))
            .await
            .expect("opens"),
    );
    let cold = cold_at(before_cold.port, &servers.cold_url).await;
    let services = Services::over(&hot, &cold, Duration::from_secs(15)).await;
    for door in [Link::Cut, Link::Refusing, Link::Silent] {
        outage(&services, &before_hot, Tier::Hot, door).await;
        outage(&services, &before_cold, Tier::Cold, door).await;
    }
    drop(services);
    hot.close().await;
    cold.close().await;
    servers.drop().await;
}

/// The server itself fails, with everything it had in memory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crashed_postgres_is_used_again_after_its_restart() {
    let mut cluster = match Cluster::start() {
        Ok(cluster) => cluster,
        Err(reason) => {
            assert!(std::env::var_os("CI").is_none(), "no PostgreSQL: {reason}");
            return eprintln!("skipped, no PostgreSQL: {reason}");
        }
    };
    let database = postgres::make(&cluster.url()).await;
    let cold = Arc::new(postgres::open(&database).await);
    let real = crate::support::hot_engines::HotEngine::mssql().await;
    let engines = Engines::embedded().await;
    let hot: Arc<dyn Engine> = match &real {
        Some(real) => real.hot.clone(),
        None => engines.hot.clone(),
    };
    let service = Arc::new(Service::over(hot, cold.clone(), TIMEOUT).await);
    fill(&service).await;
    let load = Load::on(&service).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let away = Instant::now();
    tokio::task::block_in_place(|| cluster.crash()).expect("it crashes");
    load.until_noticed(Tier::Cold).await;
    tokio::task::block_in_place(|| cluster.launch()).expect("it starts again");
    let back = Instant::now();
    until_well(&service, back).await;
    let late = judge(&load.end().await, Tier::Cold, TIMEOUT, [away, back]);
    assert!(late < RECOVERY, "{late:?}");
    // Moves continue, and rows archived before are still there.
    service.load(&nouns::MESSAGES, vec![message(1_999, 1, 1, "late", cutoff(-DAY))]).await;
    assert_eq!(service.archive("messages", &ArchiveOptions::default()).await, 1);
    assert_eq!(migrate::newest(&*cold), thermocline::tier::Schema::version(&*cold).await.expect("a version"));
    drop(service);
    cold.close().await;
    drop(database);
    if let Some(real) = real {
        real.drop().await;
    }
    engines.drop().await;
}
