//! The peak, and latencies under load.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Result;
use super::cases::Case;
use super::client::Client;
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
    for part in PARTS {
        report.load(part, &open_loop(&ours.address, &case.request, peak * part).await?);
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

/// Returns the latencies, sorted, of requests that come at a fixed rate. Each counts from the moment at which it was due.
async fn open_loop(address: &str, request: &str, rate: f64) -> Result<Vec<Duration>> {
    let idle: Arc<Mutex<Vec<Client>>> = Arc::default();
    for _ in 0..CONNECTIONS {
        idle.lock().await.push(Client::connect(address).await?);
    }
    let mut tasks = JoinSet::new();
    let begun = Instant::now();
    for number in 0..(rate * TIME.as_secs_f64()) as u32 {
        let due = begun + Duration::from_secs_f64(f64::from(number) / rate);
        tokio::time::sleep_until(due).await;
        let (idle, address, request) = (Arc::clone(&idle), address.to_owned(), request.to_owned());
        tasks.spawn(async move {
            let waiting = idle.lock().await.pop();
            let mut client = match waiting {
                Some(client) => client,
                None => Client::connect(&address).await.ok()?,
            };
            client.time(&request).await.ok()?;
            let latency = due.elapsed();
            idle.lock().await.push(client);
            Some(latency)
        });
    }
    let mut latencies: Vec<Duration> = tasks.join_all().await.into_iter().flatten().collect();
    latencies.sort_unstable();
    Ok(latencies)
}
