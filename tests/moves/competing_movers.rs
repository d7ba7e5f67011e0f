//! Movers and readers at the same time, each with its own connections.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use thermocline::archive::Outcome;
use thermocline::resources;

use super::audit::audit;
use super::expected_lists::Reader;
use super::fault_injection::{check_all, now, pair_with_history};
use super::logical_table::Table;
use super::{Pair, SIZES, plan, run_mover, scratch};

/// Moves all rows that are due; an overtaken mover starts again.
async fn move_all(folder: &Path, moved: &AtomicI64) {
    let pair = Pair::open_unpaired(folder, now()).await;
    // Gives this clock its own random numbers: two that draw the same ones would give two moves one token.
    for _ in 0..moved.fetch_add(1_000_000, Ordering::SeqCst) {
        pair.clock.draw();
    }
    for family in resources::families() {
        loop {
            let report = run_mover(&pair.mover(SIZES), family, &plan(10, 5)).await;
            moved.fetch_add(report.rows, Ordering::SeqCst);
            match report.error {
                None => break,
                Some(error) => assert!(error.contains("another mover"), "{error}"),
            }
            assert_eq!(report.outcome, Outcome::Overtaken);
        }
    }
    pair.close().await;
}

async fn read_until(folder: &Path, rows: &Table, done: &AtomicBool) -> usize {
    let pair = Pair::open_unpaired(folder, now()).await;
    let reader = Reader::new(&*pair.hot, &*pair.cold);
    let mut rounds = 0;
    while !done.load(Ordering::SeqCst) || rounds == 0 {
        for family in resources::families() {
            if let Err(error) = rows.check(family.resource, &reader).await {
                panic!("{}, while rows move: {error}", family.resource);
            }
        }
        rounds += 1;
    }
    pair.close().await;
    rounds
}

#[test]
fn two_movers_and_readers_run_concurrently() {
    let folder = scratch();
    let path = folder.path().to_owned();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let rows = Arc::new(pair_with_history(&path).await);
        let (done, moved) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicI64::new(0)));
        let reader = |path: std::path::PathBuf| {
            let (rows, done) = (Arc::clone(&rows), Arc::clone(&done));
            tokio::spawn(async move { read_until(&path, &rows, &done).await })
        };
        let mover = |path: std::path::PathBuf| {
            let moved = Arc::clone(&moved);
            tokio::spawn(async move { move_all(&path, &moved).await })
        };
        let readers = [reader(path.clone()), reader(path.clone())];
        let movers = [mover(path.clone()), mover(path.clone())];
        for mover in movers {
            mover.await.expect("a mover");
        }
        done.store(true, Ordering::SeqCst);
        for reader in readers {
            assert!(reader.await.expect("a reader") > 0);
        }
        assert!(moved.load(Ordering::SeqCst) % 1_000_000 > 100, "nothing to move");
        let pair = Pair::open_unpaired(&path, now()).await;
        check_all(&pair, &rows).await;
        audit(&pair).await;
        pair.close().await;
    });
}
