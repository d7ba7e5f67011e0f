//! The batches of a restore, its limits, and what it does not wait for.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use thermocline::archive::{Consent, Family, Outcome, RunReport, Selection};
use thermocline::clock::{DAY, Timestamp};
use thermocline::tier::{Engine, Record, Session, Statement, Tier, TierError, Value, migrate};
use thermocline::{resources, schema};

use super::audit::audit;
use super::fault_injection::{check_all, now, pair_with_history};
use super::logical_table::{self, TALKS, Table};
use super::program::Program;
use super::{HOT, Pair, SIZES, copy_file, copy_pair, execute, mover, plan, run, run_mover, scratch};
use crate::support::explain;
use crate::support::intercept::{Call, Intercepted, Interceptor, Reply};
use crate::support::postgres;

/// A tier that does not answer counts in time, and records the plans by which PostgreSQL picks rows to restore.
#[derive(Debug)]
struct Watched {
    inner: Arc<dyn Engine>,
    plans: Arc<Mutex<Vec<String>>>,
}

impl Watched {
    fn new(inner: Arc<dyn Engine>) -> Self {
        Self { inner, plans: Arc::default() }
    }
}

#[async_trait]
impl Engine for Watched {
    fn tier(&self) -> Tier {
        self.inner.tier()
    }

