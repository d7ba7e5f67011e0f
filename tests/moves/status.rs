//! `archive status` of healthy and unhealthy pairs.

use std::sync::atomic::AtomicBool;

use thermocline::archive::status::{Status, StatusReader, status};
use thermocline::archive::{Family, Outcome, Selection};
use thermocline::clock::DAY;
use thermocline::{resources, schema};

use super::fault_injection::{now, pair_with_history};
use super::faulty_engine::{Fault, Faulty, Fuse};
use super::program::{Ended, Program};
use super::{HOT, Pair, SIZES, copy_file, logical_table, mover, plan, run, run_batch, run_mover, scratch};
use crate::support::bounds::bound;
use crate::support::waiting::output;

async fn look(pair: &Pair, resource: &str) -> Status {
    let family = resources::families().into_iter().find(|family| family.resource == resource);
    status(&*pair.hot, Some(&*pair.cold), &pair.clock, family.expect("a family"), 15 * DAY)
        .await
        .expect("a status")
}

#[test]
fn status_counts_due_rows_and_past_moves() {
    run(async {
        let folder = scratch();
        let rows = pair_with_history(folder.path()).await;
        let pair = Pair::open(folder.path(), now()).await;
        for family in resources::families() {
            let resource = family.resource;
            let before = look(&pair, resource).await;
            let report = run_mover(&pair.mover(SIZES), family, &plan(15, 9)).await;
            assert_eq!(Some(before.due), report.due, "{resource}");
            assert!(before.due > 0 && before.lag_days > 10.0, "{resource}: {before:?}");
            assert_eq!(before.waits, Vec::<String>::new(), "{resource}");

            let after = look(&pair, resource).await;
            assert_eq!((after.due, after.lag_days), (0, 0.0), "{resource}");
            assert_eq!(Some(after.epoch), report.epoch, "{resource}");
            assert_eq!(before.rows_in_hot - after.rows_in_hot, report.of_resource, "{resource}");
            let cold = after.cold.expect("cold");
            let all = match resource {
                "messages" => rows.messages.len(),
                "posts" => rows.posts.len(),
                _ => rows.prices.len(),
            };
            assert_eq!(after.rows_in_hot + cold.rows, all as i64, "{resource}");
            let last = cold.last.expect("a batch");
            assert_eq!((last.epoch, last.kind, last.finished), (after.epoch, "archive", now()));
            assert!(cold.unconfirmed.is_empty() && cold.mover.is_none(), "{resource}");
        }
    });
}

/// A status that is read again and again, and counted anew only when it must be, beside one that is always counted.
struct Beside<'a> {
    pair: &'a Pair,
    family: &'static Family,
    reader: StatusReader,
}

impl<'a> Beside<'a> {
    fn new(pair: &'a Pair, family: &'static Family) -> Self {
        Self { pair, family, reader: StatusReader::new(family, 15 * DAY).with_pause(u32::MAX) }
    }

    /// Returns what is due, in hot and in cold by the reader and by a count.
    async fn read(&mut self) -> [(i64, i64, Option<i64>); 2] {
        let Pair { hot, cold, clock } = self.pair;
        let read = self.reader.read(&**hot, Some(&**cold), clock).await.expect("a status");
        let counted = look(self.pair, self.family.resource).await;
        assert_eq!((read.epoch, read.rejects.rows), (counted.epoch, counted.rejects.rows));
        [read, counted].map(|status| (status.due, status.rows_in_hot, status.cold.map(|cold| cold.rows)))
    }

    async fn check(&mut self, when: &str) -> i64 {
        let [read, counted] = self.read().await;
        assert_eq!(read, counted, "{}, {when}", self.family.resource);
        read.0
    }
}

