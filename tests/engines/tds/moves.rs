//! The mover over the wire: the order of its statements, and that each row moves once whatever fails.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use thermocline::archive::{ArchiveOptions, BlockSizes, Mover, Outcome, RunReport};
use thermocline::clock::DAY;
use thermocline::config::WRITE_TIMEOUT;
use thermocline::federation::reads::{Cold as _, Hot as _};
use thermocline::federation::sql::{SqlCold, SqlHot};
use thermocline::page::{Slice, Span};
use thermocline::resources;
use thermocline::resources::messages::Messages;
use thermocline::schema;
use thermocline::tier::Value;

use crate::mssql::message;
use crate::support::pair::{Pair, now};
use crate::support::tds::faults::{At, COMMIT, Fault};
use crate::support::tds::{FakeServer, LABEL};

/// Number of messages that are due.
const DUE: i64 = 24;
const BATCH: i64 = 10;

/// Creates a pair with messages that are due and two that are not.
async fn filled() -> (Pair, FakeServer) {
    filled_within(WRITE_TIMEOUT).await
}

/// The same with this limit for statements in hot.
async fn filled_within(limit: Duration) -> (Pair, FakeServer) {
    let (pair, _, fake) = Pair::over_tds_within(limit).await;
    let old = now().plus(-100 * DAY);
    let mut rows: Vec<Vec<Value>> = (1..=DUE).map(|id| message(id, 1, "old", old.plus(id / 3))).collect();
    rows.extend((DUE + 1..=DUE + 2).map(|id| message(id, 1, "new", now().plus(id - DAY))));
    pair.put(&schema::MESSAGES, rows).await;
    fake.asked();
    (pair, fake)
}

async fn run(pair: &Pair, max_rows: Option<i64>) -> RunReport {
    let families = resources::families();
    let family = families.into_iter().find(|family| family.resource == "messages").expect("a family");
    let mover = Mover {
        hot: &*pair.hot,
        cold: &*pair.cold,
        clock: &pair.clock,
        name: "test".to_owned(),
        sizes: BlockSizes { most: [6, 24], part: [3, 12] },
    };
    let plan = ArchiveOptions { batch: BATCH, max_rows, ..ArchiveOptions::default() };
    mover.run(family, &plan, &AtomicBool::new(false), &mut |_| {}).await
}

/// Returns the ids in hot and in cold, as readers see them.
async fn ids(pair: &Pair) -> [Vec<i64>; 2] {
    let list = Messages::of(1);
    let hot = SqlHot(&*pair.hot).read(&list, Slice::oldest(Span::ALL, 99), false).await.expect("hot");
    let cold = SqlCold(&*pair.cold);
    let cold = cold.read(&list, hot.snapshot, Slice::oldest(Span::ALL, 99)).await.expect("cold").rows;
    [hot.rows.iter().map(|row| row.id).collect(), cold.iter().map(|row| row.id).collect()]
}

#[tokio::test]
async fn a_batch_follows_the_documented_order() {
    println!("{LABEL}");
    let (pair, fake) = filled().await;
    let report = run(&pair, Some(BATCH)).await;
    assert_eq!((report.outcome, report.rows), (Outcome::Stopped, BATCH), "{:?}", report.error);
    let asked = fake.asked();
    let steps = [
        "BEGIN TRANSACTION",
        "journal.lock_state",
        "live.kind",
        "messages.due",
        "archive.take",
        // Those of the next batch, while the copy is read back.
        "messages.due",
        "journal.raise",
        "COMMIT TRANSACTION",
    ];
    let (writer, _) = asked.iter().find(|(_, name)| name == "BEGIN TRANSACTION").expect("it begins");
    let of_writer: Vec<&str> =
        asked.iter().filter(|(connection, _)| connection == writer).map(|(_, name)| name.as_str()).collect();
    assert_eq!(of_writer, steps);
    // Statements before the claim are those of readers, and change nothing.
    let others: BTreeSet<&str> =
        asked.iter().filter(|(connection, _)| connection != writer).map(|(_, name)| name.as_str()).collect();
    assert!(others.contains("messages.due") && others.contains("messages.due_count"), "{others:?}");
    let writes =
        BTreeSet::from(["journal.lock_state", "archive.take", "journal.raise", "COMMIT TRANSACTION"]);
    assert!(others.is_disjoint(&writes), "{others:?}");
    assert_eq!(fake.unknown(), Vec::<String>::new());
}

/// The end of a run with a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// Not noticeable.
    Done,
    /// The run fails, the next one continues.
    Failed,
}

