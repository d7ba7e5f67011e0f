//! What others do between two calls of a mover, of a run or of whoever looks whether the databases fit.

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
use super::faults::{check_all, lived_in, now};
use super::files::{Ended, Program};
use super::table::{self, Table};
use super::{Pair, SIZES, mover, plan, run, run_batch, run_mover, scratch, sql};

/// What somebody else does.
#[derive(Clone, Copy, Debug)]
enum Deed {
    /// Batches of another mover.
    Moves(i64),
    /// The same, and then rows come late, older than those: into blocks that the other mover has cut.
    MovesAndLate(i64),
    /// Rows come back, and are let go again.
    Restore,
    /// A row of each tier is erased.
    Erase([i64; 2]),
    /// Nobody does anything.
    Nothing,
    /// An operator keeps the mover away.
    Hold,
}

/// An engine before whose statement of a name things happen, one each time.
#[derive(Debug)]
struct Between {
    inner: Arc<dyn Engine>,
    name: &'static str,
    deeds: Mutex<VecDeque<Deed>>,
    others: Pair,
    /// Which row of cold was the newest when rows came late.
    late_after: Mutex<Option<Timestamp>>,
}

/// Messages of both conversations, right after this instant.
fn late(instant: Timestamp) -> impl Iterator<Item = Message> {
    (801..809).map(move |id| table::message(id, 1 + id % 2, instant.plus(1 + id % 3)))
}

impl Between {
    async fn new(folder: &Path, inner: &Arc<dyn Schema>, name: &'static str, deeds: &[Deed]) -> Self {
        let others = Pair::open_unpaired(folder, now()).await;
        // Two clocks that draw the same numbers would make two moves with one token.
        for _ in 0..1_000 {
            others.clock.draw();
        }
        let deeds = Mutex::new(deeds.iter().copied().collect());
        Self { inner: Arc::clone(inner) as _, name, deeds, others, late_after: Mutex::default() }
    }

    async fn happens(&self, deed: Deed) {
        let [messages, ..] = resources::families();
        let mover = self.others.mover(SIZES);
        match deed {
            Deed::MovesAndLate(batches) => {
                let text = "SELECT cold_newest_at FROM archive_state WHERE resource = 'messages'";
                let state = self.others.hot.fetch(&sql(text), &[]).await.expect("a state");
                let newest = state[0].time("cold_newest_at").expect("a time");
                Box::pin(self.happens(Deed::Moves(batches))).await;
                for late in late(newest) {
                    self.others.put(&MESSAGES, table::message_row(&late)).await;
                }
                *self.late_after.lock().expect("a lock") = Some(newest);
            }
            Deed::Moves(batches) => {
                for _ in 0..batches {
                    let report = run_batch(&mover, messages, &plan(5, 7)).await;
                    assert_eq!((report.batches, report.error), (1, None), "something is left to move");
                }
            }
            Deed::Restore => {
                let stop = AtomicBool::new(false);
                let report = mover.restore(messages, Selection::Batch(2), 5, &stop, &mut |_| {}).await;
                assert_eq!((report.outcome, report.error), (Outcome::Done, None));
                assert!(report.rows > 0);
                mover.resume(messages).await.expect("resumed");
            }
            Deed::Erase(ids) => {
                assert_eq!(mover.erase(messages, "messages", &ids).await.expect("erased"), 2);
            }
            Deed::Nothing => {}
            Deed::Hold => mover.hold(messages).await.expect("held"),
        }
    }
}

#[async_trait]
impl Engine for Between {
    fn tier(&self) -> Tier {
        self.inner.tier()
    }