#[test]
fn a_status_that_is_carried_on_is_right_after_every_kind_of_move() {
    run(async {
        let folder = scratch();
        pair_with_history(folder.path()).await;
        let pair = Pair::open(folder.path(), now()).await;
        for family in resources::families() {
            let mover = pair.mover(SIZES);
            let mut beside = Beside::new(&pair, family);
            let begin = beside.check("at first").await;
            for _ in 0..3 {
                let moved = run_batch(&mover, family, &plan(15, 3)).await;
                assert!(moved.of_resource > 0, "{}: {moved:?}", family.resource);
                beside.check("after a batch").await;
            }
            run_mover(&mover, family, &plan(15, 9)).await;
            assert!(begin > 0 && beside.check("after a run").await == 0, "{}", family.resource);
            let restored =
                mover.restore(family, Selection::All, 30, &AtomicBool::new(false), &mut |_| {}).await;
            assert_eq!((restored.outcome, restored.error), (Outcome::Done, None));
            assert!(beside.check("after a restore").await > begin, "{}", family.resource);
            thermocline::journal::state::set_held(&*pair.hot, family.resource, false).await.expect("resumed");
            run_batch(&mover, family, &plan(15, 9)).await;
            beside.check("after another batch").await;
        }
    });
}

#[test]
fn a_status_that_is_carried_on_sees_rejects_at_once_and_arrivals_at_the_next_count() {
    run(async {
        let folder = scratch();
        pair_with_due_messages(folder.path()).await;
        let pair = Pair::open(folder.path(), now()).await;
        let messages = resources::families()[0];
        let mut beside = Beside::new(&pair, messages);
        let due = beside.check("at first").await;
        let reject = "INSERT INTO archive_rejects SELECT 'messages', min(id), 'why not', 1 FROM messages";
        pair.change(reject, &[]).await;
        assert_eq!(beside.check("with a reject").await, due - 1);

        let put = async |id| {
            let late = logical_table::message(id, 1, now().plus(-40 * DAY));
            pair.put(&schema::MESSAGES, logical_table::message_row(&late)).await;
        };
        put(1001).await;
        let [read, counted] = beside.read().await;
        assert_eq!(read.0, counted.0 - 1, "the rows are not counted at every look");
        // The mover takes one more than is known of.
        run_mover(&pair.mover(SIZES), messages, &plan(15, 9)).await;
        let [read, counted] = beside.read().await;
        assert_eq!((read.0, counted.0), (0, 0), "nothing is due");
        put(1002).await;
        assert_eq!(beside.check("a row came after the last was taken").await, 1);

        let mut counting = StatusReader::new(messages, 15 * DAY).with_pause(0);
        for due in 1..4 {
            let read = counting.read(&*pair.hot, Some(&*pair.cold), &pair.clock).await.expect("a status");
            assert_eq!(read.due, due);
            put(1002 + due).await;
        }
    });
}

#[test]
fn a_copy_that_hot_has_not_committed_is_no_row_in_cold() {
    run(async {
        let folder = scratch();
        pair_with_due_messages(folder.path()).await;
        let pair = Pair::open(folder.path(), now()).await;
        let messages = resources::families()[0];
        let mut seen = false;
        for k in (1..200).step_by(bound("THERMOCLINE_TEST_STRIDE", 1, 3) as usize) {
            let fuse = Fuse::new(k, Fault::Death);
            let (hot, cold) = Faulty::both(&pair, &fuse);
            let one = thermocline::archive::ArchiveOptions { max_rows: Some(1), ..plan(15, 1) };
            run_mover(&mover(&hot, &cold, &pair.clock, SIZES), messages, &one).await;
            let status = look(&pair, "messages").await;
            let cold = status.cold.expect("cold");
            assert_eq!(status.rows_in_hot + cold.rows, 20, "call {k}: {cold:?}");
            seen |= cold.last.is_some_and(|last| last.epoch > status.epoch);
            if !fuse.burnt() {
                break;
            }
        }
        assert!(seen, "some copy was not committed");
    });
}

