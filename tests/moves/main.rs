//! The mover and the imports on real files and servers, with and without failures.
//!
//! [`fault_injection`] ends the mover at each call it makes, [`kills`] the whole program at any moment;
//! [`random_histories`] compares random histories of a pair with a naive oracle; [`real_data`] moves archives of real
//! data; [`imports`] is about files. In every test the list that the federation shows must be the one of the oracle.

mod audit;
mod citus;
mod clock_jumps;
mod concurrent_moves;
mod erasure;
mod every_command;
mod fault_injection;
mod faulty_engine;
mod feed;
mod fencing;
mod full_disks;
mod hung_databases;
mod imports;
mod joining;
mod kill_at_each_step;
mod kills;
mod kills_on_real_data;
mod outdated_backups;
mod postgres_crash;
mod program;
mod quarantine;
mod random_histories;
mod repeated_imports;
mod restore_all;
mod without_cold;

mod protocol;

use thermocline_testing as support;

mod expected_lists;
mod exports;
mod fixture;
mod purge;
mod real_data;
mod real_files;
mod recovery;
mod rejects;
mod restore;
mod schedule;
mod search;
mod status;
mod steering;
mod timescale;

mod competing_movers;
mod logical_table;
mod vacuum;
mod verify;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use thermocline::archive::{ArchiveOptions, BlockSizes, Family, Mover, RunReport};
use thermocline::clock::{Clock, DAY, Timestamp};
use thermocline::journal::pair;
use thermocline::tier::{Begin, Engine, Schema, Session, Sqlite, Statement, Tier, Value, migrate};

/// Names of the two files in a folder.
const HOT: &str = "hot.sqlite3";
const COLD: &str = "cold.sqlite3";

/// So small that every batch splits blocks, on both levels.
const SIZES: BlockSizes = BlockSizes { most: [8, 40], part: [4, 20] };

/// Two open tiers and their clock.
#[derive(Debug)]
struct Pair {
    hot: Arc<dyn Schema>,
    cold: Arc<dyn Schema>,
    clock: Clock,
}

impl Pair {
    /// Opens the two files of a folder; creates and pairs new ones.
    async fn open(folder: &Path, now: Timestamp) -> Self {
        let pair = Self::open_unpaired(folder, now).await;
        for tier in [&pair.hot, &pair.cold] {
            migrate::upgrade(&**tier).await.expect("a schema");
        }
        pair::ensure(&*pair.hot, &*pair.cold, &pair.clock).await.expect("a pair");
        pair
    }

    /// Opens the two files of a folder as they are.
    async fn open_unpaired(folder: &Path, now: Timestamp) -> Self {
        let open = async |tier, name| {
            Arc::new(Sqlite::open(thermocline::schema::of(tier), &folder.join(name)).await.expect("a file"))
        };
        Self { hot: open(Tier::Hot, HOT).await, cold: open(Tier::Cold, COLD).await, clock: Clock::fixed(now) }
    }

    /// Closes both tiers, so that each file is complete without its log.
    async fn close(self) {
        self.hot.close().await;
        self.cold.close().await;
    }

    fn mover(&self, sizes: BlockSizes) -> Mover<'_> {
        mover(&*self.hot, &*self.cold, &self.clock, sizes)
    }

    /// Inserts a row into hot as the platform would.
    async fn put(&self, table: &thermocline::schema::Table, row: Vec<Value>) {
        let mut session = self.hot.session().await.expect("a session");
        session.begin(Begin::Write).await.expect("a transaction");
        insert(&mut *session, table, &[row]).await;
        session.commit().await.expect("a commit");
    }

    /// Changes hot as the platform would.
    async fn change(&self, text: &'static str, params: &[Value]) -> u64 {
        execute(&*self.hot, text, params).await
    }
}

fn mover<'a>(hot: &'a dyn Engine, cold: &'a dyn Engine, clock: &'a Clock, sizes: BlockSizes) -> Mover<'a> {
    Mover { hot, cold, clock, name: "a test".to_owned(), sizes }
}

/// Options to move all rows that are `days` old, in batches of `batch` rows.
fn plan(days: i64, batch: i64) -> ArchiveOptions {
    ArchiveOptions { rule: (days * DAY).into(), batch, ..ArchiveOptions::default() }
}

async fn run_mover(mover: &Mover<'_>, family: &Family, plan: &ArchiveOptions) -> RunReport {
    mover.run(family, plan, &AtomicBool::new(false), &mut |_| {}).await
}

/// Runs the mover for one batch.
async fn run_batch(mover: &Mover<'_>, family: &Family, plan: &ArchiveOptions) -> RunReport {
    let stop = AtomicBool::new(false);
    let mut progress = |report: &RunReport| stop.store(report.batches > 0, Ordering::Relaxed);
    mover.run(family, plan, &stop, &mut progress).await
}

/// Returns a statement that differs between engines in its parameters only.
fn sql(text: &str) -> Statement {
    let whole = |sign: &str| -> &'static str { format!("-- test\n{}", text.replace('?', sign)).leak() };
    Statement::new(whole("?")).postgres(whole("$")).mssql(whole("@P"))
}

async fn execute(engine: &dyn Engine, text: &str, params: &[Value]) -> u64 {
    let mut session = engine.session().await.expect("a session");
    session.begin(Begin::Write).await.expect("a transaction");
    let touched = session.execute(&sql(text), params).await.expect("a statement");
    session.commit().await.expect("a commit");
    touched
}

/// Inserts rows of `table`, each with all its columns.
async fn insert(session: &mut dyn Session, table: &thermocline::schema::Table, rows: &[Vec<Value>]) {
    let columns: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
    session.insert(table.name, &columns, rows).await.expect("rows");
}

/// Copies both closed files of a folder into another one.
fn copy_pair(from: &Path, to: &Path) {
    for name in [HOT, COLD] {
        copy_file(from, to, name);
    }
}

fn copy_file(from: &Path, to: &Path, name: &str) {
    for suffix in ["-wal", "-shm"] {
        let log = |folder: &Path| folder.join(format!("{name}{suffix}"));
        assert!(!log(from).exists(), "{name} is not closed");
        let _ = std::fs::remove_file(log(to));
    }
    std::fs::copy(from.join(name), to.join(name)).expect("a copy");
}

fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}
