//! Sends requests at a fixed rate, whether or not earlier ones have been answered, and reports what came back.
//!
//! ```console
//! $ cargo run --release --example open_loop -- 127.0.0.1:8080 /api/posts 2000 10 < token
//! ```
//!
//! The arguments are the address, the path, requests in a second, and seconds; the token is read from standard input. Each
//! latency counts from the moment at which the request was due. A request takes an idle connection, or opens one.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::error::Error;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::LocalSet;
use tokio::time::Instant;

/// The time after which a request without an answer counts as lost.
const PATIENCE: Duration = Duration::from_secs(30);
/// The time between two groups of requests.
const TICK: Duration = Duration::from_millis(1);

/// The latencies of each outcome: a status, or 0 for a broken connection.
type Outcomes = BTreeMap<u16, Vec<Duration>>;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("usage: open_loop ADDRESS PATH RATE SECONDS < TOKEN");
    let (address, path) = (next()?, next()?);
    let (rate, seconds): (f64, f64) = (next()?.parse()?, next()?.parse()?);
    let mut tokens: Vec<String> = std::io::stdin().lines().collect::<Result<_, _>>()?;
    if tokens.is_empty() {
        tokens.push(String::new());
    }
    let requests: Vec<Rc<[u8]>> = tokens
        .iter()
        .map(|token| {
            let text = format!(
                "GET {path} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {}\r\n\r\n",
                token.trim()
            );
            Rc::from(text.into_bytes())
        })
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = LocalSet::new();
    let outcomes = runtime.block_on(local.run_until(send(Rc::from(address), requests, rate, seconds)));
    report(&outcomes, rate, seconds);
    Ok(())
}

async fn send(address: Rc<str>, requests: Vec<Rc<[u8]>>, rate: f64, seconds: f64) -> Outcomes {
    let outcomes = Rc::new(RefCell::new(Outcomes::new()));
    let idle: Rc<RefCell<Vec<TcpStream>>> = Rc::default();
    let mut tasks = Vec::new();
    let begun = Instant::now();
    let mut ticks = tokio::time::interval(TICK);
    let total = (rate * seconds) as u64;
    let mut sent = 0;
    while sent < total {
        ticks.tick().await;
        let due = ((begun.elapsed().as_secs_f64() * rate) as u64).min(total);
        while sent < due {
            let at = begun + Duration::from_secs_f64(sent as f64 / rate);
            let request = Rc::clone(&requests[sent as usize % requests.len()]);
            let (address, idle, outcomes) = (Rc::clone(&address), Rc::clone(&idle), Rc::clone(&outcomes));
            tasks.push(tokio::task::spawn_local(async move {
                let pooled = idle.borrow_mut().pop();
                let answer = tokio::time::timeout(PATIENCE, ask(&address, pooled, &request)).await;
                let status = match answer {
                    Ok(Ok((status, stream))) => {
                        idle.borrow_mut().push(stream);
                        status
                    }
                    _ => 0,
                };
                outcomes.borrow_mut().entry(status).or_default().push(at.elapsed());
            }));
            sent += 1;
        }
    }
    for task in tasks {
        // A task that failed is missing from the outcomes.
        let _ = task.await;
    }
    Rc::try_unwrap(outcomes).map(RefCell::into_inner).unwrap_or_default()
}

/// Sends a request and reads the answer, which has a `content-length`.
async fn ask(
    address: &str,
    pooled: Option<TcpStream>,
    request: &[u8],
) -> Result<(u16, TcpStream), Box<dyn Error>> {
    let mut stream = if let Some(stream) = pooled {
        stream
    } else {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        stream
    };
    stream.write_all(request).await?;
    let mut bytes = Vec::with_capacity(8 * 1024);
    loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err("closed".into());
        }
        let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let text = std::str::from_utf8(&bytes[..head])?;
        let status = text.get(9..12).ok_or("no status")?.parse()?;
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
        if bytes.len() - head - 4 >= length.ok_or("no length")?.parse::<usize>()? {
            return Ok((status, stream));
        }
    }
}

fn report(outcomes: &Outcomes, rate: f64, seconds: f64) {
    for (status, latencies) in outcomes {
        let mut latencies = latencies.clone();
        latencies.sort_unstable();
        let at = |part: f64| latencies[((latencies.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
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
