//! `thermocline serve`

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::archive::run::options;
use super::failure::Failure;
use super::ops_server;
use super::tiers::Tiers;
use super::token;
use crate::archive::auditor::Auditor;
use crate::archive::schedule::Schedule;
use crate::clock::Clock;
use crate::config::{Flags, Settings};
use crate::journal::pair;
use crate::ops::archive::DueRules;
use crate::resources::registry;
use crate::server::Limits;
use crate::server::refusal::Refusals;
use crate::web::admission::Gate;
use crate::web::auth::Verifier;
use crate::web::shared::Shared;
use crate::web::state::App;
use crate::{ops, server};

/// Connections that wait to be accepted, where the system allows as many.
const BACKLOG: u32 = 4096;

/// Serve the API
///
/// Waits for the databases, migrates embedded files (servers only with --migrate, because others use them too), checks the
/// schemas and that both databases are a pair, and then listens.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  JWT_SECRET=$(openssl rand -hex 32) thermocline serve --addr 127.0.0.1:8080"
)]
pub struct Args {
    /// The address to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "HOST:PORT")]
    addr: Option<String>,
    /// Migrate database servers too, as `db auto` does
    #[arg(long)]
    migrate: bool,
    /// The number of attempts to reach each database [default: 30]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    tries: Option<u32>,
}

impl Args {
    /// Returns the flags that are settings.
    pub fn flags(&self) -> Flags {
        Flags { addr: self.addr.clone(), migrate: self.migrate, tries: self.tries, ..Flags::default() }
    }
}