#[tokio::test]
async fn each_row_moves_once_whatever_fails() {
    let statement = At::Statement;
    let refuse = Fault::Refuse;
    let cases = [
        // A commit whose answer is lost has happened, and is found.
        (COMMIT, Fault::LoseAnswer, 1, Ends::Done),
        (COMMIT, Fault::LoseAnswer, 3, Ends::Done),
        // One that never arrived has not happened.
        (COMMIT, Fault::HangUp, 1, Ends::Failed),
        (COMMIT, refuse(1205), 1, Ends::Done),
        (COMMIT, refuse(3960), 2, Ends::Done),
        (COMMIT, refuse(596), 1, Ends::Failed),
        // A lock timeout, a deadlock, a write conflict: the batch is retried.
        (statement("journal.lock_state"), refuse(1222), 1, Ends::Done),
        (statement("journal.lock_state"), refuse(1205), 4, Ends::Done),
        (statement("messages.due"), refuse(3961), 1, Ends::Done),
        (statement("archive.take"), refuse(1205), 1, Ends::Done),
        (statement("archive.take"), refuse(1222), 4, Ends::Done),
        (statement("journal.raise"), refuse(3960), 1, Ends::Done),
        // So it is when a comment was added after the comments were taken; but not when a parent is missing.
        (statement("archive.take"), Fault::Refer, 1, Ends::Done),
        (statement("archive.take"), refuse(547), 1, Ends::Failed),
        // The number of retries is limited.
        (statement("journal.raise"), refuse(1205), 8, Ends::Failed),
        // An unavailable server ends the run.
        (statement("journal.lock_state"), refuse(40_613), 1, Ends::Failed),
        (statement("archive.take"), Fault::ResetInRow, 1, Ends::Failed),
        (statement("archive.take"), Fault::LoseAnswer, 1, Ends::Failed),
        (statement("journal.raise"), Fault::HangUp, 1, Ends::Failed),
        // So does one that does not answer: the wait is limited.
        (statement("journal.lock_state"), Fault::Stall, 1, Ends::Failed),
        (statement("archive.take"), Fault::StallInRow, 1, Ends::Failed),
        (statement("journal.raise"), Fault::Stall, 1, Ends::Failed),
        (COMMIT, Fault::Stall, 1, Ends::Failed),
    ];
    // Each with a pair of its own, concurrently, because they wait between their attempts.
    futures::future::join_all(cases.map(|case| Box::pin(moves_once(case)))).await;
}

async fn moves_once((at, fault, times, ends): (At, Fault, usize, Ends)) {
    let stalls = matches!(fault, Fault::Stall | Fault::StallInRow);
    let limit = if stalls { Duration::from_secs(2) } else { WRITE_TIMEOUT };
    let (pair, fake) = filled_within(limit).await;
    fake.fail(at, fault, times);
    let report = run(&pair, None).await;
    let expected = if ends == Ends::Done { Outcome::Done } else { Outcome::Failed };
    assert_eq!(report.outcome, expected, "{at:?} {fault:?}: {:?}", report.error);
    let [hot, cold] = ids(&pair).await;
    let seen: Vec<i64> = cold.iter().chain(&hot).copied().collect();
    assert_eq!(seen, (1..=DUE + 2).collect::<Vec<_>>(), "{at:?} {fault:?}");
    fake.heal();
    let again = run(&pair, None).await;
    assert_eq!(again.outcome, Outcome::Done, "{at:?} {fault:?}: {:?}", again.error);
    assert_eq!(report.rows + again.rows, DUE, "{at:?} {fault:?}");
    let moved = (1..=DUE).collect::<Vec<_>>();
    assert_eq!(ids(&pair).await, [vec![DUE + 1, DUE + 2], moved], "{at:?} {fault:?}");
    assert_eq!(fake.unknown(), Vec::<String>::new(), "{at:?} {fault:?}");
}

/// After a lost answer the state row is locked before it is read, on another connection.
#[tokio::test]
async fn a_lost_commit_is_resolved_by_locking_the_state() {
    let (pair, fake) = filled().await;
    fake.fail(COMMIT, Fault::LoseAnswer, 1);
    let report = run(&pair, Some(BATCH)).await;
    assert_eq!((report.outcome, report.rows), (Outcome::Stopped, BATCH), "{:?}", report.error);
    let asked = fake.asked();
    let lost = asked.iter().position(|(_, name)| name == "COMMIT TRANSACTION").expect("it commits");
    let after: Vec<&str> = asked[lost + 1..].iter().take(4).map(|(_, name)| name.as_str()).collect();
    assert_eq!(
        after,
        ["set up", "BEGIN TRANSACTION", "journal.locked_state", "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION"]
    );
    let [first, second] = [lost, lost + 1].map(|place| asked[place].0);
    assert_ne!(first, second);
}

/// An unconfirmed batch is undone only after hot was asked for each of its rows.
#[tokio::test]
async fn an_interrupted_batch_is_undone_after_checking_each_row() {
    let (pair, fake) = filled().await;
    fake.fail(COMMIT, Fault::HangUp, 1);
    assert_eq!(run(&pair, Some(BATCH)).await.outcome, Outcome::Failed);
    fake.asked();
    assert_eq!(run(&pair, Some(BATCH)).await.rows, BATCH);
    let asked = fake.asked();
    let place = |name: &str| asked.iter().position(|(_, asked)| asked == name).expect("it is asked");
    let held = asked.iter().filter(|(_, name)| name == "archive.held").count();
    assert_eq!(held, BATCH as usize);
    assert!(
        place("journal.lock_state") < place("archive.held") && place("archive.held") < place("archive.take")
    );
}
