//! Movers that operators pause and pace while they run.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use thermocline::archive::{ArchiveOptions, Outcome, RunReport, Selection};
use thermocline::journal::control;
use thermocline::tier::Begin;

use super::fault_injection::{check_all, now, pair_with_history};
use super::fixture::Fixture;
use super::program::Ended;
use super::{Pair, SIZES, plan, run, run_batch, scratch};
use crate::support::postgres;
use crate::support::waiting::{finish, output, until};

async fn set_paused(pair: &Pair, resource: &str, paused: bool) {
    let changed = control::change(&*pair.hot, resource, now(), |control| control.paused = paused).await;
    changed.expect("a change");
}

fn family(resource: &str) -> &'static thermocline::archive::Family {
    thermocline::resources::families()
        .into_iter()
        .find(|family| family.resource == resource)
        .expect("a family")
}

#[test]
fn a_paused_mover_holds_nothing_and_goes_on_when_told() {
    run(async {
        let folder = scratch();
        let rows = pair_with_history(folder.path()).await;
        let pair = Pair::open(folder.path(), now()).await;
        let other = Pair::open(folder.path(), now()).await;
        let messages = family("messages");
        set_paused(&pair, "messages", true).await;
        let (is_paused, mover) = (AtomicBool::new(false), pair.mover(SIZES));
        let (stop, options) = (AtomicBool::new(false), plan(15, 9));
        let mut progress = |report: &RunReport| {
            if report.paused {
                is_paused.store(true, Ordering::Relaxed);
            }
        };
        let moving = mover.run(messages, &options, &stop, &mut progress);
        let operator = async {
            until("the mover says that it is paused", async || is_paused.load(Ordering::Relaxed)).await;
            let free = |engine: &std::sync::Arc<dyn thermocline::tier::Schema>| {
                engine.pools().iter().map(|pool| pool.in_use).sum::<usize>() == 0
            };
            until("it has given back its connections", async || free(&pair.hot) && free(&pair.cold)).await;
            // A file has one writer at a time, so another one would wait for a transaction.
            for tier in [&other.hot, &other.cold] {
                let mut session = tier.session().await.expect("a session");
                session.begin(Begin::Write).await.expect("no other writer");
                session.rollback().await.expect("ends");
            }
            // An erasure is carried out all the same.
            assert_eq!(other.mover(SIZES).erase(messages, "messages", &[999_999]).await.expect("erases"), 0);
            set_paused(&other, "messages", false).await;
        };
        let (report, ()) = futures::future::join(moving, operator).await;
        assert_eq!((report.outcome, report.error), (Outcome::Done, None));
        assert!(report.rows > 0);
        check_all(&pair, &rows).await;
    });
}

#[test]
fn a_run_is_paused_between_two_batches() {
    run(async {
        let folder = scratch();
        pair_with_history(folder.path()).await;
        let pair = Pair::open(folder.path(), now()).await;
        let options = ArchiveOptions { leaves_paused: true, ..plan(15, 9) };
        let first = run_batch(&pair.mover(SIZES), family("posts"), &options).await;
        assert_eq!((first.outcome, first.batches), (Outcome::Stopped, 1));
        set_paused(&pair, "posts", true).await;
        let stop = AtomicBool::new(false);
        let report = pair.mover(SIZES).run(family("posts"), &options, &stop, &mut |_| {}).await;
        assert_eq!((report.outcome, report.batches), (Outcome::Paused, 0));
        let other = pair.mover(SIZES).run(family("messages"), &options, &stop, &mut |_| {}).await;
        assert_eq!(other.outcome, Outcome::Done, "another resource is not paused");
    });
}

#[test]
fn a_stop_ends_a_paused_run_and_a_paused_restore() {
    run(async {
        let folder = scratch();
        pair_with_history(folder.path()).await;
        let pair = Pair::open(folder.path(), now()).await;
        run_batch(&pair.mover(SIZES), family("messages"), &plan(15, 9)).await;
        set_paused(&pair, "messages", true).await;
        let (mover, options) = (pair.mover(SIZES), plan(15, 9));
        let stop = AtomicBool::new(false);
        let mut progress = |report: &RunReport| stop.store(report.paused, Ordering::Relaxed);
        let report = mover.run(family("messages"), &options, &stop, &mut progress).await;
        assert_eq!((report.outcome, report.batches), (Outcome::Stopped, 0));

        let stop = AtomicBool::new(false);
        let mut progress = |report: &RunReport| stop.store(report.paused, Ordering::Relaxed);
        let report = mover.restore(family("messages"), Selection::All, 9, &stop, &mut progress).await;
        assert_eq!((report.outcome, report.batches), (Outcome::Stopped, 0));
    });
}

