//! Every metric of the program: its name, kind, labels, and what it says. `docs/reference/metrics.md` has the same rows.

use std::fmt::Write as _;

use crate::archive::{auditor, metrics as archive};
use crate::tier::usage;
use crate::web::shared;

/// A kind of metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number that only grows while the process runs.
    Counter,
    /// A number that rises and falls.
    Gauge,
    /// Counts of values up to upper bounds.
    Histogram,
}

impl Kind {
    /// Returns its name in the text format of Prometheus.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// One sentence that describes it.
    pub help: &'static str,
}

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind: Kind::Counter, labels, help }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind: Kind::Gauge, labels, help }
}

const fn histogram(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind: Kind::Histogram, labels, help }
}

/// Counter of requests.
pub(super) const REQUESTS: &str = "thermocline_http_requests_total";
/// Histogram of the time of requests.
pub(super) const REQUEST_SECONDS: &str = "thermocline_http_request_seconds";
/// Histogram of the time of answers by the tiers they asked.
pub(super) const ANSWER_SECONDS: &str = "thermocline_http_answer_seconds";
/// Gauge of the version of the program.
pub(super) const BUILD: &str = "thermocline_build_info";
/// Gauges of the pools.
pub(super) const POOL_OPEN: &str = "thermocline_pool_connections";
pub(super) const POOL_IN_USE: &str = "thermocline_pool_connections_in_use";
pub(super) const POOL_MOST: &str = "thermocline_pool_connections_max";
/// Gauge of the entries of caches.
pub(super) const CACHE_ENTRIES: &str = "thermocline_cache_entries";
/// Gauge of the servers that answer.
pub(in crate::ops) const TIER_UP: &str = "thermocline_tier_up";
/// Gauge of the moves that a server of cold lacks.
pub(in crate::ops) const EPOCH_LAG: &str = "thermocline_cold_epoch_lag";
/// Gauges of the tables of cold.
pub(in crate::ops) const TABLE_ROWS: &str = "thermocline_cold_table_rows";
pub(in crate::ops) const TABLE_BYTES: &str = "thermocline_cold_table_bytes";

