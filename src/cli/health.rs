//! `thermocline health`

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::failure::Failure;
use super::output::print_json;
use crate::config::Settings;

/// The time limit of the response.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest response that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Check the health of a running server, for the health check of a container
///
/// The exit status is 0 if the server answers 200, even while cold is unavailable, and 1 otherwise.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  thermocline health --url http://127.0.0.1:8080/health")]
pub struct Args {
    /// The URL to request, without TLS [default: /health at `THERMOCLINE_ADDR`]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

/// Runs the command.
pub async fn run(args: &Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let url = args.url.clone().unwrap_or_else(|| format!("http://{}/health", reachable(&settings.addr)));
    let rest = url
        .strip_prefix("http://")
        .ok_or_else(|| Failure::Usage(format!("--url: expected http://HOST:PORT/PATH, not {url}")))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let answer = match tokio::time::timeout(TIMEOUT, ask(host, path)).await {
        Ok(answer) => answer.map_err(|error| Failure::Failed(format!("{url}: {error}")))?,
        Err(_) => return Err(Failure::Failed(format!("{url}: no answer within {} s", TIMEOUT.as_secs()))),
    };
    let status = answer.split(' ').nth(1).unwrap_or_default();
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body).trim();
    if json {
        let report: serde_json::Value = serde_json::from_str(body).map_err(Failure::of)?;
        print_json(&report)?;
    } else {
        outln!("{status} {body}");
    }
    if status == "200" { Ok(()) } else { Err(Failure::Reported) }
}

/// Returns the whole response. It is requested with HTTP/1.0, so that it is not chunked and ends with the connection.
async fn ask(host: &str, path: &str) -> std::io::Result<String> {
    let address = if host.rsplit(':').next().is_some_and(|port| port.parse::<u16>().is_ok()) {
        host.to_owned()
    } else {
        format!("{host}:80")
    };
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("GET /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n").as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(MAX_BYTES).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Returns an address to connect to: the loopback address if the server listens on all interfaces.
fn reachable(addr: &str) -> String {
    for (any, loopback) in [("0.0.0.0:", "127.0.0.1:"), ("[::]:", "[::1]:")] {
        if let Some(port) = addr.strip_prefix(any) {
            return format!("{loopback}{port}");
        }
    }
    addr.to_owned()
}
