//! `thermocline health`

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Failure, print_json};
use crate::config::Settings;

/// How long the answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// A report on health is far shorter.
const LONGEST: u64 = 1 << 20;

/// Ask a running server whether it is well, as a container's health check
///
/// Exit status 0 if it answers 200, also while only cold is away, and 1 otherwise.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  thermocline health --url http://127.0.0.1:8080/health")]
pub struct Args {
    /// What to ask, without TLS [default: /health at `THERMOCLINE_ADDR`]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

/// Runs it.
pub async fn run(args: &Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let url = args.url.clone().unwrap_or_else(|| format!("http://{}/health", reachable(&settings.addr)));
    let rest = url
        .strip_prefix("http://")
        .ok_or_else(|| Failure::Usage(format!("--url: expected http://HOST:PORT/PATH, not {url}")))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let answer = match tokio::time::timeout(PATIENCE, ask(host, path)).await {
        Ok(answer) => answer.map_err(|error| Failure::Failed(format!("{url}: {error}")))?,
        Err(_) => return Err(Failure::Failed(format!("{url}: no answer within {} s", PATIENCE.as_secs()))),
    };
    let status = answer.split(' ').nth(1).unwrap_or_default();
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body).trim();
    if json {
        let report: serde_json::Value = serde_json::from_str(body).map_err(Failure::of)?;
        print_json(&report)?;
    } else {
        say!("{status} {body}");
    }
    if status == "200" { Ok(()) } else { Err(Failure::Reported) }
}

/// The whole answer. HTTP/1.0, so that it ends with the connection and comes in one piece.
async fn ask(host: &str, path: &str) -> std::io::Result<String> {
    let place = if host.rsplit(':').next().is_some_and(|port| port.parse::<u16>().is_ok()) {
        host.to_owned()
    } else {
        format!("{host}:80")
    };
    let mut stream = TcpStream::connect(place).await?;
    stream.write_all(format!("GET /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n").as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(LONGEST).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Who listens everywhere is asked at home.
fn reachable(addr: &str) -> String {
    for (everywhere, home) in [("0.0.0.0:", "127.0.0.1:"), ("[::]:", "[::1]:")] {
        if let Some(port) = addr.strip_prefix(everywhere) {
            return format!("{home}{port}");
        }
    }
    addr.to_owned()
}
