//! `archive verify` on sound archives, where it finds nothing, and on damaged ones.

use std::sync::atomic::{AtomicBool, Ordering};
use thermocline::archive::auditor::Auditor;
use thermocline::archive::verify::{Verifier, VerifyReport, ViolationKind};
use thermocline::archive::{Family, Mover, Selection};
use thermocline::resources;
use thermocline::tier::Engine;

use super::fault_injection::{now, pair_with_history};
use super::program::{Ended, Program};
use super::{Pair, SIZES, copy_pair, execute, plan, run, run_batch, run_mover, scratch, sql};
use crate::support::postgres;

fn family(resource: &str) -> &'static Family {
    let found = resources::families().into_iter().find(|family| family.resource == resource);
    found.expect("a family")
}

async fn verify(hot: &dyn Engine, cold: &dyn Engine, resource: &str) -> VerifyReport {
    let verifier = Verifier { hot, cold, family: family(resource) };
    verifier.run(None, &mut |_| {}).await.expect("a report")
}

#[test]
fn a_sound_archive_has_no_findings() {
    run(async {
        let folder = scratch();
        pair_with_history(folder.path()).await;
        let pair = Pair::open(folder.path(), now()).await;
        for family in resources::families() {
            run_mover(&pair.mover(SIZES), family, &plan(15, 9)).await;
            let report = verify(&*pair.hot, &*pair.cold, family.resource).await;
            assert_eq!(report.found, [], "{}", family.resource);
            assert!(report.batches > 5 && report.rows > 20, "{report:?}");
            assert_eq!(report.blocks > 10, family.blocks.is_some(), "{report:?}");
        }
    });
}

