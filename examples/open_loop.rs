//! Sends requests at a fixed rate, whether or not earlier ones have been answered, and reports what came back.
//!
//! ```console
//! $ cargo run --release --example open_loop -- 127.0.0.1:8080 /api/posts 2000 10 < token
//! ```
//!
//! The arguments are the address, the path, requests in a second, and seconds; the token is read from standard input. Each
//! latency counts from the moment at which the request was due. A request takes an idle connection, or opens one.

use std::error::Error;
use std::time::Duration;

use thermocline_testing::bench::{Outcomes, get, open_loop, quantile};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("usage: open_loop ADDRESS PATH RATE SECONDS < TOKEN");
    let (address, path) = (next()?, next()?);
    let (rate, seconds): (f64, f64) = (next()?.parse()?, next()?.parse()?);
    let mut tokens: Vec<String> = std::io::stdin().lines().collect::<Result<_, _>>()?;
    if tokens.is_empty() {
        tokens.push(String::new());
    }
    let requests: Vec<String> = tokens.iter().map(|token| get(&path, token.trim())).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let time = Duration::from_secs_f64(seconds);
    let outcomes = runtime.block_on(open_loop(&address, 0, &requests, rate, time))?;
    report(&outcomes, rate, seconds);
    Ok(())
}

fn report(outcomes: &Outcomes, rate: f64, seconds: f64) {
    for (status, latencies) in &outcomes.0 {
        let at = |part: f64| quantile(latencies, part).as_secs_f64() * 1e3;
        println!(
            "rate {rate:.0}: status {status}: {} ({:.0}/s), ms: p50 {:.1}, p99 {:.1}, max {:.1}",
            latencies.len(),
            latencies.len() as f64 / seconds,
            at(0.5),
            at(0.99),
            at(1.0)
        );
    }
}
