//! Decisions that only an operator can make: that a move was interrupted although one of its rows is gone, and that a
//! row of hot is newer than the archived one.

use std::sync::Arc;

use thermocline::archive::{Choices, Consent, Family, Outcome};
use thermocline::resources;
use thermocline::tier::Schema;

use super::audit::{audit_family, dump};
use super::fault_injection::{check, now, pair_with_history};
use super::faulty_engine::{Fault, Faulty, Fuse};
use super::logical_table::{self, Table};
use super::program::Program;
use super::recovery::after_backup;
use super::{HOT, Pair, SIZES, execute, mover, plan, run, run_batch, run_mover, scratch};

/// Runs a mover that dies after its copy is committed and before it commits in hot. Returns the number of the move.
async fn interrupt(pair: &Pair, family: &Family) -> i64 {
    let newest = format!(
        "SELECT '' || epoch AS row FROM archive_batches WHERE resource = '{}' AND NOT confirmed",
        family.resource
    );
    for k in 1..200 {
        let fuse = Fuse::new(k, Fault::Death);
        let hot = Faulty { inner: Arc::clone(&pair.hot) as _, fuse: Arc::clone(&fuse) };
        run_batch(&mover(&hot, &*pair.cold, &pair.clock, SIZES), family, &plan(5, 20)).await;
        assert!(fuse.burnt(), "it went through");
        if let [number] = &dump(&*pair.cold, &newest).await[..] {
            return number.parse().expect("a number");
        }
    }
    panic!("no copy was left")
}

/// Deletes one row of a move as the platform would, and the same row of the oracle.
async fn delete_one(pair: &Pair, rows: &mut Table, resource: &str, number: i64) {
    let of = |column: &str, table: &str| {
        format!("SELECT '' || {column} AS row FROM {table} WHERE from_epoch = {number} ORDER BY {column}")
    };
    if resource == "messages" {
        let id: i64 =
            dump(&*pair.cold, &of("original_id", "messages_archive")).await[0].parse().expect("an id");
        assert_eq!(pair.change("DELETE FROM messages WHERE id = ?1", &[id.into()]).await, 1);
        rows.messages.retain(|row| row.id != id);
    } else {
        let post: i64 = dump(&*pair.cold, &of("post_id", "likes_archive")).await[0].parse().expect("an id");
        let user = format!("SELECT '' || min(user_id) AS row FROM likes WHERE post_id = {post}");
        let user: i64 = dump(&*pair.hot, &user).await[0].parse().expect("a user");
        let unlike = "DELETE FROM likes WHERE post_id = ?1 AND user_id = ?2";
        assert_eq!(pair.change(unlike, &[post.into(), user.into()]).await, 1);
        rows.likes.retain(|like| *like != (user, post));
    }
}

