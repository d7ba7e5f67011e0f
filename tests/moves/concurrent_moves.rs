//! Moves, writes and commands of others between two calls of a mover, a run or a consistency check.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use thermocline::archive::{Outcome, Selection};
use thermocline::clock::Timestamp;
use thermocline::journal::pair;
use thermocline::resources;
use thermocline::resources::messages::Message;
use thermocline::schema::MESSAGES;
use thermocline::tier::{Engine, Record, Schema, Session, Statement, Tier, TierError, Value};

use super::audit::audit;
use super::fault_injection::{check_all, now, pair_with_history};
use super::logical_table::{self, Table};
use super::program::{Ended, Program};
use super::{Pair, SIZES, mover, plan, run, run_batch, run_mover, scratch, sql};
use crate::support::waiting::finish;

/// An action of another process.
#[derive(Clone, Copy, Debug)]
enum Interference {
    /// Another mover moves up to this many batches.
    Moves(i64),
    /// The same; then late rows older than those arrive, in blocks that the other mover has split.
    MovesAndLate(i64),
    /// Rows are restored, and the resource is released for the mover again.
    Restore,
    /// One row of each tier is erased.
    Erase([i64; 2]),
    Nothing,
    /// An operator holds the resource.
    Hold,
}

/// An engine that takes the next action before each statement of one name.
#[derive(Debug)]
struct Interfering {
    inner: Arc<dyn Engine>,
    name: &'static str,
    interferences: Mutex<VecDeque<Interference>>,
    others: Pair,
    /// Key time of the newest row of cold when late rows arrived.
    late_after: Mutex<Option<Timestamp>>,
}

/// Returns messages of both conversations that directly follow this instant.
fn late(instant: Timestamp) -> impl Iterator<Item = Message> {
    (801..809).map(move |id| logical_table::message(id, 1 + id % 2, instant.plus(1 + id % 3)))
}

impl Interfering {
    async fn new(
        folder: &Path,
        inner: &Arc<dyn Schema>,
        name: &'static str,
        interferences: &[Interference],
    ) -> Self {
        let others = Pair::open_unpaired(folder, now()).await;
        // Gives this clock its own random numbers: two that draw the same ones would give two moves one token.
        for _ in 0..1_000 {
            others.clock.draw();
        }
        let interferences = Mutex::new(interferences.iter().copied().collect());
        Self { inner: Arc::clone(inner) as _, name, interferences, others, late_after: Mutex::default() }
    }

    async fn interfere(&self, interference: Interference) {
        let [messages, ..] = resources::families();
        let mover = self.others.mover(SIZES);
        match interference {
            Interference::MovesAndLate(batches) => {
                let text = "SELECT cold_newest_at FROM archive_state WHERE resource = 'messages'";
                let state = self.others.hot.fetch(&sql(text), &[]).await.expect("a state");
                let newest = state[0].time("cold_newest_at").expect("a time");
                Box::pin(self.interfere(Interference::Moves(batches))).await;
                for late in late(newest) {
                    self.others.put(&MESSAGES, logical_table::message_row(&late)).await;
                }
                *self.late_after.lock().expect("a lock") = Some(newest);
            }
            Interference::Moves(batches) => {
                for _ in 0..batches {
                    let report = run_batch(&mover, messages, &plan(5, 7)).await;
                    assert_eq!((report.batches, report.error), (1, None), "something is left to move");
                }
            }
            Interference::Restore => {
                let stop = AtomicBool::new(false);
                let report = mover.restore(messages, Selection::Batch(2), 5, &stop, &mut |_| {}).await;
                assert_eq!((report.outcome, report.error), (Outcome::Done, None));
                assert!(report.rows > 0);
                mover.resume(messages).await.expect("resumed");
            }
            Interference::Erase(ids) => {
                assert_eq!(mover.erase(messages, "messages", &ids).await.expect("erased"), 2);
            }
            Interference::Nothing => {}
            Interference::Hold => mover.hold(messages).await.expect("held"),
        }
    }
}

#[async_trait]
impl Engine for Interfering {
    fn tier(&self) -> Tier {
        self.inner.tier()
    }