/// The metrics in the order of the page.
pub static METRICS: &[Metric] = &[
    gauge(BUILD, &["version"], "1, with the version of the program."),
    counter(REQUESTS, &["method", "route", "status"], "Requests that were answered."),
    histogram(REQUEST_SECONDS, &["route"], "Time until an answer began."),
    histogram(
        ANSWER_SECONDS,
        &["tiers"],
        "Time until an answer began that asked only hot, only cold, or both. Probes do not count.",
    ),
    gauge("thermocline_http_requests_in_progress", &[], "Requests in progress, those that wait included."),
    counter(
        "thermocline_http_refused_total",
        &["reason"],
        "Requests that were refused: requests, slots and slow are overload of the server, caller is the limit of one user.",
    ),
    gauge("thermocline_http_connections", &[], "Open connections of clients."),
    counter(
        "thermocline_http_connections_given_up_total",
        &["reason"],
        "Connections that were given up because of a late header, idleness, or a client that does not read.",
    ),
    counter(
        "thermocline_http_connections_evicted_total",
        &[],
        "Idle connections that were closed to make room for others.",
    ),
    counter("thermocline_http_accept_errors_total", &[], "Connections that could not be accepted."),
    gauge("thermocline_live_streams", &[], "Open streams of changes."),
    counter("thermocline_live_polls_total", &[], "Queries for the changes of all streams together."),
    counter("thermocline_live_events_total", &[], "Events that were given to streams."),
    counter(
        "thermocline_live_ended_total",
        &["reason"],
        "Streams that the server ended: slow when the client does not keep up, expired with its token, right_lost, lost.",
    ),
    counter(
        "thermocline_live_refused_total",
        &["reason"],
        "Streams that were refused: streams is the limit of the server, caller that of one user.",
    ),
    counter("thermocline_sign_ins_failed_total", &[], "Requests with a token that is not valid."),
    gauge(
        TIER_UP,
        &["tier", "server"],
        "1 while the server of a database answers; primary, or replica-1 and so on.",
    ),
    histogram(
        usage::STATEMENT_SECONDS,
        &["tier", "outcome"],
        "Time until the last row of a statement arrived.",
    ),
    counter(
        usage::COALESCED_READS,
        &["tier"],
        "Reads that were answered by a statement together with others, because they were equal and came at the same time.",
    ),
    gauge(POOL_OPEN, &["tier", "server", "pool"], "Open connections of a pool."),
    gauge(POOL_IN_USE, &["tier", "server", "pool"], "Connections of a pool that are in use."),
    gauge(POOL_MOST, &["tier", "server", "pool"], "Connections that a pool opens at most."),
    histogram(usage::POOL_WAIT_SECONDS, &["tier", "pool"], "Time until a pool gave out a connection."),
    counter(usage::CACHE_REQUESTS, &["cache", "outcome"], "Questions to a cache, by hit and miss."),
    gauge(CACHE_ENTRIES, &["cache"], "Entries of a cache."),
    gauge(shared::UP, &[], "1 while Redis answers; without a value where none is set."),
    histogram(
        shared::SECONDS,
        &["operation", "outcome"],
        "Time of a request to Redis. late means that the answer was not waited for; while Redis is away none is sent.",
    ),
    gauge(archive::EPOCH, &["resource"], "Number of the last move that hot has committed."),
    gauge(archive::HOT_ROWS, &["resource"], "Rows in hot."),
    gauge(archive::DUE, &["resource"], "Rows in hot that are old enough to move."),
    gauge(archive::LAG, &["resource"], "Time since the oldest of these became due."),
    gauge(archive::REJECTS, &["resource"], "Rows that cannot move and stay in hot."),
    gauge(archive::HELD, &["resource"], "1 while a resource is held and nothing of it moves."),
    gauge(archive::PAUSED, &["resource"], "1 while an operator has paused the movers of a resource."),
    gauge(archive::LAST_MOVE, &["resource"], "The time of the last move, by any process."),
    counter(archive::ROWS, &["resource"], "Rows that the schedule of this server moved, children included."),
    counter(archive::BATCHES, &["resource"], "Batches that the schedule of this server moved."),
    histogram(archive::STEP_SECONDS, &["resource", "step"], "Time of one step of a batch."),
    counter(
        archive::RUNS,
        &["resource", "outcome"],
        "Runs of the schedule of this server, by how they ended.",
    ),
    counter(archive::FAILURES, &["resource"], "Runs of the schedule of this server that failed."),
    gauge(
        archive::LAST_SUCCESS,
        &["resource"],
        "When a run of the schedule of this server last left nothing due; 0 for never.",
    ),
    counter(auditor::ROWS, &["resource"], "Archived rows that the audit of this server checked."),
    counter(auditor::VIOLATIONS, &["resource", "kind"], "Violations that the audit of this server found."),
    counter(
        auditor::FAILURES,
        &["resource"],
        "Checks of the audit that failed because a database did not answer.",
    ),
    gauge(
        super::super::watch::RECOVER_DUE,
        &["resource"],
        "1 while a resource is not answered because one database is older than the other.",
    ),
    gauge(
        EPOCH_LAG,
        &["resource", "server"],
        "Moves that hot has committed and a server of cold does not have yet.",
    ),
    gauge(
        TABLE_ROWS,
        &["table"],
        "Rows of a table of cold, closed versions included; PostgreSQL estimates them.",
    ),
    gauge(TABLE_BYTES, &["table"], "Size of a table of cold on disk, with its indexes."),
    counter("process_cpu_seconds_total", &[], "Processor time of the process."),
    gauge("process_resident_memory_bytes", &[], "Memory of the process that is in RAM."),
    gauge("process_virtual_memory_bytes", &[], "Address space of the process."),
    gauge("process_threads", &[], "Threads of the process."),
    gauge("process_open_fds", &[], "Open file descriptors."),
    gauge("process_max_fds", &[], "File descriptors that the process may open at most."),
    gauge("process_start_time_seconds", &[], "When the process started, in seconds since 1970."),
];

/// Returns the metric of this name.
pub fn find(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}

/// Gives the recorder the descriptions, and counters without labels their first 0.
pub(super) fn describe() {
    for Metric { name, kind, labels, help } in METRICS {
        if name.starts_with("process_") {
            continue;
        }
        match kind {
            Kind::Counter => metrics::describe_counter!(*name, *help),
            Kind::Gauge => metrics::describe_gauge!(*name, *help),
            Kind::Histogram => metrics::describe_histogram!(*name, *help),
        }
        if *kind == Kind::Counter && labels.is_empty() {
            metrics::counter!(*name).increment(0);
        }
    }
}

/// Writes the description of a metric in the text format of Prometheus.
pub(super) fn write_description(text: &mut String, metric: &Metric) {
    let Metric { name, kind, help, .. } = metric;
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {}", kind.name());
}