async fn an_interruption(pair: &Pair, rows: &mut Table) {
    for family in &resources::families()[..2] {
        let resource = family.resource;
        let number = interrupt(pair, family).await;
        delete_one(pair, rows, resource, number).await;
        if resource == "posts" {
            // The state that a recovery leaves when it is interrupted.
            let text = "UPDATE archive_batches SET kind = 'doubtful', confirmed = (1 = 1) WHERE resource = 'posts' AND epoch = ?1";
            assert_eq!(execute(&*pair.cold, text, &[number.into()]).await, 1);
        }
        let stopped = run_mover(&pair.mover(SIZES), family, &plan(5, 20)).await;
        assert!(stopped.error.is_some_and(|error| error.contains("archive recover")), "{resource}");
        let recover = async |consent: Consent, interrupted: &[i64]| {
            let choices = Choices { interrupted: interrupted.to_vec(), ..Choices::default() };
            pair.mover(SIZES).recover_with(family, &consent, &choices).await.expect("an answer")
        };
        let seen = recover(Consent::DryRun, &[]).await;
        let [doubt] = seen.in_doubt[..] else { panic!("{resource}: {seen:?}") };
        assert_eq!((doubt.epoch, doubt.in_hot), (number, doubt.rows - 1), "{resource}");
        assert!(doubt.rows > 1 && seen.brought_back == 1 && seen.is_due(), "{resource}: {seen:?}");

        // A move that hot has committed, or that does not exist, cannot be undone.
        for wrong in [number - 1, number + 9] {
            let refused = recover(Consent::Lossless, &[number, wrong]).await;
            assert_eq!((refused.refused.len(), refused.epoch), (1, None), "{resource}: {refused:?}");
            assert_eq!(recover(Consent::DryRun, &[]).await, seen, "{resource}: nothing was changed");
        }
        for consent in [Consent::DryRun, Consent::DryRun, Consent::Lossless] {
            let done = recover(consent, &[number]).await;
            assert!(!done.is_due() && done.is_wanted() && done.refused.is_empty(), "{resource}: {done:?}");
            assert_eq!((&done.interrupted[..], done.epoch), (&[doubt][..], None), "{resource}");
        }
        check(pair, rows, resource, "after the move was undone").await;
        audit_family(pair, family, SIZES).await;
        let report = run_mover(&pair.mover(SIZES), family, &plan(5, 20)).await;
        assert_eq!((report.outcome, report.error), (Outcome::Done, None), "{resource}");
        check(pair, rows, resource, "after the next run").await;
        audit_family(pair, family, SIZES).await;
    }
}

#[test]
fn an_operator_can_undo_an_interrupted_move() {
    run(async {
        let folder = scratch();
        let mut rows = pair_with_history(folder.path()).await;
        let pair = Pair::open_unpaired(folder.path(), now()).await;
        an_interruption(&pair, &mut rows).await;
        pair.close().await;
    });
}

#[test]
fn an_operator_can_undo_an_interrupted_move_on_postgres() {
    run(async {
        let Some((cold, _url)) = crate::support::postgres::cold().await else { return };
        let folder = scratch();
        let Pair { hot, clock, .. } = Pair::open_unpaired(folder.path(), now()).await;
        let cold: Arc<dyn Schema> = Arc::new(cold);
        thermocline::tier::migrate::upgrade(&*hot).await.expect("a schema");
        thermocline::journal::pair::ensure(&*hot, &*cold, &clock).await.expect("a pair");
        let pair = Pair { hot, cold, clock };
        let mut rows = Table::sample(now());
        logical_table::fill(&pair, &rows).await;
        for family in resources::families() {
            assert_eq!(run_mover(&pair.mover(SIZES), family, &plan(25, 12)).await.error, None);
        }
        an_interruption(&pair, &mut rows).await;
        pair.close().await;
    });
}

/// A move that hot has confirmed cannot be undone by request, nor can a restore.
#[test]
fn confirmed_moves_and_restores_are_not_undone() {
    run(async {
        let (folder, _, _) = after_backup(&[HOT]).await;
        let pair = Pair::open_unpaired(folder.path(), now()).await;
        let [messages, posts, _] = resources::families();
        let refused = async |family, number: i64| {
            let choices = Choices { interrupted: vec![number], ..Choices::default() };
            let done = pair
                .mover(SIZES)
                .recover_with(family, &Consent::Lossless, &choices)
                .await
                .expect("an answer");
            assert_eq!((done.epoch, done.refused.len()), (None, 1), "{done:?}");
            done.refused[0].clone()
        };
        let seen = pair.mover(SIZES).recover(messages, &Consent::DryRun).await.expect("an answer");
        let first = seen.unknown_to_hot[0];
        assert_eq!(
            refused(messages, first).await,
            format!("move {first} is confirmed: hot was seen to commit it")
        );
        let again = pair.mover(SIZES).recover(messages, &Consent::DryRun).await.expect("an answer");
        assert_eq!(again, seen, "nothing was changed");

        // Turns the last move of posts into an unconfirmed one, and into a restore.
        let seen = pair.mover(SIZES).recover(posts, &Consent::DryRun).await.expect("an answer");
        let [.., before, last] = seen.unknown_to_hot[..] else { panic!("{seen:?}") };
        let text = "UPDATE archive_batches SET confirmed = 0, kind = 'restore' WHERE resource = 'posts' AND epoch = ?1";
        assert_eq!(execute(&*pair.cold, text, &[last.into()]).await, 1);
        assert!(
            refused(posts, last)
                .await
                .ends_with("is of kind restore: only a move from hot to cold can be undone")
        );
        let text = "UPDATE archive_batches SET confirmed = 0, kind = 'archive' WHERE resource = 'posts' AND epoch >= ?1";
        assert_eq!(execute(&*pair.cold, text, &[before.into()]).await, 2);
        assert!(
            refused(posts, before)
                .await
                .ends_with(&format!("is followed by move {last}, which depends on it"))
        );
        pair.close().await;
    });
}