    async fn fetch(&self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError> {
        if statement.name == "archive.selected_count" || statement.name.ends_with(".due_count") {
            return Err(TierError::Unavailable { tier: self.tier(), source: "no answer in time".into() });
        }
        self.inner.fetch(statement, params).await
    }

    async fn session(&self) -> Result<Box<dyn Session>, TierError> {
        let (inner, is_spread) = (self.inner.session().await?, self.inner.is_spread());
        Ok(Box::new(Intercepted(WatchedSession { inner, is_spread, plans: Arc::clone(&self.plans) })))
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

struct WatchedSession {
    inner: Box<dyn Session>,
    /// Whether Citus spreads its tables.
    is_spread: bool,
    plans: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl Interceptor for WatchedSession {
    async fn call(&mut self, call: Call<'_>) -> Result<Reply, TierError> {
        if let Call::Fetch(statement, params) = call {
            let picks = statement.for_postgres().filter(|_| statement.name == "archive.selected");
            if picks.is_some() && self.is_spread {
                let plan = explain::on_citus(&mut *self.inner, "COSTS ON", statement, params).await?;
                self.plans.lock().expect("unpoisoned").push(plan);
            } else if let Some(text) = picks {
                let explain = format!("-- test\nEXPLAIN {text}").leak();
                let lines = self.inner.fetch(&Statement::new(explain).postgres(explain), params).await?;
                let lines = lines.iter().map(|line| line.text("QUERY PLAN")).collect::<Result<Vec<_>, _>>();
                // Only PostgreSQL has a plan to record.
                self.plans.lock().expect("unpoisoned").extend(lines.map(|lines| lines.join("\n")));
            }
        }
        call.forward(&mut *self.inner).await
    }
}

/// Picking rows reads a range of an index, however much of the archive is open or closed.
#[test]
fn postgres_picks_rows_along_the_batch_index() {
    run(async {
        let Some((cold, _database)) = postgres::cold().await else { return };
        let folder = scratch();
        let pair = Pair::open_unpaired(folder.path(), now()).await;
        migrate::upgrade(&*pair.hot).await.expect("a schema");
        let cold = Watched::new(Arc::new(cold));
        thermocline::journal::pair::ensure(&*pair.hot, &cold, &pair.clock).await.expect("a pair");
        logical_table::fill(&pair, &Table { messages: Vec::new(), ..Table::sample(now()) }).await;
        let many = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 10000)
            INSERT INTO messages (id, conversation_id, sender_id, content, created_at)
            SELECT n, 1, 1, 'text', n * 1000000 FROM n";
        assert_eq!(pair.change(many, &[]).await, 10_000);
        let [messages, ..] = resources::families();
        let all = mover(&*pair.hot, &cold, &pair.clock, SIZES);
        assert_eq!(run_mover(&all, messages, &plan(5, 2_000)).await.rows, 10_000);
        execute(&cold, "ANALYZE messages_archive", &[]).await;
        let at = |seconds: i64| Timestamp::default().plus(seconds * 1_000_000);
        let span = Selection::Span(at(3_000), at(4_000));
        let report = all.restore(messages, span, 500, &AtomicBool::new(false), &mut |_| {}).await;
        assert_eq!((report.outcome, report.rows), (Outcome::Done, 1_000), "{:?}", report.error);
        let plans = std::mem::take(&mut *cold.plans.lock().expect("unpoisoned"));
        assert_eq!(plans.len(), 3);
        assert!(plans.iter().all(|plan| plan.contains("messages_archive_batch")), "{plans:?}");
        // In the middle of an archived batch, and with most of the newest rows closed.
        let stop = AtomicBool::new(false);
        let mut progress = |report: &RunReport| stop.store(report.rows >= 6_500, Ordering::Relaxed);
        let report = all.restore(messages, Selection::All, 500, &stop, &mut progress).await;
        assert_eq!((report.outcome, report.rows), (Outcome::Stopped, 6_500), "{:?}", report.error);
        let report = all.restore(messages, Selection::All, 500, &AtomicBool::new(false), &mut |_| {}).await;
        assert_eq!((report.outcome, report.rows), (Outcome::Done, 2_500), "{:?}", report.error);
        let plans = std::mem::take(&mut *cold.plans.lock().expect("unpoisoned"));
        assert_eq!(plans.len(), 13 + 6);
        for plan in plans {
            // The index of a chunk has the name of its table before it, that of a shard its number behind it.
            let used = plan.split("Backward using ").nth(1).and_then(|rest| rest.split(" on ").next());
            assert!(used.is_some_and(|index| index.contains("messages_archive_batch")), "{plan}");
        }
        cold.close().await;
        pair.close().await;
    });
}

/// Counting a very large table may take too long.
#[test]
fn a_slow_count_does_not_prevent_a_move() {
    run(async {
        let folder = scratch();
        let rows = pair_with_history(folder.path()).await;
        let pair = Pair::open_unpaired(folder.path(), now()).await;
        let (hot, cold) = (Watched::new(pair.hot.clone()), Watched::new(pair.cold.clone()));
        let all = mover(&hot, &cold, &pair.clock, SIZES);
        for family in resources::families() {
            let back = all.restore(family, Selection::All, 40, &AtomicBool::new(false), &mut |_| {}).await;
            assert_eq!((back.outcome, back.error, back.due), (Outcome::Done, None, None));
            all.resume(family).await.expect("resumed");
            let there = run_mover(&all, family, &plan(5, 40)).await;
            assert_eq!((there.outcome, there.error, there.due), (Outcome::Done, None, None));
            assert!(back.rows > 0 && there.rows > 0, "{}", family.resource);
        }
        check_all(&pair, &rows).await;
        pair.close().await;
    });
}

/// The size of a post includes its comments.
#[test]
fn restore_batches_are_limited_in_bytes() {
    run(async {
        let folder = scratch();
        let pair = Pair::open(folder.path(), now()).await;
        let mut rows = Table::sample(now());
        rows.messages.truncate(20);
        rows.messages.iter_mut().take(12).for_each(|message| message.content = "四".repeat(1_000_000));
        rows.posts.truncate(3);
        rows.likes.clear();
        rows.comments =
            (1..=6).map(|id| logical_table::comment(id, 1 + id % 3, rows.posts[2].created_at)).collect();
        rows.comments.iter_mut().for_each(|comment| comment.body = "四".repeat(1_500_000));
        logical_table::fill(&pair, &rows).await;
        let [messages, posts, _] = resources::families();
        // 16 MiB hold five messages of 3 MB, or a post with two comments of 4.5 MB; the newest come first.
        for (family, expected) in [(messages, &[0, 13, 18, 20][..]), (posts, &[0, 3, 6, 9])] {
            run_mover(&pair.mover(SIZES), family, &plan(15, 1_000)).await;
            let (stop, mut batches) = (AtomicBool::new(false), Vec::new());
            let mut progress = |report: &RunReport| batches.push(report.rows);
            let report = pair.mover(SIZES).restore(family, Selection::All, 1_000, &stop, &mut progress).await;
            assert_eq!((report.outcome, report.error), (Outcome::Done, None));
            assert_eq!(batches, expected, "{}", family.resource);
        }
        check_all(&pair, &rows).await;
        pair.close().await;
    });
}

/// Late rows were archived by later moves than their neighbours.
#[test]
fn a_time_range_restores_exactly_its_rows() {
    run(async {
        let folder = scratch();
        let rows = pair_with_history(folder.path()).await;
        let pair = Pair::open_unpaired(folder.path(), now()).await;
        for family in resources::families() {
            run_mover(&pair.mover(SIZES), family, &plan(-1, 12)).await;
        }
        let [messages, posts, prices] = resources::families();
        let (from, to) = (now().plus(-36 * DAY), now().plus(-20 * DAY));
        let lies = |at: &Timestamp| (from..to).contains(at);
        let days = || rows.prices.keys().map(|(_, day)| Timestamp::midnight(*day));
        let day = |at: Timestamp| Timestamp::midnight(at.date());
        let expected = [
            (messages, rows.messages.iter().filter(|row| lies(&row.created_at)).count()),
            (posts, rows.posts.iter().filter(|row| lies(&row.created_at)).count()),
            (prices, days().filter(|at| (day(from)..day(to)).contains(at)).count()),
        ];
        for (family, number) in expected {
            let restore = async |chosen| {
                let stop = AtomicBool::new(false);
                let report = pair.mover(SIZES).restore(family, chosen, 5, &stop, &mut |_| {}).await;
                assert_eq!((report.outcome, report.error), (Outcome::Done, None));
                assert_eq!(Some(report.of_resource), report.due, "{}", family.resource);
                report.of_resource
            };
            let all = restore(Selection::Span(now(), now().plus(DAY))).await;
            assert!(number > 10 && all < 5, "{}: {number}", family.resource);
            assert_eq!(restore(Selection::Span(from, to)).await, number as i64, "{}", family.resource);
            assert_eq!(restore(Selection::Span(from, to)).await, 0);
            assert_eq!(restore(Selection::Span(now().plus(DAY), now().plus(2 * DAY))).await, 0);
        }
        check_all(&pair, &rows).await;
        audit(&pair).await;
        pair.close().await;
    });
}

/// The platform may delete a user whose rows are all archived: those rows stay in cold, readable, until the user exists
/// again.
#[test]
fn rows_without_a_parent_stay_in_cold() {
    let program = Program::new();
    run(async {
        let mut rows = Table::sample(now());
        rows.messages.iter_mut().for_each(|message| message.conversation_id = 1 + message.id % TALKS);
        let pair = Pair::open(program.path(), now()).await;
        logical_table::fill(&pair, &rows).await;
        for family in resources::families() {
            run_mover(&pair.mover(SIZES), family, &plan(-1, 12)).await;
        }
        pair.change("DELETE FROM conversations WHERE id = 3", &[]).await;
        pair.change("DELETE FROM users WHERE id = 5", &[]).await;
        pair.change("DELETE FROM stocks WHERE id = 2", &[]).await;

        let stay = rows.messages.iter().filter(|row| row.conversation_id == 3 || row.sender_id == 5).count();
        let commented: BTreeSet<i64> =
            rows.comments.iter().filter(|row| row.author_id == 5).map(|row| row.post_id).collect();
        let [messages, posts, prices] = resources::families();
        let restore = async |family: &Family| {
            let report = pair
                .mover(SIZES)
                .restore(family, Selection::All, 9, &AtomicBool::new(false), &mut |_| {})
                .await;
            assert_eq!((report.outcome, report.error.as_deref()), (Outcome::Done, None));
            report
        };
        let expected = [
            (messages, stay, rows.messages.len(), "messages 114: sender_id 5 is not in users"),
            (posts, commented.len(), rows.posts.len(), "author_id 5 is not in users"),
            (prices, rows.prices.len() / 2, rows.prices.len(), "stock_id 2 is not in stocks"),
        ];
        for (family, left, all, lacks) in expected {
            let report = restore(family).await;
            assert_eq!((report.left, report.of_resource), (left as i64, (all - left) as i64));
            assert!(left > 0 && left < all && report.lacking.len() == left.min(10), "{report:?}");
            assert!(report.lacking.iter().any(|text| text.contains(lacks)), "{:?}", report.lacking);
            let again = restore(family).await;
            assert_eq!((again.rows, again.left), (0, left as i64), "nothing moves in vain");
        }
        check_all(&pair, &rows).await;
        audit(&pair).await;
        pair.close().await;

        let ended = program.run(&["archive", "restore", "--resource", "prices", "--all"]);
        assert_eq!(ended.status, Some(1), "{ended:?}");
        assert!(ended.out.contains("30 stay: hot does not have what they refer to"), "{ended:?}");
        assert!(ended.err.contains("stock_id 2 is not in stocks"), "{ended:?}");

        let pair = Pair::open_unpaired(program.path(), now()).await;
        pair.change("INSERT INTO users (id, username) VALUES (5, 'user5')", &[]).await;
        pair.change("INSERT INTO stocks (id, symbol, created_at, updated_at) VALUES (2, '0002', 0, 0)", &[])
            .await;
        pair.change(
            "INSERT INTO conversations (id, user1_id, created_at, updated_at) VALUES (3, 1, 0, 0)",
            &[],
        )
        .await;
        for (family, left, ..) in expected {
            let stop = AtomicBool::new(false);
            let report = pair.mover(SIZES).restore(family, Selection::All, 9, &stop, &mut |_| {}).await;
            assert_eq!((report.left, report.of_resource), (0, left as i64), "{:?}", report.error);
        }
        check_all(&pair, &rows).await;
        audit(&pair).await;
        pair.close().await;
    });
}

/// A user who was created after the backup of hot wrote rows that have moved since.
#[test]
fn a_recovery_names_missing_parents() {
    run(async {
        let (past, folder) = (scratch(), scratch());
        let mut rows = pair_with_history(past.path()).await;
        copy_pair(past.path(), folder.path());
        let pair = Pair::open_unpaired(folder.path(), now()).await;
        let user = "INSERT INTO users (id, username) VALUES (6, 'user6')";
        pair.change(user, &[]).await;
        let mut message = logical_table::message(127, 1, now().plus(-35 * DAY));
        message.sender_id = 6;
        pair.put(&schema::MESSAGES, logical_table::message_row(&message)).await;
        rows.messages.push(message);
        let [messages, ..] = resources::families();
        assert!(run_mover(&pair.mover(SIZES), messages, &plan(25, 12)).await.rows > 0);
        pair.close().await;
        copy_file(past.path(), folder.path(), HOT);

        let pair = Pair::open_unpaired(folder.path(), now()).await;
        for consent in [Consent::DryRun, Consent::Lossless] {
            let refused = pair.mover(SIZES).recover(messages, &consent).await.expect("an answer");
            assert_eq!(refused.orphans, ["messages 127: sender_id 6 is not in users"]);
            assert_eq!(refused.epoch, None);
        }
        pair.change(user, &[]).await;
        let done = pair.mover(SIZES).recover(messages, &Consent::Lossless).await.expect("a recovery");
        assert!(done.epoch.is_some() && done.orphans.is_empty(), "{done:?}");
        check_all(&pair, &rows).await;
        audit(&pair).await;
        pair.close().await;
    });
}
