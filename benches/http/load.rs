//! The peak, and latencies under load.

use std::slice;
use std::time::Duration;

use thermocline_testing::bench::{Client, open_loop};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Result;
use super::cases::Case;
use super::report::Report;
use super::server::Server;

/// Connections of the peak.
const CONNECTIONS: usize = 32;
/// The time of one measurement.
const TIME: Duration = Duration::from_secs(5);
/// Parts of the peak at which latencies are taken.
const PARTS: [f64; 5] = [0.1, 0.25, 0.5, 0.7, 0.85];

/// Measures the newest page.
pub async fn measure(case: &Case, ours: &Server, report: &mut Report) -> Result<()> {
    let bytes = Client::connect(&ours.address).await?.bytes(&case.request).await?;
    let same = Server::of_bytes(&bytes)?;
    report.idle(ours.started, ours.resident()?);
    let (mut peaks, mut peaks_of_bytes) = (Vec::new(), Vec::new());
    let mut processor = 0.0;
    // In turn, so that a slow moment of the machine meets both.
    for _ in 0..2 {
        let before = ours.processor_seconds()?;
        let answered = closed_loop(&ours.address, &case.request).await?;
        processor = (ours.processor_seconds()? - before) / answered;
        peaks.push(answered / TIME.as_secs_f64());
        peaks_of_bytes.push(closed_loop(&same.address, &case.request).await? / TIME.as_secs_f64());
    }
    let best = |peaks: &[f64]| peaks.iter().copied().fold(0.0, f64::max);
    let peak = best(&peaks);
    report.peak(peak, best(&peaks_of_bytes), processor, ours.resident()?);
    let requests = slice::from_ref(&case.request);
    for part in PARTS {
        let mut outcomes = open_loop(&ours.address, CONNECTIONS, requests, peak * part, TIME).await?;
        let answered = outcomes.remove(&200).unwrap_or_default();
        let failed = outcomes.values().map(Vec::len).sum::<usize>();
        report.load(part, &answered, failed as f64 / (answered.len() + failed) as f64);
    }
    Ok(())
}

/// Returns the number of answers that connections get which never wait.
async fn closed_loop(address: &str, request: &str) -> Result<f64> {
    let until = Instant::now() + TIME;
    let mut tasks = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (mut client, request) = (Client::connect(address).await?, request.to_owned());
        tasks.spawn(async move {
            let mut answers = 0;
            while Instant::now() < until && client.time(&request).await.is_ok() {
                answers += 1;
            }
            answers
        });
    }
    Ok(f64::from(tasks.join_all().await.into_iter().sum::<u32>()))
}