/// Rows that were written after hot was restored from a backup are shown separately, and kept on request.
#[test]
fn a_recovery_can_keep_rows_of_hot() {
    run(async {
        let [messages, ..] = resources::families();
        for keep_hot in [false, true] {
            let (folder, _, _) = after_backup(&[HOT]).await;
            let pair = Pair::open_unpaired(folder.path(), now()).await;
            let choices = Choices { keep_hot, ..Choices::default() };
            let mover = pair.mover(SIZES);
            let seen = mover.recover_with(messages, &Consent::DryRun, &choices).await.expect("an answer");
            assert_eq!((seen.replaced, seen.kept), (i64::from(!keep_hot), i64::from(keep_hot)), "{seen:?}");
            let [differing] = &seen.differing[..] else { panic!("{seen:?}") };
            assert!(!seen.first.contains(differing), "{seen:?}");
            let id: i64 = differing.strip_prefix("messages ").expect("a message").parse().expect("an id");
            assert_eq!(
                pair.change("UPDATE messages SET content = 'since' WHERE id = ?1", &[id.into()]).await,
                1
            );
            let done = mover.recover_with(messages, &Consent::Lossless, &choices).await.expect("a recovery");
            assert!(done.epoch.is_some() && done.differing == seen.differing, "{done:?}");
            let content = format!("SELECT content AS row FROM messages WHERE id = {id}");
            assert_eq!(dump(&*pair.hot, &content).await == ["since"], keep_hot);
            let shown = format!(
                "SELECT '' || count(*) AS row FROM messages_archive WHERE original_id = {id} AND to_epoch IS NULL"
            );
            assert_eq!(dump(&*pair.cold, &shown).await, ["0"]);
            pair.close().await;
        }
    });
}

#[test]
fn the_command_shows_and_undoes_quarantined_moves() {
    let program = Program::new();
    let number = run(async {
        let mut rows = pair_with_history(program.path()).await;
        let pair = program.open(now()).await;
        let [messages, ..] = resources::families();
        let number = interrupt(&pair, messages).await;
        delete_one(&pair, &mut rows, "messages", number).await;
        pair.close().await;
        number
    });
    let said = format!("messages:{number}");
    let seen = program.run(&["archive", "recover", "--dry-run"]);
    assert!(seen.out.contains(&format!("use --interrupted {said}")), "{seen:?}");
    let wrong = format!("messages:{}", number + 1);
    assert_eq!(program.run(&["archive", "recover", "--interrupted", &wrong, "--yes"]).status, Some(2));
    assert_eq!(
        program.run(&["archive", "recover", "--interrupted", &said]).status,
        Some(2),
        "there is nobody to ask"
    );
    let dry = program.report(&["archive", "recover", "--interrupted", &said, "--dry-run"]);
    let undone = &dry[0]["interrupted"][0];
    assert_eq!(undone["epoch"], number, "{dry}");
    assert_eq!(undone["in_hot"].as_i64(), undone["rows"].as_i64().map(|rows| rows - 1), "{dry}");
    let done = program.run(&["archive", "recover", "--interrupted", &said, "--yes"]);
    assert!(
        done.status == Some(0) && done.out.contains(&format!("messages: undid move {number}")),
        "{done:?}"
    );
    assert!(program.run(&["archive", "recover"]).out.contains("messages: consistent, at move"));
}
