//! Finds the address of a server whose name has several, some of which may be silent.

use std::io;
use std::net::IpAddr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::net::TcpStream;

use crate::dial;

/// Returns `options` with the address that answers in place of the name, if the name's first address does not answer. The driver
/// tries the addresses one after the other without a limit of its own, so that a silent one would use up all the time.
///
/// With `verify-full` the name stays, because the certificate is compared with it.
pub(super) async fn reachable(options: &PgConnectOptions) -> Result<PgConnectOptions, io::Error> {
    let (host, port) = (options.get_host(), options.get_port());
    let is_name = options.get_socket().is_none() && !host.starts_with('/') && host.parse::<IpAddr>().is_err();
    if !is_name || matches!(options.get_ssl_mode(), PgSslMode::VerifyFull) {
        return Ok(options.clone());
    }
    let addresses: Vec<_> = tokio::net::lookup_host((host, port)).await?.collect();
    if addresses.len() < 2 {
        return Ok(options.clone());
    }
    let first = addresses[0];
    let probe = |address| async move { TcpStream::connect(address).await.map(|_| address) };
    let reached = dial::first(addresses, dial::IN_ORDER, probe).await?;
    if reached == first { Ok(options.clone()) } else { Ok(options.clone().host(&reached.ip().to_string())) }
}