/// The limits of operators and those of the run count together: the stricter one.
#[test]
fn a_pace_bounds_rows_by_time() {
    run(async {
        let folder = scratch();
        let rows = pair_with_history(folder.path()).await;
        let pair = Pair::open(folder.path(), now()).await;
        let messages = family("messages");
        let set = |rate: Option<i64>| {
            control::change(&*pair.hot, "messages", now(), move |control| control.rows_per_second = rate)
        };
        set(Some(10)).await.expect("a change");
        let (mover, options, stop) = (pair.mover(SIZES), plan(15, 1000), AtomicBool::new(false));
        let (mut batches, begun) = (Vec::new(), Instant::now());
        let mut progress = |report: &RunReport| {
            batches.push(report.rows);
            stop.store(report.batches == 2, Ordering::Relaxed);
        };
        let report = mover.run(messages, &options, &stop, &mut progress).await;
        // A batch is what may move in a second; the second one waits for the first one's second to pass.
        assert_eq!((report.outcome, batches), (Outcome::Stopped, vec![0, 10, 20]));
        assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());

        // The pace is lifted while the mover waits.
        set(Some(1)).await.expect("a change");
        let (stop, lifted) = (AtomicBool::new(false), AtomicBool::new(false));
        let mut progress = |report: &RunReport| lifted.store(report.batches > 0, Ordering::Relaxed);
        let moving = mover.run(messages, &options, &stop, &mut progress);
        let operator = async {
            until("a batch moved", async || lifted.load(Ordering::Relaxed)).await;
            set(None).await.expect("a change");
        };
        let (report, ()) = futures::future::join(moving, operator).await;
        assert_eq!((report.outcome, report.error), (Outcome::Done, None));
        check_all(&pair, &rows).await;
    });
}

#[test]
fn operators_bound_the_latency_of_hot() {
    run(async {
        let folder = scratch();
        pair_with_history(folder.path()).await;
        let pair = Pair::open(folder.path(), now()).await;
        let never = Some(Duration::ZERO);
        let changed =
            control::change(&*pair.hot, "messages", now(), |control| control.max_hot_latency = never);
        changed.await.expect("a change");
        let (mover, stop) = (pair.mover(SIZES), AtomicBool::new(false));
        let lenient = ArchiveOptions { max_hot_latency: Some(Duration::from_mins(1)), ..plan(15, 9) };
        let report = mover.run(family("messages"), &lenient, &stop, &mut |_| {}).await;
        assert_eq!((report.outcome, report.rows), (Outcome::HotIsSlow, 0));
    });
}

/// Steers a running command from another process, as an operator would.
fn steer(fixture: &Fixture) {
    let archive = "archive run --older-than 1d --batch 2 --patience 0s --resource messages --json";
    fixture.done("archive pace --resource messages --rows-per-second 2");
    let child = fixture.command(archive).spawn().expect("the program");
    let epoch = || {
        let status = fixture.done("archive status --json --resource messages").out;
        let status: serde_json::Value = serde_json::from_str(&status).expect("a status");
        status["resources"][0].clone()
    };
    run(until("a batch moved", async || epoch()["epoch"] != 0));
    assert_eq!(fixture.done("archive pause --resource messages").out, "messages: paused\n");
    assert_eq!(fixture.done("archive pause --resource messages").out, "messages: was paused already\n");
    let status = fixture.done("archive status --resource messages").out;
    assert!(status.contains("  pace     at most 2 rows/s\n"), "{status}");
    assert!(status.contains("  waiting  paused: run `thermocline archive continue`\n"), "{status}");
    let paused = epoch();
    assert_eq!((&paused["paused"], &paused["rows_per_second"]), (&true.into(), &2.into()), "{paused}");
    assert!(paused["max_hot_latency_ms"].is_null(), "{paused}");
    assert_eq!(
        fixture.done("archive pace --unlimited").out.lines().next(),
        Some("messages: unlimited, paused")
    );
    assert_eq!(fixture.done("archive continue --resource messages").out, "messages: goes on\n");
    assert_eq!(fixture.done("archive continue --resource messages").out, "messages: was not paused\n");
    let ended = Ended::of(finish(child));
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let report: serde_json::Value = serde_json::from_str(&ended.out).expect("a report");
    assert_eq!(report[0]["outcome"], "done", "{ended:?}");
    run(fixture.check_whole("messages"));

    // A signal ends a paused command.
    fixture.done("archive pause --resource posts");
    let mut command = fixture.command("archive run --older-than 1d --resource posts --json");
    let mut child = command.spawn().expect("the program");
    let mut said = crate::support::waiting::Lines::of(child.stderr.take().expect("its log"));
    assert!(said.any(|line| line.contains("paused until `thermocline archive continue`")), "it says so");
    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(killed.expect("kill").success());
    let ended = Ended::of(finish(child));
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.out.contains("\"outcome\": \"stopped\""), "{ended:?}");
}

#[test]
fn a_command_is_steered_from_another_process() {
    let fixture = Fixture::embedded();
    steer(&fixture);
    let wrong = output(&mut fixture.command("archive pace"));
    assert_eq!(wrong.status.code(), Some(2), "{wrong:?}");
    fixture.end();
}

#[test]
fn a_command_beside_postgres_is_steered_from_another_process() {
    let Some(fixture) = Fixture::mixed() else { return };
    steer(&fixture);
    fixture.end();
}

#[test]
fn steering_works_while_cold_is_away() {
    let Some(database) = run(postgres::database()) else { return };
    let mut fixture = Fixture::beside(database);
    fixture.program.cold = "postgres://127.0.0.1:1/nothing".to_owned();
    assert_eq!(fixture.done("archive pause --resource prices").out, "prices: paused\n");
    let status = fixture.done("archive status --resource prices").out;
    assert!(status.contains("paused: run") && status.contains("cold is unavailable"), "{status}");
    fixture.end();
}