/// Damage done past the program, whether it is done to cold, and the violation that must be found.
const DAMAGE: [(&str, bool, &str, ViolationKind); 26] = [
    (
        "messages",
        false,
        "UPDATE messages_archive SET content = content || '!' WHERE original_id = 7",
        ViolationKind::Digest,
    ),
    ("messages", false, "DELETE FROM messages_archive WHERE original_id = 7", ViolationKind::Digest),
    (
        "posts",
        false,
        "DELETE FROM likes_archive WHERE id = (SELECT min(id) FROM likes_archive)",
        ViolationKind::Digest,
    ),
    (
        "prices",
        false,
        "UPDATE stock_prices_history SET volume = 0 WHERE volume IS NULL",
        ViolationKind::Digest,
    ),
    ("messages", true, "INSERT INTO messages VALUES (7, 1, 1, 'back again', 5, 0)", ViolationKind::BothTiers),
    ("posts", true, "INSERT INTO posts VALUES (3, 1, 'back', 'again', 5)", ViolationKind::BothTiers),
    (
        "messages",
        false,
        "INSERT INTO messages_archive (original_id, conversation_id, sender_id, content, created_at, is_read, \
         archived_at, from_epoch) SELECT original_id, conversation_id, sender_id, content, created_at + 1, is_read, \
         archived_at, from_epoch + 1 FROM messages_archive WHERE original_id = 7",
        ViolationKind::TwiceInCold,
    ),
    (
        "prices",
        false,
        "DELETE FROM stock_prices_history WHERE from_epoch = (SELECT max(to_epoch) FROM stock_prices_history)",
        ViolationKind::NeitherTier,
    ),
    (
        "messages",
        false,
        "UPDATE messages_archive SET to_epoch = 3 WHERE original_id = 7",
        ViolationKind::NeitherTier,
    ),
    (
        "messages",
        false,
        "UPDATE messages_archive SET to_epoch = 999 WHERE original_id = 7",
        ViolationKind::Journal,
    ),
    (
        "messages",
        false,
        "UPDATE messages_archive_blocks SET n = n + 1 WHERE level = 0 AND n > 2",
        ViolationKind::Blocks,
    ),
    ("posts", false, "DELETE FROM posts_archive_blocks WHERE scope = 1", ViolationKind::Blocks),
    (
        "messages",
        false,
        "UPDATE messages_archive_blocks SET upper_id = upper_id - 1 WHERE level = 1 AND upper_at < 9000000000000000",
        ViolationKind::Blocks,
    ),
    ("messages", false, MISCOUNTED[0], ViolationKind::Behavior),
    ("posts", false, MISCOUNTED[1], ViolationKind::Behavior),
    ("posts", false, MISCOUNTED[2], ViolationKind::Behavior),
    ("messages", false, MISCOUNTED[3], ViolationKind::Behavior),
    ("posts", false, MISCOUNTED[4], ViolationKind::Behavior),
    (
        "posts",
        false,
        "UPDATE user_behavior_analytics SET from_epoch = 999 WHERE resource = 'posts' AND action_type = 'comment'",
        ViolationKind::Journal,
    ),
    (
        "messages",
        true,
        "UPDATE archive_state SET cold_newest_at = NULL, cold_newest_id = NULL WHERE resource = 'messages'",
        ViolationKind::ColdNewest,
    ),
    (
        "messages",
        true,
        "UPDATE archive_state SET cold_newest_id = cold_newest_id - 1 WHERE resource = 'messages'",
        ViolationKind::ColdNewest,
    ),
    (
        "posts",
        true,
        "UPDATE archive_state SET cold_newest_at = cold_newest_at - 1 WHERE resource = 'posts'",
        ViolationKind::ColdNewest,
    ),
    (
        "prices",
        true,
        "UPDATE archive_state SET cold_newest_at = cold_newest_at - 86400000000 WHERE resource = 'prices'",
        ViolationKind::ColdNewest,
    ),
    (
        "messages",
        false,
        "INSERT INTO archive_erasures (resource, id, reason, at) VALUES ('messages', 7, 'erased', 5)",
        ViolationKind::Erased,
    ),
    (
        "posts",
        false,
        "INSERT INTO archive_erasures (resource, id, reason, at, pending) \
         SELECT 'posts', post_id, 'erased', 5, 2 FROM likes_archive WHERE to_epoch IS NULL LIMIT 1",
        ViolationKind::Erased,
    ),
    (
        "posts",
        false,
        "INSERT INTO archive_erasures (resource, id, reason, at) \
         SELECT 'comments', original_id, 'erased', 5 FROM comments_archive WHERE to_epoch IS NULL LIMIT 1",
        ViolationKind::Erased,
    ),
];

/// Activity counts that differ from the rows above or below the floor: one more chat, no likes on a day, comments on
/// another day, another user's chats, an unknown action.
const MISCOUNTED: [&str; 5] = [
    "UPDATE user_behavior_analytics SET action_count = action_count + 1 \
     WHERE id = (SELECT max(id) FROM user_behavior_analytics WHERE resource = 'messages')",
    "DELETE FROM user_behavior_analytics \
     WHERE id = (SELECT min(id) FROM user_behavior_analytics WHERE action_type = 'like' AND action_count > 0)",
    "UPDATE user_behavior_analytics SET analysis_date = analysis_date + 86400000000 \
     WHERE id = (SELECT min(id) FROM user_behavior_analytics WHERE action_type = 'comment' AND action_count > 0)",
    "UPDATE user_behavior_analytics SET user_id = user_id + 1 \
     WHERE id = (SELECT min(id) FROM user_behavior_analytics WHERE action_type = 'chat' AND action_count > 0)",
    "INSERT INTO user_behavior_analytics (user_id, action_type, action_count, analysis_date, created_at, resource, \
     from_epoch) SELECT user_id, 'dance', 1, analysis_date, created_at, resource, from_epoch \
     FROM user_behavior_analytics WHERE action_type = 'post' LIMIT 1",
];

