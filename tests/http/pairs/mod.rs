//! Tests of pairs of servers: SQL Server and PostgreSQL, under load, disconnected, and compared with the embedded pair.

mod cancelled_requests;
mod identical_answers;
mod outages;
mod outdated_databases;
mod soak;
mod values;

use std::time::Duration;

/// Time limit of requests where it is not what is tested: a server on a busy machine is slow.
const PATIENCE: Duration = Duration::from_mins(2);
