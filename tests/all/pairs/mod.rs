//! What has to be shown on servers: SQL Server and PostgreSQL beside each other, under load, cut off, and compared with
//! the embedded pair.

mod alike;
mod cancelled;
mod older;
mod outages;
mod soak;
mod values;

use std::time::Duration;

/// How long a request may take where that is not what is tested: a server on a busy machine takes its time.
const PATIENCE: Duration = Duration::from_mins(2);

/// A number from the environment, or `usual`.
fn setting(name: &str, usual: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name}: expected a number")))
}