    async fn fetch(&self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError> {
        if statement.name == self.name {
            let deed = self.deeds.lock().expect("a lock").pop_front();
            if let Some(deed) = deed {
                self.happens(deed).await;
            }
        }
        self.inner.fetch(statement, params).await
    }

    async fn session(&self) -> Result<Box<dyn Session>, TierError> {
        self.inner.session().await
    }

    async fn close(&self) {}
}

/// A run remembers between its batches how the blocks of cold stand. It must not when anybody else has moved rows.
#[test]
fn what_others_do_between_two_batches_of_a_run_is_counted() {
    run(async {
        let [messages, ..] = resources::families();
        for deed in [Deed::MovesAndLate(4), Deed::Moves(2), Deed::Restore, Deed::Erase([1, 120])] {
            let folder = scratch();
            let mut rows = lived_in(folder.path()).await;
            let pair = Pair::open_unpaired(folder.path(), now()).await;
            // The run has filled blocks before it happens, and goes on after it.
            let deeds = [Deed::Nothing, Deed::Nothing, deed, Deed::Nothing, deed];
            let deeds = if let Deed::Moves(_) = deed { &deeds[..] } else { &deeds[..3] };
            let hot = Between::new(folder.path(), &pair.hot, "journal.state", deeds).await;
            let report =
                run_mover(&mover(&hot, &*pair.cold, &pair.clock, SIZES), messages, &plan(5, 7)).await;
            assert_eq!((report.outcome, report.error), (Outcome::Done, None), "{deed:?}");
            assert!(report.batches > 5 && hot.deeds.lock().expect("a lock").is_empty(), "{deed:?}");
            let newest = *hot.late_after.lock().expect("a lock");
            rows.messages.extend(newest.into_iter().flat_map(late));
            if let Deed::Erase(ids) = deed {
                rows.messages.retain(|row| !ids.contains(&row.id));
            }
            check_all(&pair, &rows).await;
            audit(&pair).await;
        }
    });
}

/// It has looked, and nobody held the resource; then somebody does.
#[test]
fn a_hold_counts_until_the_state_is_locked() {
    run(async {
        let [messages, ..] = resources::families();
        let folder = scratch();
        lived_in(folder.path()).await;
        let pair = Pair::open_unpaired(folder.path(), now()).await;
        let hot = Between::new(folder.path(), &pair.hot, "messages.due", &[Deed::Nothing, Deed::Hold]).await;
        let report = run_mover(&mover(&hot, &*pair.cold, &pair.clock, SIZES), messages, &plan(5, 7)).await;
        assert_eq!((report.outcome, report.batches), (Outcome::Held, 1), "{report:?}");
        audit(&pair).await;
    });
}

/// Moves between the looks at hot and at cold do not make the databases look unfit, however many they are.
#[test]
fn that_rows_move_while_somebody_looks_does_not_make_the_databases_unfit() {
    run(async {
        let folder = scratch();
        lived_in(folder.path()).await;
        let pair = Pair::open_unpaired(folder.path(), now()).await;
        let deeds = [Deed::Moves(2); 3];
        let cold = Between::new(folder.path(), &pair.cold, "journal.standing", &deeds).await;
        let unfit = pair::inconsistencies(&*pair.hot, &cold).await.expect("a look");
        assert!(unfit.is_empty(), "{unfit:?}");
        assert!(cold.deeds.lock().expect("a lock").is_empty(), "each resource is asked about");
    });
}

/// Whoever comes between the batches of a long run gets through, and the run goes on, or knows that it is to stay away.
#[test]
fn erasures_and_restores_get_through_beside_a_run() {
    let program = Program::new();
    run(async {
        let pair = Pair::open(program.path(), now()).await;
        table::fill(&pair, &Table::sample(now())).await;
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
    let ended = Ended::of(child.wait_with_output().expect("its output"));
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
    let ended = Ended::of(child.wait_with_output().expect("its output"));
    assert_eq!((ended.status, report(&ended)["outcome"].as_str()), (Some(0), Some("held")), "{ended:?}");
    let seen = rows();
    assert_eq!((number(&seen["rows_in_hot"]), number(&seen["cold"]["rows"])), (117, 0), "{seen}");
}
