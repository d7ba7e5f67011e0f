//! Allocations of a request, from its head to the last byte of its answer, without the socket.
//!
//! ```console
//! $ cargo bench --bench allocations
//! ```
//!
//! Both tiers are files in a temporary folder. What SQLite itself allocates is not counted. The counts depend on neither the machine
//! nor what else runs there.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode};
use secrecy::SecretString;
use thermocline::clock::{Clock, DAY};
use thermocline::demo::DemoPlan;
use thermocline::server;
use thermocline::web::auth::{AuthSettings, KeySource, Verifier};
use thermocline::web::state::App;
use thermocline_testing::{SECRET, bench};
use tower::ServiceExt as _;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// Requests of each kind.
const ROUNDS: u64 = 100;
const MESSAGES: usize = 20_000;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    // `cargo test --benches` only asks whether it builds.
    if std::env::args().any(|argument| argument == "--test") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let clock = Clock::system();
    let plan = DemoPlan { messages: MESSAGES, ..DemoPlan::new(1, clock.now()) };
    let (hot, cold) = bench::filled_files(folder.path(), plan, &clock).await?;
    let facts = plan.facts();
    let key = KeySource::Secret(SecretString::from(SECRET));
    let settings = AuthSettings { key, issuer: None, audience: None };
    let verifier = Arc::new(Verifier::new(settings, clock.clone())?);
    let token = verifier.issue(facts.user, Some("admin"), 3_600)?;
    let app = App::new(Arc::new(hot), Some(Arc::new(cold)), verifier, clock.clone());
    let router = server::router(app, std::time::Duration::from_secs(30));

    let messages = format!("/api/conversations/{}/messages", facts.conversation);
    let paths = [
        ("newest page", format!("{messages}?limit=20")),
        ("page 1, with total", format!("{messages}?page=1")),
        ("page at a time, in cold", format!("{messages}?at={}&limit=20", clock.now().plus(-60 * DAY))),
        ("all prices of a stock", format!("/api/stocks/symbols/{}/prices", facts.symbol)),
        ("the same as columns", format!("/api/stocks/symbols/{}/prices?format=columns", facts.symbol)),
        ("liveness, without a database", "/livez".to_owned()),
    ];
    println!("| read | bytes of the answer | allocations | bytes allocated |\n|---|---|---|---|");
    let _profiler = dhat::Profiler::builder().testing().build();
    for (name, path) in paths {
        // The first one fills caches and connections.
        let size = answer(&router, &path, &token).await?;
        let before = dhat::HeapStats::get();
        for _ in 0..ROUNDS {
            answer(&router, &path, &token).await?;
        }
        let after = dhat::HeapStats::get();
        let blocks = (after.total_blocks - before.total_blocks) / ROUNDS;
        let bytes = (after.total_bytes - before.total_bytes) / ROUNDS;
        println!("| {name} | {size} | {blocks} | {bytes} |");
    }
    Ok(())
}

/// Returns the size of an answer.
async fn answer(router: &Router, path: &str, token: &str) -> Result<usize> {
    let request = Request::get(path)
        .header(http::header::HOST, "bench")
        .header(http::header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Body::empty())?;
    let response = router.clone().oneshot(request).await?;
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await?;
    if status != StatusCode::OK {
        return Err(String::from_utf8_lossy(&body).into_owned().into());
    }
    Ok(body.len())
}
