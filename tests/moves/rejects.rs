//! Rows that cannot be moved, and the pace of the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use thermocline::archive::status::status;
use thermocline::archive::{self, ArchiveOptions, Family, Outcome};
use thermocline::clock::DAY;
use thermocline::resources;
use thermocline::tier::{Engine, Record, Schema, Session, Statement, Tier, TierError, Value, migrate};

use super::expected_lists::Reader;
use super::fault_injection::now;
use super::logical_table::{self, Table};
use super::program::Program;
use super::{Pair, SIZES, mover, plan, run, run_mover, scratch, sql};
use crate::support::intercept::{Call, Intercepted, Interceptor, Reply};
use crate::support::postgres;
use crate::support::waiting::finish;

fn family(resource: &str) -> &'static Family {
    let found = resources::families().into_iter().find(|family| family.resource == resource);
    found.expect("a family")
}

async fn rejects(pair: &Pair) -> Vec<(String, i64, String)> {
    let all = sql("SELECT resource, id, reason FROM archive_rejects ORDER BY resource, id");
    let rows = pair.hot.fetch(&all, &[]).await.expect("rejects");
    let read = |row: &Record| {
        let text = |name: &str| row.text(name).expect("text");
        (text("resource"), row.int("id").expect("an id"), text("reason"))
    };
    rows.iter().map(read).collect()
}

#[test]
fn rows_that_cold_cannot_store_are_rejected_and_stay_in_hot() {
    run(async {
        let Some((cold, _database)) = postgres::cold().await else { return };
        let folder = scratch();
        let pair = Pair::open_unpaired(folder.path(), now()).await;
        migrate::upgrade(&*pair.hot).await.expect("a schema");
        thermocline::journal::pair::ensure(&*pair.hot, &cold, &pair.clock).await.expect("a pair");
        let mut rows = Table::sample(now());
        for id in [0, 7, 30] {
            rows.messages[id].content = format!("before\0after {id}");
        }
        let held = rows.comments[0].post_id;
        rows.comments[0].body = "\0".to_owned();
        rows.posts[20].title = "a\0b".to_owned();
        let days: Vec<_> = rows.prices.keys().copied().take(2).collect();
        for (day, price) in days.iter().zip(["100000000.00", "1.005"]) {
            rows.prices.get_mut(day).expect("a day").close = Some(price.parse().expect("a price"));
        }
        logical_table::fill(&pair, &rows).await;

        let mover = || mover(&*pair.hot, &cold, &pair.clock, SIZES);
        for (family, rejected) in resources::families().into_iter().zip([3, 2, 2]) {
            let report = run_mover(&mover(), family, &plan(15, 9)).await;
            assert_eq!(
                (report.outcome, report.error.as_deref()),
                (Outcome::Done, None),
                "{}",
                family.resource
            );
            assert_eq!(report.rejected, rejected, "{}", family.resource);
            let left = mover().due(family, 15 * DAY).await.expect("a count");
            assert_eq!(
                (left, report.of_resource),
                (0, report.due.expect("a count") - rejected),
                "{}",
                family.resource
            );
            let status =
                status(&*pair.hot, Some(&cold), &pair.clock, family, 15 * DAY).await.expect("a status");
            assert_eq!((status.rejects.rows, status.lag_days), (rejected, 0.0), "{}", family.resource);
            assert!(
                status.cold.is_some_and(|cold| cold.mover.is_none()),
                "{}: no mover is active",
                family.resource
            );
            rows.check(family.resource, &Reader::new(&*pair.hot, &cold)).await.expect("every list");
        }
        let found = rejects(&pair).await;
        let of = |resource: &str| {
            found.iter().filter(|found| found.0 == resource).map(|found| found.1).collect::<Vec<_>>()
        };
        assert_eq!((of("messages"), of("posts")), (vec![1, 8, 31], vec![held, 21]));
        assert!(found[0].2.contains("row 1 of messages: content holds U+0000"), "{}", found[0].2);
        let of_child = found.iter().find(|found| found.1 == held && found.0 == "posts").expect("the post");
        assert!(of_child.2.contains("row 1 of comments: body"), "{}", of_child.2);
        assert!(found[5].2.contains("NUMERIC(10, 2)") && found[6].2.contains("NUMERIC(10, 2)"), "{found:?}");

        // Repaired, they move.
        for id in [0, 7, 30] {
            rows.messages[id].content = "mended".to_owned();
            pair.change("UPDATE messages SET content = 'mended' WHERE id = ?1", &[(id as i64 + 1).into()])
                .await;
        }
        assert_eq!(archive::retry_rejects(&*pair.hot, family("messages")).await.expect("retries"), 3);
        let report = run_mover(&mover(), family("messages"), &plan(15, 9)).await;
        assert_eq!((report.of_resource, report.rejected), (3, 0));
        rows.check("messages", &Reader::new(&*pair.hot, &cold)).await.expect("every list");
        // Without a repair they are rejected again.
        archive::retry_rejects(&*pair.hot, family("posts")).await.expect("retries");
        let report = run_mover(&mover(), family("posts"), &plan(15, 9)).await;
        assert_eq!((report.of_resource, report.rejected, report.outcome), (0, 2, Outcome::Done));
    });
}

