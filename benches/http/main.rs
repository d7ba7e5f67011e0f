//! The cost of the program through HTTP, beside the bare queries that its answers rest on and beside axum handlers that return the
//! same bytes or write the same JSON, all in one run.
//!
//! ```console
//! $ cargo bench --bench http
//! $ cargo bench --bench http -- streams attacks overload
//! $ THERMOCLINE_BENCH_HOT='mssql://…' THERMOCLINE_BENCH_COLD='postgres://…' cargo bench --bench http
//! ```
//!
//! Without the variables both tiers are files in a temporary folder. A database is filled with the demo's data, unless it holds
//! messages already. `THERMOCLINE_BENCH_MESSAGES` is their number (600,000 by default), a third of them in one conversation.
//!
//! Latencies are taken one request after the other, ours and what they are compared with in turn. The peak is that of 32
//! connections which never wait; latencies under load are those of requests that come at a fixed rate. The report goes to standard
//! output, and with two plots to `target/bench`. Only the ratios mean anything on another machine.
//!
//! `streams` measures the change feed instead, `attacks` a client beside others that misbehave, and `overload` more requests than the
//! server can answer.

mod attacks;
mod bare;
mod cases;
mod load;
mod pair;
mod report;
mod server;
mod streams;

use std::error::Error;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    // `cargo test --benches` only asks whether it builds.
    if std::env::args().any(|argument| argument == "--test") {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    if let Ok(file) = std::env::var(server::BYTES) {
        return runtime.block_on(server::serve_bytes(file));
    }
    if let Ok(address) = std::env::var(attacks::FLOOD_ADDRESS) {
        return runtime.block_on(attacks::flood_server(&address));
    }
    runtime.block_on(run())
}

async fn run() -> Result<()> {
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let pair = Box::pin(pair::Pair::ready()).await?;
    if asked.is_empty() {
        return pages(&pair).await;
    }
    for part in &asked {
        match part.as_str() {
            "pages" => pages(&pair).await?,
            "streams" => streams::measure(&pair).await?,
            "attacks" => attacks::measure(&pair).await?,
            "overload" => attacks::overload(&pair).await?,
            other => {
                let known = "pages, streams, attacks and overload";
                return Err(format!("no measurement is called {other}; there are {known}").into());
            }
        }
    }
    Ok(())
}

async fn pages(pair: &pair::Pair) -> Result<()> {
    let ours = server::Server::program(pair).await?;
    ours.until_warm().await?;
    let cases = cases::all(pair, &ours).await?;
    let mut report = report::Report::new(pair);
    for case in &cases {
        report.case(cases::measure(case, pair, &ours, false).await?);
        if pair.has_files() {
            report.case(cases::measure(case, pair, &ours, true).await?);
        }
    }
    report.depths(cases::by_depth(pair, &ours).await?);
    report.walk(&cases::walk(pair, &ours).await?);
    let of = |case: usize| (cases[case].name, vec![cases[case].request.clone()]);
    // From hot alone, from hot alone while all read the same, and from both tiers.
    let reads = [("newest pages of all conversations", pair.newest_pages()?), of(0), of(3)];
    load::measure(&reads, &ours, &mut report).await?;
    report.write()
}
