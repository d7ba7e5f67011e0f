//! Servers that move rows on a schedule.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use thermocline::archive::schedule::Schedule;
use thermocline::archive::verify::Verifier;
use thermocline::clock::Timestamp;
use thermocline::journal::control;
use thermocline::resources;
use thermocline::tier::Schema;

use super::fault_injection::{check_all, now, pair_with_history};
use super::program::{Program, Serving};
use super::{Pair, plan, run, scratch, sql};
use crate::support::client;
use crate::support::waiting::until;

fn schedule(hot: &Arc<dyn Schema>, cold: &Arc<dyn Schema>, pair: &Pair, name: &str) -> Schedule {
    Schedule {
        hot: Arc::clone(hot) as _,
        cold: Arc::clone(cold) as _,
        clock: pair.clock.clone(),
        name: name.to_owned(),
        resources: resources::families().map(|family| (family, plan(15, 5))).to_vec(),
        cron: "0 2 * * *".parse().expect("a schedule"),
    }
}

async fn epochs(pair: &Pair) -> Vec<i64> {
    let all = pair.hot.fetch(&sql("SELECT epoch FROM archive_state ORDER BY resource"), &[]).await;
    all.expect("epochs").iter().map(|row| row.int("epoch").expect("a number")).collect()
}

async fn due(pair: &Pair) -> i64 {
    let mut due = 0;
    for family in resources::families() {
        let mover = pair.mover(thermocline::archive::BlockSizes::default());
        due += mover.due(family, 15 * thermocline::clock::DAY).await.expect("a count");
    }
    due
}

#[test]
fn rows_move_on_schedule_only() {
    run(async {
        let folder = scratch();
        let rows = pair_with_history(folder.path()).await;
        let pair = Pair::open(folder.path(), now()).await;
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        pair.clock.set(at("2026-03-02T01:59:59.900000Z"));
        let before = epochs(&pair).await;
        let (schedule, stop) = (schedule(&pair.hot, &pair.cold, &pair, "one"), AtomicBool::new(false));
        let watch = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            assert_eq!(epochs(&pair).await, before, "it is not yet time");
            pair.clock.set(at("2026-03-02T02:00:00Z"));
            let begun = Instant::now();
            while due(&pair).await > 0 {
                assert!(begun.elapsed() < Duration::from_mins(1), "nothing moves");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            stop.store(true, Ordering::Relaxed);
        };
        futures::future::join(schedule.run(&stop), watch).await;
        assert!(epochs(&pair).await.iter().zip(&before).all(|(after, before)| after > before));
        check_all(&pair, &rows).await;
    });
}

#[test]
fn many_servers_move_each_row_once() {
    run(async {
        let folder = scratch();
        let rows = pair_with_history(folder.path()).await;
        let pair = Pair::open(folder.path(), now()).await;
        let other = Pair::open(folder.path(), now()).await;
        assert!(due(&pair).await > 50);
        let stop = AtomicBool::new(false);
        let (one, two) =
            (schedule(&pair.hot, &pair.cold, &pair, "one"), schedule(&other.hot, &other.cold, &other, "two"));
        futures::future::join(one.once(&stop), two.once(&stop)).await;
        // Each may have overtaken the other once; the next run moves the rest.
        one.once(&stop).await;
        assert_eq!(due(&pair).await, 0);
        check_all(&pair, &rows).await;
        for family in resources::families() {
            let verifier = Verifier { hot: &*pair.hot, cold: &*pair.cold, family };
            assert_eq!(
                verifier.run(None, &mut |_| {}).await.expect("a report").found,
                [],
                "{}",
                family.resource
            );
        }
    });
}

#[test]
fn a_held_resource_is_skipped() {
    run(async {
        let folder = scratch();
        pair_with_history(folder.path()).await;
        let pair = Pair::open(folder.path(), now()).await;
        pair.change("UPDATE archive_state SET held = 1 WHERE resource = 'posts'", &[]).await;
        let before = epochs(&pair).await;
        schedule(&pair.hot, &pair.cold, &pair, "one").once(&AtomicBool::new(false)).await;
        let after = epochs(&pair).await;
        // In the order of their names: messages, posts, prices.
        assert!(
            after[0] > before[0] && after[1] == before[1] && after[2] > before[2],
            "{before:?} {after:?}"
        );
    });
}

/// A paused resource keeps the others from nothing, and moves as soon as an operator lets it.
#[test]
fn a_paused_resource_goes_on_between_the_times_of_the_schedule() {
    run(async {
        let folder = scratch();
        let rows = pair_with_history(folder.path()).await;
        let pair = Pair::open(folder.path(), now()).await;
        let set = |paused: bool| {
            control::change(&*pair.hot, "messages", now(), move |control| control.paused = paused)
        };
        set(true).await.expect("a change");
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        pair.clock.set(at("2026-03-02T01:59:59.900000Z"));
        let (schedule, stop) = (schedule(&pair.hot, &pair.cold, &pair, "one"), AtomicBool::new(false));
        let before = epochs(&pair).await;
        let operator = async {
            pair.clock.set(at("2026-03-02T02:00:00Z"));
            // In the order of their names: messages, posts, prices. The last of them comes last.
            until("prices moved", async || epochs(&pair).await[2] > before[2]).await;
            assert_eq!(epochs(&pair).await[0], before[0], "it is paused");
            set(false).await.expect("a change");
            until("everything moved", async || due(&pair).await == 0).await;
            stop.store(true, Ordering::Relaxed);
        };
        futures::future::join(schedule.run(&stop), operator).await;
        check_all(&pair, &rows).await;
    });
}

#[test]
fn a_server_audits_and_exports_metrics() {
    let program = Program::new();
    run(async {
        pair_with_history(program.path()).await;
    });
    let environment =
        [("THERMOCLINE_ARCHIVE_SCHEDULE", "0 0 29 2 *"), ("THERMOCLINE_ARCHIVE_AUDIT_RATE", "100000")];
    let server = Serving::start(&program, &environment).expect("it serves");
    let address = server.address.clone();
    let numbers = run(async {
        let client = client().build().expect("a client");
        let mut text = String::new();
        until("an audited message", async || {
            let answer = client.get(format!("http://{address}/metrics")).send().await.expect("an answer");
            text = answer.text().await.expect("text");
            let name = "thermocline_archive_audit_rows_total{resource=\"messages\"}";
            let audited = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
            audited > Some(0.0)
        })
        .await;
        text
    });
    let ended = server.stop();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let audited = numbers.lines().any(|line| {
        let rows = line.strip_prefix("thermocline_archive_audit_rows_total{resource=\"messages\"} ");
        rows.is_some_and(|rows| rows != "0")
    });
    assert!(audited, "{numbers}");
    for expected in [
        "thermocline_archive_audit_violations_total{resource=\"posts\",kind=\"neither_tier\"} 0",
        "thermocline_archive_rows_moved_total{resource=\"prices\"} 0",
        "thermocline_archive_failures_total{resource=\"messages\"} 0",
        "thermocline_archive_last_success_timestamp_seconds{resource=\"messages\"} 0",
    ] {
        assert!(numbers.lines().any(|line| line == expected), "{expected}: {numbers}");
    }
    assert!(
        !numbers
            .lines()
            .any(|line| line.starts_with("thermocline_archive_audit_violations_total")
                && !line.ends_with(" 0")),
        "{numbers}"
    );
}
