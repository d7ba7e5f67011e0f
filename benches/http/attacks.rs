//! A client that reads its newest page fifty times a second: alone, beside clients that misbehave, and after them; and the load that
//! the server carries when it is asked for more than it can.

use std::future::Future;
use std::process::Command;
use std::time::Duration;

use thermocline_testing::bench::{self, Client, Outcomes, open_loop, quantile};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Result;
use super::load::{CONNECTIONS, TIME, closed_loop};
use super::pair::Pair;
use super::server::{Ended, Server};

/// Requests of the normal client in a second.
const RATE: f64 = 50.0;
/// Connections that send half a header.
const HALF_HEADERS: usize = 8_000;
/// Clients that read nothing of their answers.
const STALLED: usize = 500;
/// Searches of one user at a time.
const SEARCHES: usize = 64;
/// Connections that send forged tokens.
const FORGERS: usize = 32;
/// Connections of one user that ask for his newest page and never wait, in a process of their own.
const FLOOD: usize = 1_500;
/// Names the server that this program is to flood, and the request.
pub const FLOOD_ADDRESS: &str = "THERMOCLINE_BENCH_FLOOD_ADDRESS";
const FLOOD_REQUEST: &str = "THERMOCLINE_BENCH_FLOOD_REQUEST";
/// Requests with a method of their own, and the length of each.
const METHODS: usize = 3_000;
const METHOD_LENGTH: usize = 10_000;
/// The longest time to wait until the normal client is as fast as before.
const LONGEST: Duration = Duration::from_mins(1);

