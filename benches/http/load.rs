//! The peak, and latencies under load.

use std::slice;
use std::time::Duration;

use thermocline_testing::bench::{self, Client, open_loop};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Result;
use super::report::{Peak, Report};
use super::server::{SERIALISED, Server};

/// Connections of the peak.
pub const CONNECTIONS: usize = 32;
/// The time of one measurement.
pub const TIME: Duration = Duration::from_secs(5);
/// Parts of the peak at which latencies are taken.
const PARTS: [f64; 5] = [0.1, 0.25, 0.5, 0.7, 0.85];

/// Connections that are open and idle while the memory is looked at.
const IDLE: usize = 1_000;

/// A kind of reads: its name, and requests that connections send in turn.
pub type Reads = (&'static str, Vec<String>);

/// Measures the peaks of some reads, and latencies at parts of the first one's.
pub async fn measure(reads: &[Reads], ours: &Server, report: &mut Report) -> Result<()> {
    report.idle(ours.started, ours.resident()?);
    let mut first = None;
    for reads in reads {
        let peak = peak(reads, ours, report).await?;
        first.get_or_insert((&reads.1, peak));
    }
    let Some((requests, peak)) = first else { return Ok(()) };
    for part in PARTS {
        let outcomes = open_loop(&ours.address, CONNECTIONS, requests, peak * part, TIME).await?;
        report.load(part, outcomes.answered(), outcomes.part_refused());
    }
    let mut idle = Vec::new();
    for request in requests.iter().cycle().take(IDLE) {
        let mut client = Client::connect(&ours.address).await?;
        client.time(request).await?;
        idle.push(client);
    }
    report.connections(IDLE, ours.resident()?);
    Ok(())
}

/// Returns the answers in a second that connections get which never wait.
async fn peak((name, requests): &Reads, ours: &Server, report: &mut Report) -> Result<f64> {
    let first = requests.first().ok_or("no request")?;
    let same = Server::of_bytes(&Client::connect(&ours.address).await?.bytes(first).await?)?;
    let serialised = [bench::get(SERIALISED, "")];
    let mut peak = Peak { name, ours: 0.0, bytes: 0.0, serialised: 0.0, processor: 0.0, resident: 0.0 };
    // In turn, so that a slow moment of the machine meets all.
    for _ in 0..2 {
        let before = ours.processor_seconds()?;
        let answered = closed_loop(&ours.address, requests).await?;
        peak.processor = (ours.processor_seconds()? - before) / answered;
        peak.ours = peak.ours.max(answered / TIME.as_secs_f64());
        let bytes = closed_loop(&same.address, slice::from_ref(first)).await? / TIME.as_secs_f64();
        peak.bytes = peak.bytes.max(bytes);
        let written = closed_loop(&same.address, &serialised).await? / TIME.as_secs_f64();
        peak.serialised = peak.serialised.max(written);
    }
    peak.resident = ours.resident()?;
    report.peak(&peak);
    Ok(peak.ours)
}

/// Returns the number of answers that connections get which never wait; refusals do not count. Each connection sends the requests in
/// turn, beginning with another one.
pub async fn closed_loop(address: &str, requests: &[String]) -> Result<f64> {
    let until = Instant::now() + TIME;
    let mut tasks = JoinSet::new();
    for connection in 0..CONNECTIONS {
        let (mut client, requests) = (Client::connect(address).await?, requests.to_vec());
        tasks.spawn(async move {
            let mut answers = 0_u32;
            for request in requests.iter().cycle().skip(connection * requests.len() / CONNECTIONS) {
                if Instant::now() >= until {
                    break;
                }
                answers += u32::from(client.send(request).await? == 200);
            }
            std::io::Result::Ok(answers)
        });
    }
    let answers: std::io::Result<u32> = tasks.join_all().await.into_iter().sum();
    Ok(f64::from(answers?))
}
