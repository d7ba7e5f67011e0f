//! Readers over HTTP beside a mover that never rests: random walks, compared with a sorted vector.
//!
//! `THERMOCLINE_SOAK_SECONDS` gives the duration.

mod oracle;
mod walks;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use thermocline::archive::{ArchiveOptions, BlockSizes, Mover, Outcome};
use thermocline::resources;
use tokio::sync::{Mutex, Notify, RwLock};

use self::oracle::Oracle;
use self::walks::Walker;
use super::PATIENCE;
use crate::support::Service;
use crate::support::bounds::bound;
use crate::support::dice::Dice;
use crate::support::engines::Engines;

const READERS: u64 = 3;
/// Number of rows before a new pair is begun, so that the naive vectors stay fast.
const MOST_ROWS: usize = 5_000;

/// Totals of a soak.
#[derive(Debug, Default)]
struct Tally {
    requests: AtomicU64,
    walks: AtomicU64,
    moves: AtomicI64,
    moved: AtomicI64,
}

impl Tally {
    /// Returns whether there were walks and moves.
    fn is_of_both(&self) -> bool {
        self.walks.load(Ordering::Relaxed) > 0 && self.moves.load(Ordering::Relaxed) > 0
    }
}

struct Soak {
    service: Service,
    /// Read-locked during a walk: meanwhile rows may only be moved.
    oracle: RwLock<Oracle>,
    /// Locked while rows move and while rows are added: a post must not be archived before its comments are there.
    moving: Mutex<()>,
    /// Notified when no rows are due any more.
    idle: Notify,
    done: AtomicBool,
    tally: Arc<Tally>,
}

impl Soak {
    fn is_done(&self) -> bool {
        self.done.load(Ordering::Relaxed)
    }

    /// Moves due rows, a few at a time.
    async fn keep_moving(self: Arc<Self>) {
        let plan = ArchiveOptions { batch: 9, pause: Duration::from_millis(1), ..ArchiveOptions::default() };
        while !self.is_done() {
            let moving = self.moving.lock().await;
            for family in resources::families() {
                let sizes = BlockSizes { most: [8, 40], part: [4, 20] };
                let (hot, cold) = (&*self.service.hot, &*self.service.cold);
                let mover = Mover { hot, cold, clock: &self.service.clock, name: "soak".to_owned(), sizes };
                let report = mover.run(family, &plan, &self.done, &mut |_| {}).await;
                assert_ne!(report.outcome, Outcome::Failed, "{:?}", report.error);
                self.tally.moves.fetch_add(report.batches, Ordering::Relaxed);
                self.tally.moved.fetch_add(report.rows, Ordering::Relaxed);
            }
            drop(moving);
            self.idle.notify_one();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.idle.notify_one();
    }

    async fn keep_reading(self: Arc<Self>, seed: u64) {
        let mut dice = Dice(seed);
        while !self.is_done() {
            let oracle = self.oracle.read().await;
            let mut walker = Walker::new(&self.service, &oracle, dice);
            walker.walk().await;
            dice = walker.dice;
            self.tally.requests.fetch_add(walker.requests, Ordering::Relaxed);
            self.tally.walks.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Runs on one new pair until the time is over or the pair is full.
async fn round(engines: &Engines, seed: u64, until: Instant, tally: &Arc<Tally>) {
    let service = Service::over(engines.hot.clone(), engines.cold.clone(), PATIENCE).await;
    let mut dice = Dice(seed);
    let oracle = Oracle::fill(&service, &mut dice).await;
    let soak = Arc::new(Soak {
        service,
        oracle: RwLock::new(oracle),
        moving: Mutex::new(()),
        idle: Notify::new(),
        done: AtomicBool::new(false),
        tally: Arc::clone(tally),
    });
    let mover = tokio::spawn(Arc::clone(&soak).keep_moving());
    let readers: Vec<_> =
        (0..READERS).map(|n| tokio::spawn(Arc::clone(&soak).keep_reading(seed * 100 + n))).collect();
    // A slow server may need the time to fill the pair: something has to be read while something moves.
    while (Instant::now() < until || !tally.is_of_both())
        && !mover.is_finished()
        && !readers.iter().any(tokio::task::JoinHandle::is_finished)
    {
        let soon = until.max(Instant::now() + Duration::from_secs(1));
        let _ = tokio::time::timeout_at(soon.into(), soak.idle.notified()).await;
        let (_still, mut oracle) = (soak.moving.lock().await, soak.oracle.write().await);
        if oracle.rows() > MOST_ROWS {
            break;
        }
        oracle.grow(&soak.service, &mut dice).await;
    }
    soak.done.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.expect("no difference");
    }
    mover.await.expect("moves");
}

async fn soak(first: Engines, again: impl AsyncFn() -> Option<Engines>) {
    let seconds = bound("THERMOCLINE_SOAK_SECONDS", 4, 1);
    let (begun, name) = (Instant::now(), first.name);
    let until = begun + Duration::from_secs(seconds);
    let (tally, mut rounds, mut next) = (Arc::new(Tally::default()), 0, Some(first));
    while let Some(engines) = next.take() {
        rounds += 1;
        round(&engines, bound("THERMOCLINE_SOAK_SEED", 1, 1) + rounds, until, &tally).await;
        engines.drop().await;
        if Instant::now() < until {
            next = again().await;
        }
    }
    let (requests, moves) = (tally.requests.load(Ordering::Relaxed), tally.moves.load(Ordering::Relaxed));
    println!(
        "{name}: {requests} requests in {} walks beside {moves} moves of {} rows in {:?}, {rounds} pairs, no difference",
        tally.walks.load(Ordering::Relaxed),
        tally.moved.load(Ordering::Relaxed),
        begun.elapsed()
    );
    assert!(requests > 0 && tally.is_of_both(), "{tally:?}: no test");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_during_moves_on_sqlite_and_postgres() {
    if let Some(engines) = Engines::mixed().await {
        soak(engines, Engines::mixed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_during_moves_on_postgres() {
    if let Some(engines) = Engines::on_postgres().await {
        soak(engines, Engines::on_postgres).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_during_moves_on_servers() {
    if let Some(engines) = Engines::real().await {
        soak(engines, Engines::real).await;
    }
}
