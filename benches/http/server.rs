//! The servers that are measured: the program, and a handler that returns the same bytes. Each is a process of its own, so that
//! its processor time and memory are its own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::response::IntoResponse as _;
use axum::routing::get;
use axum::{Json, Router};
use http::header::CONTENT_TYPE;
use serde_json::Value;
use thermocline_testing::SECRET;
use thermocline_testing::bench::{self, Client};
use tokio::net::TcpListener;

use super::Result;
use super::pair::Pair;

/// Names the file whose bytes this program is to serve.
pub const BYTES: &str = "THERMOCLINE_BENCH_BYTES";
/// The path at which that program writes the same JSON anew for each request.
pub const SERIALISED: &str = "/serialised";
/// The time a server may take to start.
const START: Duration = Duration::from_mins(1);
/// The time without a new connection after which all are open. One takes less than a second on any engine.
const CALM: Duration = Duration::from_secs(5);
/// Ticks of a second in `/proc`.
const TICKS: f64 = 100.0;

/// A running server.
pub struct Server {
    child: Ended,
    pub address: String,
    /// The time from the start of the process to its first answer.
    pub started: Duration,
}

impl Server {
    /// Starts the program over a pair.
    pub async fn program(pair: &Pair) -> Result<Self> {
        let address = free_address().await?;
        let folder = std::env::temp_dir();
        let mut command = Command::new(env!("CARGO_BIN_EXE_thermocline"));
        command
            .args(["serve", "--addr", &address])
            .current_dir(folder)
            .env("HOT_DATABASE_URL", &pair.hot_url)
            .env("COLD_DATABASE_URL", &pair.cold_url)
            .env("JWT_SECRET", SECRET)
            .env("RUST_LOG", "error")
            // One user sends all of the load.
            .env("THERMOCLINE_RATE_PER_CALLER", "1000000");
        // The program knows no such settings.
        for name in ["HOT", "COLD", "MESSAGES"] {
            command.env_remove(format!("THERMOCLINE_BENCH_{name}"));
        }
        let begun = Instant::now();
        let mut child = Ended(command.spawn()?);
        let path = format!("/api/conversations/{}/messages?limit=20", pair.conversation);
        let request = bench::get(&path, &pair.token);
        while begun.elapsed() < START {
            if let Ok(mut client) = Client::connect(&address).await {
                client.time(&request).await?;
                return Ok(Self { child, address, started: begun.elapsed() });
            }
            if let Some(status) = child.0.try_wait()? {
                return Err(format!("the program has ended with {status}").into());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Err("the program does not start".into())
    }

    /// Waits until the program, which opens connections beside the first requests, has opened none for a while.
    pub async fn until_warm(&self) -> Result<()> {
        let (mut open, mut since) = (0.0, Instant::now());
        while since.elapsed() < CALM {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let now = self.metric("thermocline_pool_connections").await?;
            if now > open {
                (open, since) = (now, Instant::now());
            }
        }
        Ok(())
    }

    /// Starts a server of these bytes.
    pub fn of_bytes(bytes: &[u8]) -> Result<Self> {
        let mut file = tempfile::NamedTempFile::new()?;
        file.write_all(bytes)?;
        let begun = Instant::now();
        let child =
            Command::new(std::env::current_exe()?).env(BYTES, file.path()).stdout(Stdio::piped()).spawn()?;
        let mut child = Ended(child);
        let stdout = child.0.stdout.take().ok_or("no output")?;
        let address = BufReader::new(stdout).lines().next().ok_or("no address")??;
        Ok(Self { child, address, started: begun.elapsed() })
    }

    /// Returns the processor time that the server has used, in seconds.
    pub fn processor_seconds(&self) -> Result<f64> {
        let stat = self.proc("stat")?;
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
        let ticks = |place: usize| fields.get(place).and_then(|field| field.parse::<f64>().ok());
        Ok((ticks(11).ok_or("utime")? + ticks(12).ok_or("stime")?) / TICKS)
    }

    /// Returns its resident memory in MB.
    pub fn resident(&self) -> Result<f64> {
        let status = self.proc("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
    }

    /// Returns the sum of a metric's series.
    pub async fn metric(&self, name: &str) -> Result<f64> {
        let body = Client::connect(&self.address).await?.bytes(&bench::get("/metrics", "")).await?;
        let values = std::str::from_utf8(&body)?.lines().filter_map(|line| {
            let rest = line.strip_prefix(name)?;
            (rest.starts_with([' ', '{'])).then(|| rest.rsplit(' ').next()?.parse::<f64>().ok())?
        });
        Ok(values.sum())
    }

    fn proc(&self, file: &str) -> Result<String> {
        Ok(std::fs::read_to_string(format!("/proc/{}/{file}", self.child.0.id()))?)
    }
}

/// A process that ends with its owner.
pub struct Ended(pub Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Serves the JSON of a file: at [`SERIALISED`] written anew for each request, elsewhere as its bytes. Prints the address.
pub async fn serve_bytes(file: String) -> Result<()> {
    let bytes = Bytes::from(std::fs::read(file)?);
    let value: Arc<Value> = Arc::new(serde_json::from_slice(&bytes)?);
    let answer = move || {
        let bytes = bytes.clone();
        async move { ([(CONTENT_TYPE, "application/json")], bytes) }
    };
    let serialised = move || {
        let value = Arc::clone(&value);
        async move { Json(&*value).into_response() }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    Ok(axum::serve(listener, Router::new().route(SERIALISED, get(serialised)).fallback(get(answer))).await?)
}

async fn free_address() -> Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0").await?.local_addr()?.to_string())
}