#[test]
fn every_damage_is_found() {
    run(async {
        let whole = scratch();
        pair_with_history(whole.path()).await;
        let pair = Pair::open(whole.path(), now()).await;
        for family in resources::families() {
            run_mover(&pair.mover(SIZES), family, &plan(15, 9)).await;
        }
        pair.close().await;
        for (resource, in_hot, text, kind) in DAMAGE {
            let folder = scratch();
            copy_pair(whole.path(), folder.path());
            let pair = Pair::open_unpaired(folder.path(), now()).await;
            let tier: &dyn Engine = if in_hot { &*pair.hot } else { &*pair.cold };
            assert!(execute(tier, text, &[]).await > 0, "{text}: touches nothing");
            let report = verify(&*pair.hot, &*pair.cold, resource).await;
            assert!(report.found.iter().any(|found| found.kind == kind), "{text}: {report:#?}");
            for other in resources::families().iter().filter(|other| other.resource != resource) {
                let report = verify(&*pair.hot, &*pair.cold, other.resource).await;
                assert_eq!(report.found, [], "{text}: {}", other.resource);
            }
            pair.close().await;
        }
    });
}

/// Erased likes may be given again, and likes whose erasure is only requested still exist.
#[test]
fn permitted_states_are_no_violations() {
    run(async {
        let folder = scratch();
        pair_with_history(folder.path()).await;
        let pair = Pair::open_unpaired(folder.path(), now()).await;
        let noted = "INSERT INTO archive_erasures (resource, id, reason, at, pending) \
            VALUES ('likes', 1, 'erased', 5, NULL), ('messages', 7, 'erased', 5, 0)";
        execute(&*pair.cold, noted, &[]).await;
        for family in resources::families() {
            assert_eq!(verify(&*pair.hot, &*pair.cold, family.resource).await.found, []);
        }
        pair.close().await;
    });
}

/// A row of cold that was closed by a restore that brought other rows back is in neither tier.
#[test]
fn rows_that_no_restore_returned_are_found() {
    run(async {
        let folder = scratch();
        pair_with_history(folder.path()).await;
        let pair = Pair::open_unpaired(folder.path(), now()).await;
        let prices = family("prices");
        let stop = AtomicBool::new(false);
        let (mover, chosen) = (pair.mover(SIZES), Selection::Batch(2));
        let restored = mover.restore(prices, chosen, 5, &stop, &mut |_| {}).await;
        assert!(restored.batches > 1, "{restored:?}");
        let newest =
            "(SELECT max(epoch) FROM archive_batches WHERE resource = 'prices' AND kind = 'restore')";
        let one = "(SELECT max(original_id) FROM stock_prices_history WHERE to_epoch IS NULL)";
        let lose = format!("UPDATE stock_prices_history SET to_epoch = {newest} WHERE original_id = {one}");
        assert_eq!(verify(&*pair.hot, &*pair.cold, "prices").await.found, []);
        assert_eq!(execute(&*pair.cold, &lose, &[]).await, 1);
        let report = verify(&*pair.hot, &*pair.cold, "prices").await;
        assert_eq!(report.found.iter().map(|found| found.kind).collect::<Vec<_>>(), [ViolationKind::Journal]);
        // An erasure removes closed versions too, and a vacuum all of them.
        let back = format!(
            "UPDATE stock_prices_history SET to_epoch = NULL WHERE to_epoch = {newest} \
            AND original_id = (SELECT max(original_id) FROM stock_prices_history WHERE to_epoch = {newest})"
        );
        assert_eq!(execute(&*pair.cold, &back, &[]).await, 1);
        assert_eq!(verify(&*pair.hot, &*pair.cold, "prices").await.found, []);
        let closed = format!("SELECT original_id AS id FROM stock_prices_history WHERE to_epoch = {newest}");
        let closed = pair.cold.fetch(&sql(&closed), &[]).await.expect("rows")[0].int("id").expect("an id");
        assert_eq!(mover.erase(prices, "prices", &[closed]).await.expect("erased"), 1);
        assert_eq!(verify(&*pair.hot, &*pair.cold, "prices").await.found, []);
        super::vacuum::vacuum(&*pair.cold, &pair, prices, 0).await.expect("swept");
        assert_eq!(verify(&*pair.hot, &*pair.cold, "prices").await.found, []);
        pair.close().await;
    });
}

