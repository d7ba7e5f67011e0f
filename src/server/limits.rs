//! The limits of a server, from the settings and the machine.

use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};

use crate::config::LimitSettings;
use crate::tier::Engine;
use crate::web::admission::Capacity;
use crate::web::live::StreamLimits;

/// Connections at most, however many file descriptors there are: each may hold a header of 16 kB.
const CONNECTIONS: usize = 12_000;
/// The part of the connections that streams leave to other requests.
const RESERVED_PART: usize = 6;
/// File descriptors that are not for clients: databases, files, refused connections on their way out.
const RESERVED_FILES: usize = 256;
/// Requests in progress, at the least and for each slot. The others wait for a slot, or for slow work.
const REQUESTS: usize = 512;
const REQUESTS_PER_SLOT: usize = 16;
/// Rows of a list in hot whose count takes as long as some twenty pages by cursor.
const LARGE_LIST: usize = 200_000;

/// The limits of connections.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections; 0 is no limit.
    pub connections: usize,
    /// The time to send the header of a request.
    pub header_timeout: Duration,
    /// The time a connection may stay open without a request.
    pub idle_timeout: Duration,
    /// The time a client may take to read nothing of its answer.
    pub write_timeout: Duration,
    /// The time from the stop signal until connections are cut off.
    pub shutdown_timeout: Duration,
}

impl Limits {
    /// Returns the limits of the settings.
    pub fn new(settings: &LimitSettings) -> Self {
        Self {
            connections: settings.max_connections.map_or_else(default_connections, |most| most as usize),
            header_timeout: settings.header_timeout,
            idle_timeout: settings.idle_timeout,
            write_timeout: settings.write_timeout,
            shutdown_timeout: settings.shutdown_timeout,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 0,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            shutdown_timeout: Duration::from_secs(25),
        }
    }
}

/// Returns the capacity for requests: as many slots as a tier answers statements at once, unless the settings say fewer.
pub fn capacity(settings: &LimitSettings, hot: &dyn Engine, cold: Option<&dyn Engine>) -> Capacity {
    // Not their sum: most requests need one tier only, and embedded ones share the processors.
    let slots = hot.reads_at_once().max(cold.map_or(0, Engine::reads_at_once));
    let slow_slots = cold.map_or(usize::MAX, Engine::slow_reads_at_once).min(hot.slow_reads_at_once());
    let requests =
        settings.max_requests.map_or_else(|| REQUESTS.max(slots * REQUESTS_PER_SLOT), |most| most as usize);
    let per_caller = settings.max_requests_per_caller.map_or(requests.div_ceil(4), |most| most as usize);
    Capacity {
        requests,
        slots: if requests == 0 { 0 } else { slots.min(requests) },
        slow_slots: if requests == 0 { 0 } else { slow_slots },
        large_list: LARGE_LIST,
        requests_per_caller: per_caller,
        rate_per_caller: settings.rate_per_caller.unwrap_or_else(default_rate),
    }
}

/// Returns the limits of streams of changes: most of the connections, and a quarter of that for one caller. Streams are never
/// idle, so that they would not make room for other connections.
pub fn streams(settings: &LimitSettings) -> StreamLimits {
    let connections = settings.max_connections.map_or_else(default_connections, |most| most as usize);
    let most = connections - connections / RESERVED_PART;
    let streams = settings.max_streams.map_or(most, |most| most as usize);
    let per_caller = settings.max_streams_per_caller.map_or(streams.div_ceil(4), |most| most as usize);
    StreamLimits { streams, per_caller }
}

/// Returns the requests of one caller in a second: far more than a person or an import needs, and less than this machine
/// answers.
fn default_rate() -> u32 {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    1_000 * u32::try_from(processors).unwrap_or(u32::MAX / 1_000)
}

/// Returns how many connections fit below the limit of file descriptors.
fn default_connections() -> usize {
    let files = getrlimit(Resource::Nofile).current;
    let files = files.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX);
    CONNECTIONS.min(files.saturating_sub(RESERVED_FILES).max(files / 2))
}

/// Raises the limit of file descriptors as far as the system allows without privileges.
pub fn raise_file_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files cannot be raised");
    }
}