/// Runs the command.
pub async fn run(settings: &Settings) -> Result<(), Failure> {
    server::ignore_hangup();
    server::limits::raise_file_limit();
    ops::traces::install().map_err(|error| Failure::Usage(error.to_string()))?;
    ops::statements::watch(settings.slow_statement);
    let clock = Clock::system();
    let verifier = token::verifier(settings, &clock)?;
    token::fetch_keys(&verifier, settings.tries).await?;
    let tiers = Tiers::start(settings, &clock).await?;
    tiers.warm().await;
    let listener = listen("THERMOCLINE_ADDR", &settings.addr).await?;
    let ops_listener = match &settings.limits.ops_addr {
        Some(addr) => Some(listen("THERMOCLINE_OPS_ADDR", addr).await?),
        None => None,
    };
    let signal = server::stop_signal_once();
    tracing::info!(addr = %address(&listener), "listening");
    let app = app(settings, &tiers, verifier, clock.clone()).with_shared(share(settings, &tiers).await?);
    ops::metrics::install();
    if let Some(listener) = ops_listener {
        tracing::info!(addr = %address(&listener), "listening for operators");
        ops_server::spawn(listener, app.clone())?;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let tasks = spawn_background_tasks(settings, &tiers, &clock, &stop);
    let watch = tokio::spawn({
        let app = app.clone();
        async move { ops::watch::watch(&app, &registry::MOVING_NAMES).await }
    });
    let signal = async {
        signal.await;
        // The current batch is finished, beside the requests in progress.
        stop.store(true, Ordering::Relaxed);
    };
    let stopping = until_stopped(listener, app, settings, signal).await;
    watch.abort();
    let rest = async {
        for task in tasks {
            task.await.map_err(Failure::of)?;
        }
        tiers.close().await;
        Ok(())
    };
    // Batches and statements are safe to interrupt.
    let ended = tokio::time::timeout_at(stopping, rest).await.unwrap_or_else(|_| {
        tracing::warn!("a batch or a statement did not end in time and is interrupted");
        Ok(())
    });
    ops::traces::shut_down().await;
    ended
}

/// Returns what this server shares with the others of its pair, if the settings name a Redis.
async fn share(settings: &Settings, tiers: &Tiers) -> Result<Option<Shared>, Failure> {
    let Some(shared) = &settings.shared else { return Ok(None) };
    let Some(pair) = pair::number_of(&*tiers.hot).await.map_err(Failure::of)? else {
        tracing::warn!("REDIS_URL is set, but there is no pair of databases: nothing is shared");
        return Ok(None);
    };
    Shared::open(shared, pair).map(Some).map_err(Failure::of)
}

/// Returns the state of a service with these settings.
pub fn app(settings: &Settings, tiers: &Tiers, verifier: Arc<Verifier>, clock: Clock) -> App {
    App::new(tiers.hot.clone(), tiers.cold.clone(), verifier, clock)
        .with_public_prices(settings.prices_public)
        .with_live(settings.live != Some(false))
        .with_cold_cache(u64::from(settings.cold_cache_mb) << 20)
        .with_stream_limits(server::limits::streams(&settings.limits))
}

/// Spawns the tasks that the settings ask for: moving rows on a schedule, and auditing.
fn spawn_background_tasks(
    settings: &Settings,
    tiers: &Tiers,
    clock: &Clock,
    stop: &Arc<AtomicBool>,
) -> Vec<JoinHandle<()>> {
    let archive = &settings.archive;
    let mut tasks = Vec::new();
    let Some(cold) = &tiers.cold else {
        if archive.schedule.is_some() {
            tracing::warn!("archive.schedule is set, but there is no cold tier: no row moves");
        }
        return tasks;
    };
    if let Some(cron) = &archive.schedule {
        let schedule = Schedule {
            hot: Arc::clone(&tiers.hot),
            cold: Arc::clone(cold),
            clock: clock.clone(),
            name: format!("server, process {}", std::process::id()),
            resources: registry::families()
                .map(|family| (family, options(archive, family.resource)))
                .to_vec(),
            cron: cron.clone(),
        };
        let stop = Arc::clone(stop);
        tasks.push(tokio::spawn(async move { schedule.run(&stop).await }));
    }
    if archive.audit_rate > 0 {
        let (hot, cold, clock) = (Arc::clone(&tiers.hot), Arc::clone(cold), clock.clone());
        let (rate, stop) = (archive.audit_rate, Arc::clone(stop));
        tasks.push(tokio::spawn(async move {
            let families = registry::families();
            let auditor = Auditor { hot: &*hot, cold: &*cold, clock: &clock, families: &families, rate };
            auditor.run(&stop).await;
        }));
    }
    tasks
}

/// Serves until `signal` resolves and the requests in progress have ended. Returns when the rest of the program has to have
/// ended too.
pub async fn until_stopped(
    listener: TcpListener,
    app: App,
    settings: &Settings,
    signal: impl Future<Output = ()>,
) -> Instant {
    // Before the first sample, which would be lost.
    ops::metrics::install();
    let limits = Limits::new(&settings.limits);
    let capacity = server::limits::capacity(&settings.limits, app.hot(), app.cold());
    tracing::info!(connections = limits.connections, ?capacity, "limits");
    let due = DueRules::new(|resource| options(&settings.archive, resource).rule);
    let sampling = tokio::spawn({
        let (app, due) = (app.clone(), due.clone());
        async move { ops::sampling::sample(&app, due.all()).await }
    });
    // The default follows from this machine and says nothing of the others.
    let shared_rate = settings.limits.rate_per_caller.and_then(|rate| app.shared()?.rate(rate));
    let options = server::Options {
        request_timeout: Duration::from_secs(settings.request_timeout),
        base: settings.base_path.clone(),
        origins: settings.allowed_origins.clone(),
        due,
        console: settings.console.clone(),
        gate: Gate::sharing(capacity, shared_rate),
        access_log: settings.limits.access_log,
        has_ops_address: settings.limits.ops_addr.is_some(),
    };
    let aggregate = tokio::spawn(ops::metrics::aggregate());
    let refusals = Refusals::before(&options, app.clock());
    let router = server::router(app, options);
    let mut stopping = Instant::now();
    let stop = async {
        signal.await;
        stopping = Instant::now() + limits.shutdown_timeout;
    };
    server::listener::serve(listener, router, limits, refusals, stop).await;
    aggregate.abort();
    sampling.abort();
    tracing::info!("stopped");
    stopping
}

/// Binds the address of a setting.
pub async fn listen(setting: &str, addr: &str) -> Result<TcpListener, Failure> {
    bind(addr).await.map_err(|error| Failure::Usage(format!("{setting}: cannot listen on {addr}: {error}")))
}

/// Binds the first address of a name that can be bound. In a rush the default backlog is too short: a client whose connection
/// does not fit asks again after a second.
async fn bind(name: &str) -> io::Result<TcpListener> {
    let mut failure = io::Error::new(io::ErrorKind::AddrNotAvailable, "the name has no address");
    for addr in tokio::net::lookup_host(name).await? {
        let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // On Windows this would allow others to bind the same address.
        #[cfg(not(windows))]
        socket.set_reuseaddr(true)?;
        match socket.bind(addr).and_then(|()| socket.listen(BACKLOG)) {
            Ok(listener) => return Ok(listener),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Returns the bound address, with the port that was assigned for port 0.
pub fn address(listener: &TcpListener) -> String {
    listener.local_addr().map_or_else(|_| "unknown".to_owned(), |addr| addr.to_string())
}
