//! `archive vacuum`: which versions it removes, which it keeps, and what it leaves when it is interrupted.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use thermocline::archive::vacuum::{Vacuum, VacuumReport};
use thermocline::archive::verify::Verifier;
use thermocline::archive::{Family, Outcome, Selection};
use thermocline::clock::DAY;
use thermocline::federation::HotSnapshot;
use thermocline::federation::reads::{Cold as _, ColdError};
use thermocline::federation::sql::SqlCold;
use thermocline::page::{Slice, Span};
use thermocline::resources;
use thermocline::resources::messages::Messages;
use thermocline::tier::{Begin, Engine};

use super::audit::{audit, audit_family};
use super::fault_injection::{check_all, now, pair_with_history};
use super::faulty_engine::{Fault, Faulty, Fuse};
use super::logical_table::Table;
use super::program::Program;
use super::{Pair, SIZES, copy_pair, plan, run, run_batch, run_mover, scratch, sql};

pub async fn vacuum(
    cold: &dyn Engine,
    pair: &Pair,
    family: &Family,
    keep: i64,
) -> Result<VacuumReport, String> {
    let vacuum = Vacuum { cold, clock: &pair.clock, family, keep };
    vacuum.run(&AtomicBool::new(false)).await.map_err(|error| error.to_string())
}

/// Returns how many versions are closed, how many deltas are more than one a block, and how many activity counts are
/// more than one a day.
async fn removable(pair: &Pair, family: &Family) -> (i64, i64, i64) {
    let swept =
        Vacuum { cold: &*pair.cold, clock: &pair.clock, family, keep: 0 }.count().await.expect("counts");
    (swept.versions, swept.deltas, swept.actions)
}

async fn check_sound(pair: &Pair, rows: &Table, when: &str) {
    check_all(pair, rows).await;
    audit(pair).await;
    for family in resources::families() {
        let verifier = Verifier { hot: &*pair.hot, cold: &*pair.cold, family };
        let report = verifier.run(None, &mut |_| {}).await.expect("a report");
        assert_eq!(report.found, [], "{}, {when}", family.resource);
    }
}

/// Archives everything old; then restores two messages of each of four moves, and a post.
async fn archive_with_history(folder: &std::path::Path) -> Table {
    let rows = pair_with_history(folder).await;
    let pair = Pair::open(folder, now()).await;
    for family in resources::families() {
        let report = run_mover(&pair.mover(SIZES), family, &plan(15, 9)).await;
        assert_eq!((report.outcome, report.error), (Outcome::Done, None));
    }
    for ids in [[3, 60], [4, 61], [40, 5], [6, 7]] {
        bring_back(&pair, ids).await;
    }
    let (post, stop) = (resources::families()[1], AtomicBool::new(false));
    let report = pair.mover(SIZES).restore(post, Selection::Row(3), 100, &stop, &mut |_| {}).await;
    assert_eq!((report.of_resource, report.error), (1, None));
    pair.mover(SIZES).resume(post).await.expect("resumed");
    check_sound(&pair, &rows, "before").await;
    pair.close().await;
    rows
}