/// Counts that a vacuum has folded into one are checked as a whole.
#[test]
fn wrong_folded_counts_are_found() {
    run(async {
        let whole = scratch();
        pair_with_history(whole.path()).await;
        let pair = Pair::open(whole.path(), now()).await;
        for family in resources::families() {
            run_mover(&pair.mover(SIZES), family, &plan(15, 9)).await;
            super::vacuum::vacuum(&*pair.cold, &pair, family, 0).await.expect("swept");
            let left = "DELETE FROM user_behavior_analytics WHERE resource = ?1 AND from_epoch > \
                (SELECT floor FROM archive_head WHERE resource = ?1)";
            assert_eq!(execute(&*pair.cold, left, &[family.resource.into()]).await, 0, "all is folded");
            assert_eq!(verify(&*pair.hot, &*pair.cold, family.resource).await.found, []);
        }
        pair.close().await;
        for (text, resource) in
            MISCOUNTED.into_iter().zip(["messages", "posts", "posts", "messages", "posts"])
        {
            let folder = scratch();
            copy_pair(whole.path(), folder.path());
            let pair = Pair::open_unpaired(folder.path(), now()).await;
            assert!(execute(&*pair.cold, text, &[]).await > 0, "{text}: touches nothing");
            let report = verify(&*pair.hot, &*pair.cold, resource).await;
            let kinds: Vec<ViolationKind> = report.found.iter().map(|found| found.kind).collect();
            assert!(
                !kinds.is_empty() && kinds.iter().all(|kind| *kind == ViolationKind::Behavior),
                "{text}: {report:#?}"
            );
            pair.close().await;
        }
    });
}