/// A tier that cannot return some rows, is unreachable for a while, or is slow.
#[derive(Debug)]
struct TroubledTier {
    inner: Arc<dyn Schema>,
    unreadable: Vec<i64>,
    unreachable: AtomicI64,
    slow: Duration,
}

impl TroubledTier {
    fn new(inner: &Arc<dyn Schema>) -> Self {
        Self {
            inner: Arc::clone(inner),
            unreadable: Vec::new(),
            unreachable: AtomicI64::new(0),
            slow: Duration::ZERO,
        }
    }
}

#[async_trait]
impl Engine for TroubledTier {
    fn tier(&self) -> Tier {
        self.inner.tier()
    }

    async fn fetch(&self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError> {
        tokio::time::sleep(self.slow).await;
        self.inner.fetch(statement, params).await
    }

    async fn session(&self) -> Result<Box<dyn Session>, TierError> {
        if self.unreachable.fetch_sub(1, Ordering::SeqCst) > 0 {
            return Err(TierError::Unavailable { tier: self.tier(), source: "away".into() });
        }
        let inner = self.inner.session().await?;
        Ok(Box::new(Intercepted(TroubledSession { inner, unreadable: self.unreadable.clone() })))
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

struct TroubledSession {
    inner: Box<dyn Session>,
    unreadable: Vec<i64>,
}

#[async_trait]
impl Interceptor for TroubledSession {
    async fn call(&mut self, call: Call<'_>) -> Result<Reply, TierError> {
        let reply = call.forward(&mut *self.inner).await?;
        if let Call::Fetch(statement, [Value::Ints(ids)]) = call
            && statement.name == "archive.take"
            && ids.iter().any(|id| self.unreadable.contains(id))
        {
            let (column, problem) = ("content".to_owned(), "holds half a character".to_owned());
            return Err(TierError::Row { tier: Tier::Hot, statement: statement.name, column, problem });
        }
        Ok(reply)
    }
}

async fn filled(folder: &std::path::Path) -> (Pair, Table) {
    let pair = Pair::open(folder, now()).await;
    let rows = Table::sample(now());
    logical_table::fill(&pair, &rows).await;
    (pair, rows)
}

#[test]
fn an_unreadable_row_is_found_among_many() {
    run(async {
        let folder = scratch();
        let (pair, mut rows) = filled(folder.path()).await;
        let hot = TroubledTier { unreadable: vec![1, 17, 18, 60], ..TroubledTier::new(&pair.hot) };
        let all = mover(&hot, &*pair.cold, &pair.clock, SIZES);
        let report = run_mover(&all, family("messages"), &plan(15, 40)).await;
        assert_eq!((report.outcome, report.error, report.rejected), (Outcome::Done, None, 4));
        assert_eq!(report.of_resource, report.due.expect("a count") - 4);
        let found: Vec<i64> = rejects(&pair).await.into_iter().map(|(_, id, _)| id).collect();
        assert_eq!(found, [1, 17, 18, 60]);
        // Nothing else is due: the last claim found no rows and was given up.
        let hot = TroubledTier { unreadable: vec![76], ..TroubledTier::new(&pair.hot) };
        pair.change("UPDATE messages SET created_at = 5 WHERE id = 76", &[]).await;
        let report =
            run_mover(&mover(&hot, &*pair.cold, &pair.clock, SIZES), family("messages"), &plan(15, 40)).await;
        assert_eq!((report.outcome, report.rows, report.rejected), (Outcome::Done, 0, 1));
        let seen = status(&*pair.hot, Some(&*pair.cold), &pair.clock, family("messages"), 15 * DAY).await;
        assert!(seen.expect("a status").cold.is_some_and(|cold| cold.mover.is_none()));
        let changed = rows.messages.iter_mut().find(|message| message.id == 76).expect("a message");
        changed.created_at = thermocline::clock::Timestamp::default().plus(5);
        super::fault_injection::check_all(&pair, &rows).await;
    });
}

#[test]
fn batches_are_limited_in_bytes() {
    run(async {
        let folder = scratch();
        let (pair, mut rows) = filled(folder.path()).await;
        rows.messages.truncate(20);
        pair.change("DELETE FROM messages WHERE id > 20", &[]).await;
        let long = "四".repeat(1_000_000);
        for message in rows.messages.iter_mut().take(12) {
            message.content.clone_from(&long);
        }
        pair.change("UPDATE messages SET content = ?1 WHERE id <= 12", &[long.as_str().into()]).await;
        let mut batches = Vec::new();
        let mut progress = |report: &archive::RunReport| batches.push(report.rows);
        let stop = AtomicBool::new(false);
        let report = pair.mover(SIZES).run(family("messages"), &plan(15, 1000), &stop, &mut progress).await;
        assert_eq!((report.outcome, report.error, report.rows), (Outcome::Done, None, 20));
        // 16 MiB hold five rows of 3 MB.
        assert_eq!(batches, [0, 5, 10, 20]);
    });
}

#[test]
fn the_mover_waits_for_a_slow_hot_and_an_unreachable_cold() {
    run(async {
        let folder = scratch();
        let (pair, rows) = filled(folder.path()).await;
        let hot = TroubledTier { slow: Duration::from_millis(20), ..TroubledTier::new(&pair.hot) };
        let gentle = ArchiveOptions {
            max_hot_latency: Some(Duration::from_millis(10)),
            patience: Duration::from_millis(300),
            ..plan(15, 40)
        };
        let begun = Instant::now();
        let all = mover(&hot, &*pair.cold, &pair.clock, SIZES);
        let report = run_mover(&all, family("messages"), &gentle).await;
        assert_eq!((report.outcome, report.error, report.rows), (Outcome::HotIsSlow, None, 0));
        assert!(begun.elapsed() >= Duration::from_millis(300));

        let cold = TroubledTier { unreachable: AtomicI64::new(2), ..TroubledTier::new(&pair.cold) };
        let all = mover(&*pair.hot, &cold, &pair.clock, SIZES);
        let report = run_mover(&all, family("messages"), &plan(15, 40)).await;
        assert_eq!((report.outcome, report.rows), (Outcome::Failed, 0), "without patience");
        let report = run_mover(&all, family("messages"), &gentle_patience()).await;
        assert_eq!((report.outcome, report.error), (Outcome::Done, None));
        assert!(report.rows > 50);
        super::fault_injection::check_all(&pair, &rows).await;
    });
}

fn gentle_patience() -> ArchiveOptions {
    ArchiveOptions { patience: Duration::from_secs(30), ..plan(15, 40) }
}

#[test]
fn a_pause_ends_when_the_run_is_told_to_stop() {
    run(async {
        let folder = scratch();
        let (pair, _) = filled(folder.path()).await;
        let (stop, begun) = (AtomicBool::new(false), Instant::now());
        let slow = ArchiveOptions { pause: Duration::from_mins(10), ..plan(15, 9) };
        let mut progress = |report: &archive::RunReport| stop.store(report.batches > 0, Ordering::Relaxed);
        let report = pair.mover(SIZES).run(family("messages"), &slow, &stop, &mut progress).await;
        assert_eq!((report.outcome, report.batches), (Outcome::Stopped, 1));
        assert!(begun.elapsed() < Duration::from_mins(1));
    });
}

#[test]
fn without_a_terminal_each_batch_is_logged() {
    let program = Program::new();
    run(async {
        let pair = Pair::open(program.path(), now()).await;
        logical_table::fill(&pair, &Table::sample(now())).await;
        pair.close().await;
    });
    program.write("thermocline.toml", "[archive]\nbatch = 25\n[archive.posts]\nolder_than = '36500d'\n");
    let ended = program.run(&["archive", "run", "--json"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let reports: serde_json::Value = serde_json::from_str(&ended.out).expect("a report");
    let batches: i64 = (0..3).map(|nth| reports[nth]["batches"].as_i64().expect("a number")).sum();
    let lines: Vec<&str> = ended.err.lines().filter(|line| line.contains("moved a batch")).collect();
    assert_eq!(lines.len() as i64, batches, "{}", ended.err);
    assert!(reports[0]["batches"].as_i64() >= Some(4), "25 rows a batch: {reports}");
    assert_eq!(reports[1]["rows"], 0, "posts are kept for a hundred years: {reports}");
    let line: serde_json::Value = serde_json::from_str(lines[0]).expect("a JSON line");
    assert_eq!((line["resource"].as_str(), line["rows"].as_i64()), (Some("messages"), Some(25)), "{line}");
}

#[test]
fn a_closed_pipe_does_not_stop_a_command() {
    let program = Program::new();
    run(async {
        let pair = Pair::open(program.path(), now()).await;
        logical_table::fill(&pair, &Table::sample(now())).await;
        pair.close().await;
    });
    let due: i64 = (program.report(&["archive", "run", "--dry-run"]).as_array().expect("a report").iter())
        .map(|resource| resource["due"].as_i64().expect("a number"))
        .sum();
    assert!(due > 0);
    let mut child = program.start(&["archive", "run", "--batch", "25"]);
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(finish(child).status.code(), Some(0));
    for resource in program.report(&["archive", "status"])["resources"].as_array().expect("a report") {
        assert_eq!(resource["due"], 0, "{resource}");
    }
}