async fn bring_back(pair: &Pair, ids: [i64; 2]) {
    let (mut cold, mut hot) =
        (pair.cold.session().await.expect("cold"), pair.hot.session().await.expect("hot"));
    cold.begin(Begin::Write).await.expect("begins");
    hot.begin(Begin::Write).await.expect("begins");
    let claim = sql(
        "UPDATE archive_head SET claimed = claimed + 1 WHERE resource = 'messages' RETURNING claimed AS n",
    );
    let epoch = cold.fetch(&claim, &[]).await.expect("claims")[0].int("n").expect("a number");
    for id in ids {
        let row =
            sql("SELECT conversation_id, created_at, content, sender_id, is_read FROM messages_archive \
             WHERE original_id = ?1 AND to_epoch IS NULL");
        let row = cold.fetch(&row, &[id.into()]).await.expect("reads").remove(0);
        let int = |name: &str| thermocline::tier::Value::from(row.int(name).expect("an integer"));
        let close =
            sql("UPDATE messages_archive SET to_epoch = ?2 WHERE original_id = ?1 AND to_epoch IS NULL");
        assert_eq!(cold.execute(&close, &[id.into(), epoch.into()]).await.expect("closes"), 1);
        let count =
            sql("INSERT INTO messages_archive_blocks SELECT scope, level, upper_at, upper_id, ?4, -1 FROM (
                SELECT DISTINCT scope, level, upper_at, upper_id,
                    row_number() OVER (PARTITION BY level ORDER BY upper_at, upper_id) AS nth
                FROM (SELECT DISTINCT scope, level, upper_at, upper_id FROM messages_archive_blocks
                    WHERE scope = ?1 AND (upper_at, upper_id) >= (?2, ?3))
            ) WHERE nth = 1
            ON CONFLICT (scope, level, upper_at, upper_id, from_epoch) DO UPDATE SET n = n - 1");
        let params = [int("conversation_id"), int("created_at"), id.into(), epoch.into()];
        assert_eq!(cold.execute(&count, &params).await.expect("counts"), 2);
        let insert = sql("INSERT INTO messages VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
        let content = row.text("content").expect("text").as_str().into();
        let act = sql(
            "INSERT INTO user_behavior_analytics (user_id, action_type, action_count, analysis_date, \
             created_at, resource, from_epoch) VALUES (?1, 'chat', -1, ?2 - ?2 % 86400000000, ?3, 'messages', ?4)",
        );
        let acted = [int("sender_id"), int("created_at"), now().into(), epoch.into()];
        cold.execute(&act, &acted).await.expect("counts");
        let params =
            [id.into(), int("conversation_id"), int("sender_id"), content, int("created_at"), int("is_read")];
        hot.execute(&insert, &params).await.expect("inserts");
    }
    let journal = sql(
        "INSERT INTO archive_batches (resource, epoch, kind, token, row_count, digest, started, finished, \
         confirmed) VALUES ('messages', ?1, 'restore', ?1, 2, '00000000000000000000000000000000', ?2, ?2, 1)",
    );
    cold.execute(&journal, &[epoch.into(), now().into()]).await.expect("a journal");
    let raise = sql("UPDATE archive_state SET epoch = ?1, token = ?1 WHERE resource = 'messages'");
    hot.execute(&raise, &[epoch.into()]).await.expect("raises");
    cold.commit().await.expect("commits");
    hot.commit().await.expect("commits");
}

#[test]
fn vacuum_removes_invisible_versions_only() {
    run(async {
        let folder = scratch();
        let rows = archive_with_history(folder.path()).await;
        let pair = Pair::open(folder.path(), now()).await;
        for family in resources::families() {
            // Nothing is old enough yet.
            let kept = removable(&pair, family).await;
            let swept = vacuum(&*pair.cold, &pair, family, DAY).await.expect("swept");
            assert_eq!(
                (swept.oldest_readable_epoch, swept.versions, swept.deltas, swept.actions),
                (0, 0, 0, 0),
                "{}",
                family.resource
            );
            assert_eq!(removable(&pair, family).await, kept);
        }
        pair.clock.set(now().plus(40 * DAY));
        for family in resources::families() {
            let (versions, deltas, actions) = removable(&pair, family).await;
            assert!(versions > 0, "{}", family.resource);
            assert_eq!(deltas > 0, family.blocks.is_some(), "{}", family.resource);
            let swept = vacuum(&*pair.cold, &pair, family, 30 * DAY).await.expect("swept");
            assert_eq!(actions > 0, family.resource != "prices", "{}", family.resource);
            let done = (swept.versions, swept.deltas, swept.actions);
            assert_eq!(done, (versions, deltas, actions), "{}", family.resource);
            assert!(swept.oldest_readable_epoch > 0);
            assert_eq!(removable(&pair, family).await, (0, 0, 0), "{}", family.resource);
            let again = vacuum(&*pair.cold, &pair, family, 30 * DAY).await.expect("swept");
            assert_eq!(
                (again.oldest_readable_epoch, again.versions, again.deltas, again.actions),
                (swept.oldest_readable_epoch, 0, 0, 0)
            );
        }
        check_sound(&pair, &rows, "after").await;

        // Rows continue to move and split the folded blocks.
        pair.clock.set(now().plus(4 * DAY));
        for family in resources::families() {
            let report = run_mover(&pair.mover(SIZES), family, &plan(15, 9)).await;
            assert_eq!((report.outcome, report.error), (Outcome::Done, None));
        }
        check_sound(&pair, &rows, "after more moves").await;
    });
}

#[test]
fn vacuum_does_not_follow_an_epoch_raised_by_others() {
    run(async {
        let folder = scratch();
        archive_with_history(folder.path()).await;
        let pair = Pair::open(folder.path(), now()).await;
        super::execute(&*pair.cold, "UPDATE archive_head SET floor = claimed", &[]).await;
        for family in resources::families() {
            let kept = removable(&pair, family).await;
            let swept = vacuum(&*pair.cold, &pair, family, DAY).await.expect("swept");
            assert_eq!((swept.upto, swept.versions, swept.deltas), (0, 0, 0), "{}", family.resource);
            assert!(swept.oldest_readable_epoch > 0);
            let (versions, deltas, actions) = removable(&pair, family).await;
            assert_eq!((versions, deltas, 0), (kept.0, kept.1, actions));
            // No older reader is left, and nothing else needs these.
            assert_eq!(swept.actions, kept.2);
        }
    });
}

/// Nothing remains of the activity of a user whose rows were all erased, however much is kept of others.
#[test]
fn nothing_remains_of_an_erased_user_in_the_counts() {
    run(async {
        let folder = scratch();
        let mut rows = archive_with_history(folder.path()).await;
        let pair = Pair::open(folder.path(), now()).await;
        let text = "SELECT count(*) AS n FROM user_behavior_analytics WHERE user_id = 1";
        let n =
            async || pair.cold.fetch(&sql(text), &[]).await.expect("counts")[0].int("n").expect("a number");
        assert!(n().await > 0);
        for family in resources::families() {
            pair.mover(SIZES).erase_user(family, 1).await.expect("erased");
        }
        assert!(n().await > 0, "until vacuum the counts and those against them stand there");
        rows.forget_user(1);
        for family in resources::families() {
            vacuum(&*pair.cold, &pair, family, 30 * DAY).await.expect("swept");
        }
        assert_eq!(n().await, 0);
        check_sound(&pair, &rows, "after the erasure").await;
    });
}

#[test]
fn readers_of_an_expired_epoch_retry() {
    run(async {
        let folder = scratch();
        archive_with_history(folder.path()).await;
        let pair = Pair::open(folder.path(), now()).await;
        pair.clock.set(now().plus(40 * DAY));
        let swept = vacuum(&*pair.cold, &pair, resources::families()[0], 30 * DAY).await.expect("swept");
        let token = sql("SELECT token FROM archive_batches WHERE resource = 'messages' AND epoch = ?1");
        for (epoch, refused) in
            [(swept.oldest_readable_epoch - 1, true), (swept.oldest_readable_epoch, false)]
        {
            let token =
                pair.cold.fetch(&token, &[epoch.into()]).await.expect("reads")[0].int("token").expect("one");
            let mark = HotSnapshot { epoch, token: Some(token), cold_watermark: None };
            let read = SqlCold(&*pair.cold).read(&Messages::of(1), mark, Slice::newest(Span::ALL, 5)).await;
            assert_eq!(matches!(read, Err(ColdError::EpochExpired)), refused, "{epoch}: {read:?}");
        }
    });
}

#[test]
fn vacuum_keeps_what_hot_may_not_have_committed() {
    run(async {
        let family = resources::families()[0];
        let folder = scratch();
        let rows = archive_with_history(folder.path()).await;
        let mut seen = 0;
        for k in 1.. {
            let folder = copied(folder.path());
            let pair = Pair::open_unpaired(folder.path(), now()).await;
            pair.clock.set(now().plus(4 * DAY));
            let fuse = Fuse::new(k, Fault::Death);
            let (hot, cold) = Faulty::both(&pair, &fuse);
            run_batch(&super::mover(&hot, &cold, &pair.clock, SIZES), family, &plan(15, 9)).await;
            if !fuse.burnt() {
                break;
            }
            pair.clock.set(now().plus(99 * DAY));
            let open = sql("SELECT coalesce(min(epoch), 0) AS n FROM archive_batches WHERE confirmed = 0");
            let open = pair.cold.fetch(&open, &[]).await.expect("reads")[0].int("n").expect("a number");
            let epoch = sql("SELECT epoch AS n FROM archive_state WHERE resource = 'messages'");
            let epoch = pair.hot.fetch(&epoch, &[]).await.expect("reads")[0].int("n").expect("a number");
            let swept = vacuum(&*pair.cold, &pair, family, DAY).await.expect("swept");
            assert!(
                swept.oldest_readable_epoch <= epoch,
                "call {k}: floor {} above {epoch}",
                swept.oldest_readable_epoch
            );
            if open > 0 {
                seen += 1;
                assert!(
                    swept.oldest_readable_epoch < open,
                    "call {k}: floor {} is not below {open}",
                    swept.oldest_readable_epoch
                );
            }
            pair.clock.set(now().plus(4 * DAY));
            let report = run_mover(&pair.mover(SIZES), family, &plan(15, 9)).await;
            assert_eq!((report.outcome, report.error), (Outcome::Done, None), "call {k}");
            super::fault_injection::check(&pair, &rows, family.resource, &format!("call {k}")).await;
            pair.close().await;
        }
        assert!(seen > 2, "an unconfirmed batch was met {seen} times");
    });
}

fn copied(from: &std::path::Path) -> tempfile::TempDir {
    let folder = scratch();
    copy_pair(from, folder.path());
    folder
}

#[test]
fn vacuum_survives_a_death_at_any_call() {
    run(async {
        let whole = scratch();
        let rows = archive_with_history(whole.path()).await;
        for family in resources::families() {
            // Dying before a call is dying after the one before it.
            let fault = Fault::DeathAfter;
            for k in 1.. {
                let folder = copied(whole.path());
                let pair = Pair::open_unpaired(folder.path(), now()).await;
                pair.clock.set(now().plus(40 * DAY));
                let fuse = Fuse::new(k, fault);
                let cold = Faulty { inner: Arc::clone(&pair.cold) as _, fuse: Arc::clone(&fuse) };
                let died = vacuum(&cold, &pair, family, 30 * DAY).await;
                if !fuse.burnt() {
                    assert!(k > 3, "{}: {k} calls", family.resource);
                    break;
                }
                assert!(died.is_err(), "call {k}");
                let when = format!("{}, {fault:?} at call {k}", family.resource);
                super::fault_injection::check(&pair, &rows, family.resource, &when).await;
                let verifier = Verifier { hot: &*pair.hot, cold: &*pair.cold, family };
                let report = verifier.run(None, &mut |_| {}).await.expect("a report");
                assert_eq!(report.found, [], "{when}");
                vacuum(&*pair.cold, &pair, family, 30 * DAY).await.expect("swept");
                assert_eq!(removable(&pair, family).await, (0, 0, 0), "{when}");
                let report = verifier.run(None, &mut |_| {}).await.expect("a report");
                assert_eq!(report.found, [], "{when}, and again");
                audit_family(&pair, family, SIZES).await;
                pair.close().await;
            }
        }
    });
}

#[test]
fn vacuum_on_postgres() {
    run(async {
        let Some((cold, url)) = crate::support::postgres::cold().await else { return };
        let folder = scratch();
        let pair = Pair::open_unpaired(folder.path(), now()).await;
        thermocline::tier::migrate::upgrade(&*pair.hot).await.expect("a schema");
        thermocline::journal::pair::ensure(&*pair.hot, &cold, &pair.clock).await.expect("a pair");
        let mut rows = Table::sample(now());
        super::logical_table::fill(&pair, &rows).await;
        for round in 0..2 {
            for family in resources::families() {
                let mover = super::mover(&*pair.hot, &cold, &pair.clock, SIZES);
                assert_eq!(run_mover(&mover, family, &plan(15, 9)).await.error, None);
            }
            if round == 0 {
                // Corrections of archived prices close the versions they replace.
                let archived = now().plus(-16 * DAY).date();
                let days: Vec<_> = rows.prices.keys().copied().filter(|(_, day)| *day < archived).collect();
                for (stock, day) in days.into_iter().step_by(4) {
                    let price = super::logical_table::price(day, 3);
                    let mut row = super::logical_table::price_row(stock, &price);
                    row[0] = thermocline::tier::Value::Null(thermocline::schema::ColumnType::Int);
                    pair.change(
                        "INSERT INTO stock_prices VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                        &row,
                    )
                    .await;
                    rows.prices.insert((stock, day), price);
                }
            }
        }
        pair.clock.set(now().plus(40 * DAY));
        let mut swept = Vec::new();
        for family in resources::families() {
            let vacuum = Vacuum { cold: &cold, clock: &pair.clock, family, keep: 30 * DAY };
            let counted = vacuum.count().await.expect("counts");
            let done = vacuum.run(&AtomicBool::new(false)).await.expect("swept");
            assert_eq!(
                (counted.versions, counted.deltas),
                (done.versions, done.deltas),
                "{}",
                family.resource
            );
            swept.push((done.versions > 0, done.deltas > 0));
            let verifier = Verifier { hot: &*pair.hot, cold: &cold, family };
            assert_eq!(
                verifier.run(None, &mut |_| {}).await.expect("a report").found,
                [],
                "{}",
                family.resource
            );
            let reader = super::expected_lists::Reader::new(&*pair.hot, &cold);
            rows.check(family.resource, &reader).await.expect("every list");
        }
        assert_eq!(swept, [(false, true), (false, true), (true, false)]);
        let mut connection = crate::support::postgres::connect(&url).await;
        let analyzed = "SELECT count(*) FROM pg_class WHERE relname LIKE '%_archive' AND reltuples >= 0";
        let analyzed: i64 = sqlx::query_scalar(analyzed).fetch_one(&mut connection).await.expect("a count");
        assert!(analyzed >= 4, "{analyzed} tables have statistics");
    });
}

#[test]
fn the_command_counts_before_it_sweeps() {
    let program = Program::new();
    run(async {
        archive_with_history(program.path()).await;
    });
    // The batches were finished at the time of the test's clock: `--keep 0s` keeps nothing, whether or not that time
    // has passed.
    let dry = program.report(&["archive", "vacuum", "--keep", "0s", "--dry-run"]);
    let again = program.report(&["archive", "vacuum", "--keep", "0s", "--dry-run"]);
    let plain = |report: &serde_json::Value| {
        let counts = |swept: &serde_json::Value| {
            (swept["floor"].clone(), swept["versions"].clone(), swept["deltas"].clone())
        };
        report.as_array().expect("a list").iter().map(counts).collect::<Vec<_>>()
    };
    assert_eq!(plain(&dry), plain(&again));
    assert!(dry[0]["versions"].as_i64() > Some(0), "{dry}");
    let done = program.report(&["archive", "vacuum", "--keep", "0s"]);
    assert_eq!(plain(&dry), plain(&done));
    assert_eq!(program.report(&["archive", "verify"])["violations"], 0);
}
