//! Streams of changes: the time from a commit in hot to the event at a client, the queries that the server asks meanwhile, and its
//! memory, with one stream and with many.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use thermocline::clock::Clock;
use thermocline_testing::bench::{self, quantile};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Result;
use super::pair::Pair;
use super::server::Server;

/// Numbers of open streams.
const STREAMS: [usize; 3] = [1, 1_000, 10_000];
/// Messages that are written with each number.
const MESSAGES: usize = 200;
/// The time between two of them.
const PAUSE: Duration = Duration::from_millis(100);
/// The time to wait for the last events.
const PATIENCE: Duration = Duration::from_secs(10);
/// The start of a measured message in an event; its number and a full stop follow.
const MARK: &[u8] = b"\"content\":\"bench ";

/// The arrivals of the messages: the number of each, and when.
type Arrivals = Arc<Mutex<Vec<(usize, Instant)>>>;

/// Measures and prints a table.
pub async fn measure(pair: &Pair) -> Result<()> {
    println!("{}; streams of changes, one message in {} ms\n", pair.engines, PAUSE.as_millis());
    println!(
        "| streams | events | commit to client p50, ms | p99 | queries a second | MB resident before | with the streams | after |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for streams in STREAMS {
        let ours = Server::program(pair).await?;
        let before = ours.resident()?;
        let arrivals = Arrivals::default();
        let mut readers = open(pair, &ours, streams, &arrivals).await?;
        let with = ours.resident()?;
        let (polls, begun) = (ours.metric("thermocline_live_polls_total").await?, Instant::now());
        let commits = write(pair, &pair.talks[..streams.min(pair.talks.len())]).await?;
        let polls =
            (ours.metric("thermocline_live_polls_total").await? - polls) / begun.elapsed().as_secs_f64();
        let followers = |user| (0..streams).filter(|stream| reader(pair, *stream) == user).count();
        let expected = commits.values().map(|(user, _)| followers(*user)).sum::<usize>();
        let until = Instant::now() + PATIENCE;
        while arrivals.lock().unwrap_or_else(PoisonError::into_inner).len() < expected
            && Instant::now() < until
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let after = ours.resident()?;
        readers.abort_all();
        let arrivals = arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        if arrivals.len() < expected {
            return Err(format!("{} of {expected} events arrived", arrivals.len()).into());
        }
        let mut times: Vec<Duration> = arrivals
            .iter()
            .filter_map(|(number, at)| Some(at.duration_since(commits.get(number)?.1)))
            .collect();
        times.sort_unstable();
        let [p50, p99] = [0.5, 0.99].map(|part| quantile(&times, part).as_secs_f64() * 1e3);
        println!(
            "| {streams} | {} | {p50:.1} | {p99:.1} | {polls:.1} | {before:.0} | {with:.0} | {after:.0} |",
            times.len()
        );
    }
    println!();
    Ok(())
}

/// The user of a stream.
fn reader(pair: &Pair, stream: usize) -> i64 {
    pair.talks[stream % pair.talks.len()].1
}

/// Opens streams of all changes of their users.
async fn open(pair: &Pair, ours: &Server, streams: usize, arrivals: &Arrivals) -> Result<JoinSet<()>> {
    let mut readers = JoinSet::new();
    let mut tokens = HashMap::new();
    for stream in 0..streams {
        let user = reader(pair, stream);
        let token = match tokens.entry(user) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(pair.token_of(user)?),
        };
        let mut connection = TcpStream::connect(&ours.address).await?;
        let request = bench::get("/api/changes/stream", token);
        connection.write_all(request.as_bytes()).await?;
        let mut head = [0; 12];
        connection.read_exact(&mut head).await?;
        if !head.ends_with(b"200") {
            return Err(format!("a stream was refused: {}", String::from_utf8_lossy(&head)).into());
        }
        readers.spawn(read(connection, Arc::clone(arrivals)));
    }
    Ok(readers)
}

/// Reads a stream to its end.
async fn read(mut connection: TcpStream, arrivals: Arrivals) {
    let mut text = Vec::with_capacity(1024);
    while connection.read_buf(&mut text).await.is_ok_and(|bytes| bytes > 0) {
        let at = Instant::now();
        let mut rest = 0;
        while let Some(mark) = find(&text[rest..], MARK) {
            let from = rest + mark + MARK.len();
            let Some(length) = find(&text[from..], b".") else { break };
            let number =
                std::str::from_utf8(&text[from..from + length]).ok().and_then(|number| number.parse().ok());
            if let Some(number) = number {
                arrivals.lock().unwrap_or_else(PoisonError::into_inner).push((number, at));
            }
            rest = from + length;
        }
        // A mark may be cut in two.
        text.drain(..rest.max(text.len().saturating_sub(MARK.len() + 8)));
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

/// Writes messages into conversations in turn. Returns the user who follows each one, and when it was committed.
async fn write(pair: &Pair, talks: &[(i64, i64)]) -> Result<HashMap<usize, (i64, Instant)>> {
    let (mut hot, clock) = (pair.hot.lock().await, Clock::system());
    let mut commits = HashMap::new();
    let mut ticks = tokio::time::interval(PAUSE);
    for number in 0..MESSAGES {
        ticks.tick().await;
        let (conversation, user) = talks[number % talks.len()];
        hot.say(conversation, user, &format!("bench {number}."), clock.now().micros()).await?;
        commits.insert(number, (user, Instant::now()));
    }
    Ok(commits)
}