#[test]
fn postgres_is_verified_while_rows_move() {
    run(async {
        let Some((cold, url)) = postgres::cold().await else { return };
        let folder = scratch();
        let pair = Pair::open(folder.path(), now()).await;
        super::logical_table::fill(&pair, &super::logical_table::Table::sample(now())).await;
        let hot = scratch();
        pair.close().await;
        super::copy_file(folder.path(), hot.path(), super::HOT);
        let hot = Pair::open_unpaired(hot.path(), now()).await.hot;
        // The pair of the copied hot was with another cold.
        execute(&*hot, "UPDATE archive_state SET pair = NULL", &[]).await;
        let clock = thermocline::clock::Clock::fixed(now());
        thermocline::journal::pair::ensure(&*hot, &cold, &clock).await.expect("a pair");
        let mover = Mover { hot: &*hot, cold: &cold, clock: &clock, name: "a test".to_owned(), sizes: SIZES };
        let all_families = resources::families();
        // Where nothing is archived yet the auditor waits.
        run_batch(&mover, family("messages"), &plan(35, 7)).await;
        let audited = [family("messages")];
        let auditor = Auditor { hot: &*hot, cold: &cold, clock: &clock, families: &audited, rate: 100_000 };
        let moved = AtomicBool::new(false);
        let moves = async {
            for family in all_families {
                let report = run_mover(&mover, family, &plan(15, 7)).await;
                assert_eq!(report.error, None);
            }
            moved.store(true, Ordering::Relaxed);
        };
        let looks = async {
            let mut looked = 0;
            while !moved.load(Ordering::Relaxed) {
                for family in all_families {
                    let report = verify(&*hot, &cold, family.resource).await;
                    assert_eq!(report.found, [], "{}, while rows move", family.resource);
                    looked += report.rows;
                }
            }
            looked
        };
        let ((), looked, audited) = futures::future::join3(moves, looks, auditor.run(&moved)).await;
        assert!(looked > 0, "nothing was looked at while rows moved");
        let found: Vec<_> = audited.iter().flat_map(|report| &report.found).collect();
        assert!(found.is_empty() && audited[0].blocks > 0, "{audited:?}");
        let rows: i64 = {
            let mut rows = 0;
            for family in all_families {
                rows += verify(&*hot, &cold, family.resource).await.rows;
            }
            rows
        };
        assert!(rows > 100);
        let mut connection = postgres::connect(&url).await;
        // First nothing is folded, then everything of messages.
        let miscounted = "UPDATE user_behavior_analytics SET action_count = action_count + 1 WHERE id IN (
                SELECT max(id) FROM user_behavior_analytics WHERE resource = 'messages')";
        for floor in ["0", "(SELECT max(epoch) FROM archive_batches WHERE resource = 'messages')"] {
            let fold = format!("UPDATE archive_head SET floor = {floor} WHERE resource = 'messages'");
            sqlx::Executor::execute(&mut connection, sqlx::AssertSqlSafe(fold)).await.expect("a floor");
            assert_eq!(verify(&*hot, &cold, "messages").await.found, [], "floor {floor}");
            sqlx::Executor::execute(&mut connection, miscounted).await.expect("damaged");
            let report = verify(&*hot, &cold, "messages").await;
            assert_eq!(
                (report.violations, report.found[0].kind),
                (1, ViolationKind::Behavior),
                "{report:#?}"
            );
            let mended = miscounted.replace("+ 1", "- 1");
            sqlx::Executor::execute(&mut connection, sqlx::AssertSqlSafe(mended)).await.expect("mended");
        }
        let damage = "UPDATE messages_archive SET content = content || '!' WHERE original_id = 7;
            UPDATE posts_archive_blocks SET n = n + 1 WHERE level = 1;
            UPDATE stock_prices_history SET to_epoch = 999 WHERE original_id = (SELECT min(original_id) FROM stock_prices_history)";
        sqlx::Executor::execute(&mut connection, damage).await.expect("damaged");
        for (resource, kind) in [
            ("messages", ViolationKind::Digest),
            ("posts", ViolationKind::Blocks),
            ("prices", ViolationKind::Journal),
        ] {
            let report = verify(&*hot, &cold, resource).await;
            assert!(report.found.iter().any(|found| found.kind == kind), "{report:#?}");
        }
    });
}

#[test]
fn the_auditor_finds_violations_and_stops_on_request() {
    run(async {
        let folder = scratch();
        pair_with_history(folder.path()).await;
        let pair = Pair::open(folder.path(), now()).await;
        let families = resources::families();
        let stop = AtomicBool::new(false);
        let auditor = Auditor {
            hot: &*pair.hot,
            cold: &*pair.cold,
            clock: &pair.clock,
            families: &families,
            rate: 100_000,
        };
        let a_while = async {
            tokio::time::sleep(std::time::Duration::from_millis(700)).await;
            stop.store(true, Ordering::Relaxed);
        };
        let (reports, ()) = futures::future::join(auditor.run(&stop), a_while).await;
        for report in &reports {
            assert!(report.batches > 0 && report.violations == 0, "{report:?}");
        }
        execute(&*pair.cold, "UPDATE messages_archive SET is_read = 1 - is_read", &[]).await;
        let miscount =
            "UPDATE user_behavior_analytics SET action_count = action_count + 1 WHERE resource = 'posts'";
        execute(&*pair.cold, miscount, &[]).await;
        stop.store(false, Ordering::Relaxed);
        let a_while = async {
            tokio::time::sleep(std::time::Duration::from_millis(700)).await;
            stop.store(true, Ordering::Relaxed);
        };
        let (reports, ()) = futures::future::join(auditor.run(&stop), a_while).await;
        assert!(reports[0].violations > 0, "{reports:?}");
        let of_posts: Vec<ViolationKind> = reports[1].found.iter().map(|found| found.kind).collect();
        assert!(
            !of_posts.is_empty() && of_posts.iter().all(|kind| *kind == ViolationKind::Behavior),
            "{reports:?}"
        );
        assert_eq!(reports[2].violations, 0, "{reports:?}");
    });
}