    async fn fetch(&self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError> {
        if statement.name == self.name {
            let interference = self.interferences.lock().expect("a lock").pop_front();
            if let Some(interference) = interference {
                self.interfere(interference).await;
            }
        }
        self.inner.fetch(statement, params).await
    }

    async fn session(&self) -> Result<Box<dyn Session>, TierError> {
        self.inner.session().await
    }

    async fn close(&self) {}
}

/// A run keeps the block boundaries of cold in memory between its batches. It must not use them after others moved
/// rows.
#[test]
fn changes_by_others_between_two_batches_are_counted() {
    run(async {
        let [messages, ..] = resources::families();
        for interference in [
            Interference::MovesAndLate(4),
            Interference::Moves(2),
            Interference::Restore,
            Interference::Erase([1, 120]),
        ] {
            let folder = scratch();
            let mut rows = pair_with_history(folder.path()).await;
            let pair = Pair::open_unpaired(folder.path(), now()).await;
            // The run has filled blocks before the action, and continues after it.
            let interferences = [
                Interference::Nothing,
                Interference::Nothing,
                interference,
                Interference::Nothing,
                interference,
            ];
            let interferences = if let Interference::Moves(_) = interference {
                &interferences[..]
            } else {
                &interferences[..3]
            };
            let hot = Interfering::new(folder.path(), &pair.hot, "journal.controlled", interferences).await;
            let report =
                run_mover(&mover(&hot, &*pair.cold, &pair.clock, SIZES), messages, &plan(5, 7)).await;
            assert_eq!((report.outcome, report.error), (Outcome::Done, None), "{interference:?}");
            assert!(
                report.batches > 5 && hot.interferences.lock().expect("a lock").is_empty(),
                "{interference:?}"
            );
            let newest = *hot.late_after.lock().expect("a lock");
            rows.messages.extend(newest.into_iter().flat_map(late));
            if let Interference::Erase(ids) = interference {
                rows.messages.retain(|row| !ids.contains(&row.id));
            }
            check_all(&pair, &rows).await;
            audit(&pair).await;
        }
    });
}

/// The run has already checked that the resource is not held when an operator holds it.
#[test]
fn a_hold_is_respected_until_the_state_is_locked() {
    run(async {
        let [messages, ..] = resources::families();
        let folder = scratch();
        pair_with_history(folder.path()).await;
        let pair = Pair::open_unpaired(folder.path(), now()).await;
        let hot = Interfering::new(folder.path(), &pair.hot, "messages.due", &[Interference::Hold]).await;
        let report = run_mover(&mover(&hot, &*pair.cold, &pair.clock, SIZES), messages, &plan(5, 7)).await;
        assert_eq!((report.outcome, report.batches), (Outcome::Held, 0), "{report:?}");
        audit(&pair).await;
    });
}

/// Any number of moves between reading hot and reading cold must not make a consistent pair look inconsistent.
#[test]
fn moves_during_a_consistency_check_are_no_inconsistency() {
    run(async {
        let folder = scratch();
        pair_with_history(folder.path()).await;
        let pair = Pair::open_unpaired(folder.path(), now()).await;
        let interferences = [Interference::Moves(2); 3];
        let cold = Interfering::new(folder.path(), &pair.cold, "journal.standing", &interferences).await;
        let found = pair::inconsistencies(&*pair.hot, &cold).await.expect("an answer");
        assert!(found.is_empty(), "{found:?}");
        assert!(cold.interferences.lock().expect("a lock").is_empty(), "each resource is asked about");
    });
}

/// Commands run between the batches of a long run, which then continues or notices that it has to stop.
#[test]
fn erasures_and_restores_succeed_during_a_run() {
    let program = Program::new();
    run(async {
        let pair = Pair::open(program.path(), now()).await;
        logical_table::fill(&pair, &Table::sample(now())).await;
        pair.close().await;
    });
    let long = ["archive", "run", "--resource", "messages", "--batch", "1", "--pause", "20", "--json"];
    let report = |ended: &Ended| -> serde_json::Value {
        let reports: serde_json::Value = serde_json::from_str(&ended.out).expect("a report");
        reports[0].clone()
    };
    let mut child = program.start(&long);
    for id in ["3", "5", "7"] {
        let ended = program.run(&["archive", "erase", "--resource", "messages", "--id", id]);
        assert_eq!(ended.status, Some(0), "{ended:?}");
    }
    let ended = Ended::of(finish(child));
    assert_eq!((ended.status, report(&ended)["outcome"].as_str()), (Some(0), Some("done")), "{ended:?}");
    let rows = || program.report(&["archive", "status", "--resource", "messages"])["resources"][0].clone();
    let seen = rows();
    let number = |rows: &serde_json::Value| rows.as_i64().expect("a number");
    let whole = number(&seen["rows_in_hot"]) + number(&seen["cold"]["rows"]);
    assert_eq!((number(&seen["due"]), whole), (0, 117), "{seen}");

    program.report(&["archive", "restore", "--all", "--resource", "messages"]);
    program.report(&["archive", "resume", "--resource", "messages"]);
    child = program.start(&long);
    std::thread::sleep(Duration::from_millis(300));
    let restored = program.run(&["archive", "restore", "--all", "--resource", "messages"]);
    assert_eq!(restored.status, Some(0), "{restored:?}");
    let ended = Ended::of(finish(child));
    assert_eq!((ended.status, report(&ended)["outcome"].as_str()), (Some(0), Some("held")), "{ended:?}");
    let seen = rows();
    assert_eq!((number(&seen["rows_in_hot"]), number(&seen["cold"]["rows"])), (117, 0), "{seen}");
}