/// Measures and prints a table.
pub async fn measure(pair: &Pair) -> Result<()> {
    println!("{}; the newest page of one client, {RATE} requests a second, ms\n", pair.engines);
    println!(
        "| beside it | p50 alone | p99 alone | p50 beside | p99 beside | without an answer | seconds to recover | MB before | highest | a minute after |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    beside(pair, &format!("{HALF_HEADERS} connections with half a header"), half_headers).await?;
    beside(pair, &format!("{STALLED} clients that do not read their answers"), stalled).await?;
    beside(pair, &format!("{SEARCHES} searches of one user for what is not there"), searches).await?;
    beside(pair, &format!("{FORGERS} connections with forged tokens"), forgers).await?;
    beside(pair, &format!("{FLOOD} connections of one user that never wait"), flood).await?;
    beside(pair, &format!("{METHODS} methods of {METHOD_LENGTH} bytes, again and again"), methods).await?;
    println!();
    Ok(())
}

/// The server, and what the attacker may read.
struct Aim {
    address: String,
    token: String,
    conversation: i64,
    symbol: &'static str,
}

/// Measures the normal client beside an attack, which goes on until it is dropped.
async fn beside<F>(pair: &Pair, name: &str, attack: impl Fn(Aim, JoinSet<()>) -> F) -> Result<()>
where
    F: Future<Output = Result<JoinSet<()>>>,
{
    let ours = Server::program(pair).await?;
    let pages = pair.newest_pages()?;
    let normal = || open_loop(&ours.address, 4, &pages, RATE, TIME);
    normal().await?;
    let alone = answered(&normal().await?);
    let before = ours.resident()?;
    let aim = Aim {
        address: ours.address.clone(),
        token: pair.token.clone(),
        conversation: pair.conversation,
        symbol: pair.symbol,
    };
    let attackers = attack(aim, JoinSet::new()).await?;
    let mut highest = before;
    let during = {
        let (mut during, mut ticks) = (Box::pin(normal()), tokio::time::interval(Duration::from_millis(100)));
        loop {
            tokio::select! {
                outcomes = &mut during => break outcomes?,
                _ = ticks.tick() => highest = ours.resident()?.max(highest),
            }
        }
    };
    drop(attackers);
    let ended = Instant::now();
    let recovered = loop {
        let second = open_loop(&ours.address, 4, &pages, RATE, Duration::from_secs(1)).await?;
        if answered(&second).1 <= 2.0 * alone.1 && second.part_refused() == 0.0 {
            break (ended.elapsed().as_secs_f64() - 1.0).max(0.0);
        }
        if ended.elapsed() > LONGEST {
            return Err(format!("{name}: the client is slow a minute later").into());
        }
    };
    tokio::time::sleep((ended + LONGEST).saturating_duration_since(Instant::now())).await;
    let beside = answered(&during);
    println!(
        "| {name} | {:.2} | {:.2} | {:.2} | {:.2} | {:.1} % | {recovered:.1} | {before:.0} | {highest:.0} | {:.0} |",
        alone.0,
        alone.1,
        beside.0,
        beside.1,
        during.part_refused() * 100.0,
        ours.resident()?
    );
    Ok(())
}

/// Returns median and 99th percentile of the answers, in ms.
fn answered(outcomes: &Outcomes) -> (f64, f64) {
    median_and_p99(outcomes.answered())
}

/// Returns median and 99th percentile in ms.
fn median_and_p99(times: &[Duration]) -> (f64, f64) {
    let at = |part| quantile(times, part).as_secs_f64() * 1e3;
    (at(0.5), at(0.99))
}

async fn half_headers(aim: Aim, mut attackers: JoinSet<()>) -> Result<JoinSet<()>> {
    for _ in 0..HALF_HEADERS {
        let mut connection = TcpStream::connect(&aim.address).await?;
        connection.write_all(b"GET /api/conversations HTTP/1.1\r\nhost: b").await?;
        attackers.spawn(async move {
            let _held = connection;
            std::future::pending::<()>().await;
        });
    }
    Ok(attackers)
}

async fn stalled(aim: Aim, mut attackers: JoinSet<()>) -> Result<JoinSet<()>> {
    let request = bench::get(&format!("/api/stocks/symbols/{}/prices", aim.symbol), &aim.token);
    for _ in 0..STALLED {
        let (address, request) = (aim.address.clone(), request.repeat(8));
        attackers.spawn(async move {
            // As often as the server ends it.
            while let Ok(mut connection) = TcpStream::connect(&address).await {
                let _ = connection.write_all(request.as_bytes()).await;
                let mut byte = [0];
                while connection.peek(&mut byte).await.is_ok_and(|bytes| bytes > 0) {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        });
    }
    Ok(attackers)
}

async fn searches(aim: Aim, attackers: JoinSet<()>) -> Result<JoinSet<()>> {
    // One character, of which no signature of a block knows anything; another one for each, since equal searches share statements.
    let request = |search| {
        let path =
            format!("/api/conversations/{}/messages/search?q=%E9%BE%{:02X}", aim.conversation, 0x80 + search);
        bench::get(&path, &aim.token)
    };
    let requests: Vec<String> = (0..SEARCHES).map(request).collect();
    Ok(again_and_again(&aim.address, &requests, SEARCHES, attackers))
}

async fn forgers(aim: Aim, attackers: JoinSet<()>) -> Result<JoinSet<()>> {
    let forged = format!("{}AAAA", aim.token.trim_end_matches(|letter| letter != '.'));
    let path = format!("/api/conversations/{}/messages", aim.conversation);
    Ok(again_and_again(&aim.address, &[bench::get(&path, &forged)], FORGERS, attackers))
}

/// Starts a process that floods, so that its connections do not delay the normal client.
async fn flood(aim: Aim, mut attackers: JoinSet<()>) -> Result<JoinSet<()>> {
    let path = format!("/api/conversations/{}/messages?limit=20", aim.conversation);
    let mut command = Command::new(std::env::current_exe()?);
    command.env(FLOOD_ADDRESS, &aim.address).env(FLOOD_REQUEST, bench::get(&path, &aim.token));
    let process = Ended(command.spawn()?);
    attackers.spawn(async move {
        let _process = process;
        std::future::pending::<()>().await;
    });
    Ok(attackers)
}

/// Floods a server until the process is ended.
pub async fn flood_server(address: &str) -> Result<()> {
    let request = std::env::var(FLOOD_REQUEST)?;
    again_and_again(address, &[request], FLOOD, JoinSet::new()).join_all().await;
    Ok(())
}

async fn methods(aim: Aim, attackers: JoinSet<()>) -> Result<JoinSet<()>> {
    let method = |number: usize| format!("M{number}{}", "X".repeat(METHOD_LENGTH));
    let request = |number| format!("{} / HTTP/1.1\r\nhost: b\r\n\r\n", method(number));
    let requests: Vec<String> = (0..METHODS).map(request).collect();
    Ok(again_and_again(&aim.address, &requests, FORGERS, attackers))
}

/// Sends requests over so many connections, which never wait and connect again when they are closed.
fn again_and_again(
    address: &str,
    requests: &[String],
    connections: usize,
    mut attackers: JoinSet<()>,
) -> JoinSet<()> {
    for connection in 0..connections {
        let (address, requests) = (address.to_owned(), requests.to_vec());
        attackers.spawn(async move {
            let mut turn = requests.iter().cycle().skip(connection * 97 % requests.len());
            loop {
                let Ok(mut client) = Client::connect(&address).await else { continue };
                for request in turn.by_ref() {
                    if client.send(request).await.is_err() {
                        break;
                    }
                }
            }
        });
    }
    attackers
}

/// Measures the newest pages of all conversations, at half of the peak and at more than it, and prints a table.
pub async fn overload(pair: &Pair) -> Result<()> {
    let ours = Server::program(pair).await?;
    let pages = pair.newest_pages()?;
    closed_loop(&ours.address, &pages).await?;
    let peak = closed_loop(&ours.address, &pages).await? / TIME.as_secs_f64();
    println!(
        "Peak of the newest pages, {CONNECTIONS} connections: {peak:.0}/s. Server and client share the processors.\n"
    );
    println!(
        "| asked for, of the peak | answered, of the peak | p50, ms | p99 | refused: p50 | p99 | MB before | after | a minute after |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for part in [0.5, 1.0, 3.0, 10.0] {
        let before = ours.resident()?;
        let begun = Instant::now();
        let outcomes = open_loop(&ours.address, CONNECTIONS, &pages, peak * part, TIME).await?;
        // The client may be too slow to ask for more.
        let at_peak = begun.elapsed().as_secs_f64() * peak;
        let after = ours.resident()?;
        let (p50, p99) = answered(&outcomes);
        let (good, asked) =
            (outcomes.answered().len() as f64 / at_peak, outcomes.requests() as f64 / at_peak);
        let (refused_p50, refused_p99) = median_and_p99(&outcomes.refused());
        tokio::time::sleep(if part > 1.0 { LONGEST } else { Duration::from_secs(2) }).await;
        println!(
            "| {asked:.1} | {good:.2} | {p50:.2} | {p99:.2} | {refused_p50:.2} | {refused_p99:.2} | {before:.0} | {after:.0} | {:.0} |",
            ours.resident()?
        );
    }
    println!();
    Ok(())
}