/// The newest bound of one block in each list and level is wrong; the auditor reaches each of them sooner or later.
#[test]
fn the_auditor_reaches_every_block() {
    run(async {
        let folder = scratch();
        pair_with_history(folder.path()).await;
        let pair = Pair::open_unpaired(folder.path(), now()).await;
        run_mover(&pair.mover(SIZES), family("messages"), &plan(1, 9)).await;
        let shift =
            "UPDATE messages_archive_blocks SET upper_id = upper_id - 1 WHERE (scope, level, upper_at) IN (
            SELECT scope, level, max(upper_at) FROM messages_archive_blocks WHERE upper_at < 9000000000000000
            GROUP BY scope, level)";
        assert!(execute(&*pair.cold, shift, &[]).await > 0);
        let shifted =
            sql("SELECT DISTINCT scope, CAST(level AS BIGINT) AS level FROM messages_archive_blocks
            WHERE upper_at < 9000000000000000");
        let mut left = Vec::new();
        for record in pair.cold.fetch(&shifted, &[]).await.expect("blocks") {
            let (scope, level) =
                (record.int("scope").expect("a scope"), record.int("level").expect("a level"));
            left.push(format!("scope {scope}, level {level}, "));
        }
        assert!(left.len() > 3 && left.iter().any(|place| place.contains("level 1")), "{left:?}");
        let families = [family("messages")];
        let auditor = Auditor {
            hot: &*pair.hot,
            cold: &*pair.cold,
            clock: &pair.clock,
            families: &families,
            rate: 100_000,
        };
        for _ in 0..50 {
            let stop = AtomicBool::new(false);
            let a_while = async {
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
                stop.store(true, Ordering::Relaxed);
            };
            let (reports, ()) = futures::future::join(auditor.run(&stop), a_while).await;
            let found = &reports[0].found;
            left.retain(|place| !found.iter().any(|found| found.detail.contains(place)));
            if left.is_empty() {
                break;
            }
        }
        assert!(left.is_empty(), "never looked at: {left:?}");
        pair.close().await;
    });
}

#[test]
fn the_exit_code_shows_the_result() {
    let program = Program::new();
    run(async {
        pair_with_history(program.path()).await;
    });
    let report = program.report(&["archive", "verify"]);
    assert_eq!(report["violations"], 0, "{report}");
    let one = program.report(&["archive", "verify", "--resource", "posts", "--batch", "2"]);
    assert_eq!(
        (one["resources"][0]["batches"].as_i64(), one["resources"].as_array().map(Vec::len)),
        (Some(1), Some(1))
    );
    let unknown = "the journal has no batch 9999";
    for command in [&["archive", "verify"][..], &["archive", "restore", "--resource", "posts"]] {
        for more in [&["--batch", "9999"][..], &["--batch", "9999", "--json"]] {
            let Ended { status, out, err, .. } = program.run(&[command, more].concat());
            assert_eq!((status, &*out, err.lines().count()), (Some(1), "", 1), "{command:?}: {err}");
            assert!(err.contains(unknown), "{err}");
        }
    }
    run(async {
        let pair = program.open(now()).await;
        execute(&*pair.cold, "UPDATE posts_archive SET body = 'x' WHERE from_epoch = 2", &[]).await;
        pair.close().await;
    });
    let Ended { status, out, .. } = program.run(&["archive", "verify"]);
    assert_eq!(status, Some(1), "{out}");
    assert!(out.contains("digest: batch 2:"), "{out}");
}