#[test]
fn status_shows_claims_and_interrupted_moves() {
    run(async {
        let family = resources::families()[0];
        let mut seen = [false; 2];
        for k in (1..200).step_by(bound("THERMOCLINE_TEST_STRIDE", 1, 3) as usize) {
            let folder = scratch();
            pair_with_due_messages(folder.path()).await;
            let pair = Pair::open(folder.path(), now()).await;
            let fuse = Fuse::new(k, Fault::Death);
            let (hot, cold) = Faulty::both(&pair, &fuse);
            let one = thermocline::archive::ArchiveOptions { max_rows: Some(1), ..plan(15, 9) };
            run_mover(&mover(&hot, &cold, &pair.clock, SIZES), family, &one).await;
            if !fuse.burnt() {
                break;
            }
            let status = look(&pair, family.resource).await;
            let cold = status.cold.expect("cold");
            if let Some(claim) = cold.mover {
                assert_eq!((claim.name.as_str(), claim.since), ("a test", now()));
                assert!(claim.epoch >= status.epoch);
                let interrupted = cold.unconfirmed.iter().any(|epoch| *epoch > status.epoch);
                seen[usize::from(interrupted)] = true;
            }
            run_mover(&pair.mover(SIZES), family, &plan(15, 9)).await;
            let cold = look(&pair, family.resource).await.cold.expect("cold");
            assert!(cold.mover.is_none() && cold.unconfirmed.is_empty(), "call {k}: {cold:?}");
        }
        assert_eq!(seen, [true; 2], "claimed alone, and claimed and copied");
    });
}

/// Creates a pair with a few messages that are due and no moves.
async fn pair_with_due_messages(folder: &std::path::Path) {
    let pair = Pair::open(folder, now()).await;
    let mut rows = super::logical_table::Table::sample(now());
    rows.messages.truncate(20);
    rows.posts.clear();
    rows.comments.clear();
    rows.likes.clear();
    rows.prices.clear();
    super::logical_table::fill(&pair, &rows).await;
    pair.close().await;
}

#[test]
fn status_shows_obstacles() {
    run(async {
        let folder = scratch();
        pair_with_history(folder.path()).await;
        let old = scratch();
        copy_file(folder.path(), old.path(), HOT);
        let pair = Pair::open(folder.path(), now()).await;
        pair.change("UPDATE archive_state SET held = 1 WHERE resource = 'posts'", &[]).await;
        let status = look(&pair, "posts").await;
        assert!(status.held && status.waits[0].contains("archive resume"), "{:?}", status.waits);
        pair.change(
            "INSERT INTO archive_rejects SELECT 'messages', id, 'why not ' || id, id FROM messages WHERE id > 110",
            &[],
        )
        .await;
        let status = look(&pair, "messages").await;
        assert_eq!((status.rejects.rows, status.rejects.newest.len()), (16, 5));
        assert_eq!(
            (status.rejects.newest[0].id, status.rejects.newest[0].reason.as_str()),
            (126, "why not 126")
        );
        let family = resources::families()[0];
        run_mover(&pair.mover(SIZES), family, &plan(15, 9)).await;
        assert!(look(&pair, "messages").await.waits.is_empty());
        pair.close().await;

        copy_file(old.path(), folder.path(), HOT);
        let pair = Pair::open_unpaired(folder.path(), now()).await;
        let status = look(&pair, "messages").await;
        assert!(
            status.waits[0].contains("hot is at epoch") && status.waits[0].contains("recover"),
            "{status:?}"
        );
        pair.cold.close().await;
    });
}

#[test]
fn status_works_while_cold_is_unreachable_but_requires_one() {
    let program = Program::new();
    run(async {
        pair_with_history(program.path()).await;
    });
    let args = ["archive", "status", "--json"];
    let whole = program.report(&args[..2]);
    assert!(whole["resources"][0]["cold"]["rows"].as_i64() > Some(0), "{whole}");

    let mut command = program.command(&args);
    let ended = Ended::of(output(command.env("COLD_DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")));
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let status: serde_json::Value = serde_json::from_str(&ended.out).expect("a report");
    assert!(status["cold_is_away"].is_string() && status["resources"][0]["cold"].is_null(), "{status}");
    assert_eq!(status["resources"][0]["waits"][0], "cold is unavailable");
    assert_eq!(status["resources"][0]["epoch"], whole["resources"][0]["epoch"]);

    for args in [&["archive", "status"][..], &["archive", "run"], &["archive", "run", "--dry-run"]] {
        let ended = Ended::of(output(program.command(args).env_remove("COLD_DATABASE_URL")));
        assert_eq!(ended.status, Some(2), "{args:?}: {ended:?}");
        assert!(!ended.err.is_empty(), "{args:?} says why");
    }
}
