//! Erasing a user removes their rows from both tiers and from every version, for good.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use thermocline::archive::{Outcome, Selection};
use thermocline::clock::Clock;
use thermocline::federation::reads::{Cold as _, ColdError, Hot as _};
use thermocline::federation::sql::{SqlCold, SqlHot};
use thermocline::import::Record;
use thermocline::journal::pair;
use thermocline::load::nouns;
use thermocline::load::{Loader, Verdict};
use thermocline::page::{Slice, Span};
use thermocline::resources;
use thermocline::resources::messages::Messages;

use super::audit::{audit, dump};
use super::fault_injection::{check, check_all, now, pair_with_history};
use super::logical_table::{self, Table, USERS};
use super::program::Program;
use super::{COLD, HOT, Pair, SIZES, plan, run, run_mover, scratch};
use crate::support::engines::Engines;

/// Returns whether a text is stored anywhere in the two files.
fn stands_in(folder: &Path, text: &str) -> bool {
    [HOT, COLD].iter().any(|name| {
        let bytes = std::fs::read(folder.join(name)).expect("a file");
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[test]
fn nothing_remains_of_an_erased_user() {
    run(async {
        let folder = scratch();
        let mut rows = pair_with_history(folder.path()).await;
        let pair = Pair::open_unpaired(folder.path(), now()).await;
        let [messages, posts, _] = resources::families();
        // Makes a row that has been in cold twice.
        let stop = AtomicBool::new(false);
        pair.change("UPDATE messages SET content = 'a secret of user 2' WHERE sender_id = 2", &[]).await;
        for message in &mut rows.messages {
            let id = message.id;
            let row =
                dump(&*pair.hot, &format!("SELECT '' || count(*) AS row FROM messages WHERE id = {id}"))
                    .await;
            if message.sender_id == 2 && row == ["1"] {
                "a secret of user 2".clone_into(&mut message.content);
            }
        }
        for _ in 0..2 {
            let report = run_mover(&pair.mover(SIZES), messages, &plan(1, 30)).await;
            assert_eq!(report.outcome, Outcome::Done);
            pair.mover(SIZES).restore(messages, Selection::All, 50, &stop, &mut |_| {}).await;
            pair.mover(SIZES).resume(messages).await.expect("resumed");
        }
        run_mover(&pair.mover(SIZES), messages, &plan(20, 30)).await;
        check_all(&pair, &rows).await;

        for user in [2, 3] {
            let sent = rows.messages.iter().filter(|row| row.sender_id == user).count() as i64;
            assert_eq!(pair.mover(SIZES).erase_user(messages, user).await.expect("erased"), sent);
            assert!(pair.mover(SIZES).erase_user(posts, user).await.expect("erased") > 0);
            assert_eq!(pair.mover(SIZES).erase_user(posts, user).await.expect("erased"), 0);
            rows.forget_user(user);
        }
        check_all(&pair, &rows).await;
        audit(&pair).await;
        // Later moves take the remaining rows only.
        for family in resources::families() {
            let report = run_mover(&pair.mover(SIZES), family, &plan(5, 20)).await;
            assert_eq!((report.outcome, report.error), (Outcome::Done, None));
        }
        check_all(&pair, &rows).await;
        audit(&pair).await;
        for tier in [&pair.hot, &pair.cold] {
            let mut session = thermocline::tier::Engine::session(&**tier).await.expect("a session");
            session.execute(&super::sql("VACUUM"), &[]).await.expect("vacuumed");
        }
        pair.close().await;
        assert!(!stands_in(folder.path(), "a secret of user 2"));
        assert!(stands_in(folder.path(), "message\n"), "the files are read");
    });
}

/// A reader at an older epoch has to read hot again.
#[test]
fn readers_of_an_older_epoch_retry() {
    run(async {
        let folder = scratch();
        pair_with_history(folder.path()).await;
        let pair = Pair::open_unpaired(folder.path(), now()).await;
        let (hot, cold) = (SqlHot(&*pair.hot), SqlCold(&*pair.cold));
        let list = Messages::of(1);
        let before = hot.read(&list, Slice::newest(Span::ALL, 1), false).await.expect("hot").snapshot;
        let read = cold.read(&list, before, Slice::newest(Span::ALL, 500)).await.expect("cold").rows;
        let id = read[3].id;
        pair.mover(SIZES).erase(resources::families()[0], "messages", &[id]).await.expect("erased");
        let refused = cold.read(&list, before, Slice::newest(Span::ALL, 500)).await;
        assert!(matches!(refused, Err(ColdError::EpochExpired)), "{refused:?}");
        let after = hot.read(&list, Slice::newest(Span::ALL, 1), false).await.expect("hot").snapshot;
        let left = cold.read(&list, after, Slice::newest(Span::ALL, 500)).await.expect("cold").rows;
        assert_eq!(left, read.into_iter().filter(|row| row.id != id).collect::<Vec<_>>());
        pair.close().await;
    });
}

#[test]
fn erased_rows_are_not_imported_again() {
    run(async {
        let folder = scratch();
        let mut rows = pair_with_history(folder.path()).await;
        let pair = Pair::open_unpaired(folder.path(), now()).await;
        let [messages, posts, _] = resources::families();
        let erased = rows.messages.iter().find(|row| row.sender_id == 2).expect("a message").clone();
        pair.mover(SIZES).erase_user(messages, 2).await.expect("erased");
        pair.mover(SIZES).erase_user(posts, 2).await.expect("erased");
        rows.forget_user(2);
        let mut loader = Loader::new(&*pair.hot, Some(&*pair.cold), &pair.clock);
        let record = Record::new(&nouns::MESSAGES)
            .with("id", erased.id)
            .with("conversation_id", erased.conversation_id)
            .with("sender_id", 2)
            .with("content", erased.content.as_str())
            .with("created_at", erased.created_at)
            .with("is_read", true);
        let verdicts = loader.load(&nouns::MESSAGES, vec![record]).await.expect("a load");
        assert_eq!(verdicts, [Verdict::Rejected(format!("id {} was erased", erased.id))]);
        let post = rows.posts.last().expect("a post").id;
        let like = Record::new(&nouns::LIKES).with("user_id", 2).with("post_id", post);
        let verdicts = loader.load(&nouns::LIKES, vec![like]).await.expect("a load");
        assert_eq!(verdicts, [Verdict::Rejected("the likes of user 2 were erased".to_owned())]);

        // A row inserted past the program is removed by the next mover and never archived.
        let row = super::logical_table::message_row(&erased);
        pair.change("INSERT INTO messages VALUES (?1, ?2, ?3, ?4, ?5, ?6)", &row).await;
        let report = run_mover(&pair.mover(SIZES), messages, &plan(5, 20)).await;
        assert_eq!((report.outcome, report.error), (Outcome::Done, None));
        check_all(&pair, &rows).await;
        audit(&pair).await;
        pair.close().await;
    });
}

#[test]
fn the_command_reports_its_work() {
    let program = Program::new();
    program
        .write("posts.csv", "id,author_id,title,body,created_at\n1,1,a,b,2020-01-01\n2,2,c,d,2020-01-02\n");
    program.report(&["import", "posts", "posts.csv"]);
    program.report(&["archive", "run"]);
    let ended = program.run(&["archive", "erase", "--resource", "posts", "--id", "1"]);
    assert_eq!((ended.status, &*ended.out), (Some(0), "posts: 1 rows erased\n"), "{ended:?}");
    let done = program.report(&["archive", "erase", "--user", "2"]);
    assert_eq!(done[1], serde_json::json!({"resource": "posts", "rows": 1}));
    let again = program.report(&["import", "posts", "posts.csv"]);
    assert_eq!(super::program::counts(&again), [2, 0, 0, 0, 2], "{again}");
    for wrong in [
        &["archive", "erase"][..],
        &["archive", "erase", "--id", "1"],
        &["archive", "erase", "--user", "1", "--id", "1"],
        &["archive", "erase", "--resource", "likes", "--id", "1"],
    ] {
        assert_eq!(program.run(wrong).status, Some(2), "{wrong:?}");
    }
}

/// A user with likes of posts in both tiers is recorded once, and so is an id that is named twice.
#[test]
fn an_id_given_twice_is_erased_once() {
    run(async {
        let [messages, posts, _] = resources::families();
        for engines in [Some(Engines::embedded().await), Engines::mixed().await].into_iter().flatten() {
            let name = engines.name;
            let pair = Pair { hot: engines.hot, cold: engines.cold, clock: Clock::fixed(now()) };
            pair::ensure(&*pair.hot, &*pair.cold, &pair.clock).await.expect("a pair");
            let mut rows = Table::sample(now());
            let liker = USERS;
            let ends = |rows: &Table| {
                let ids = rows.posts.iter().map(|post| (post.created_at, post.id));
                [ids.clone().min(), ids.max()].map(|post| post.expect("a post").1)
            };
            rows.likes.retain(|(user, _)| *user != liker);
            rows.likes.extend(ends(&rows).map(|post| (liker, post)));
            logical_table::fill(&pair, &rows).await;
            run_mover(&pair.mover(SIZES), posts, &plan(20, 9)).await;
            run_mover(&pair.mover(SIZES), messages, &plan(20, 9)).await;
            let liked = |tier: &'static str| {
                format!("SELECT '' || count(*) AS row FROM {tier} WHERE user_id = {liker}")
            };
            assert_eq!(dump(&*pair.hot, &liked("likes")).await, ["1"], "{name}");
            assert_eq!(dump(&*pair.cold, &liked("likes_archive")).await, ["1"], "{name}");

            let mover = pair.mover(SIZES);
            let erased = mover.erase(posts, "likes", &[liker, liker]).await;
            assert_eq!(erased.expect("erased"), 2, "{name}");
            rows.likes.retain(|(user, _)| *user != liker);
            check(&pair, &rows, "posts", name).await;
            let ids = [rows.messages.first(), rows.messages.last()].map(|row| row.expect("a message").id);
            let erased = mover.erase(messages, "messages", &[ids[0], ids[1], ids[0], ids[1]]).await;
            assert_eq!(erased.expect("erased"), 2, "{name}");
            rows.messages.retain(|row| !ids.contains(&row.id));
            check(&pair, &rows, "messages", name).await;
            pair.close().await;
        }
    });
}
