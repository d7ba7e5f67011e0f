//! Posts that are due by their newest comment, over every hot engine.

use std::sync::atomic::AtomicBool;

use thermocline::archive::status::status;
use thermocline::archive::{ArchiveOptions, BlockSizes, Mover, Outcome, Rule};
use thermocline::clock::{Clock, DAY};
use thermocline::journal::pair;
use thermocline::resources;
use thermocline::tier::Value;

use super::{at, insert, on_every_engine, people, statement};

const POSTS: [&str; 5] = ["id", "author_id", "title", "body", "created_at"];
const COMMENTS: [&str; 5] = ["id", "post_id", "author_id", "body", "created_at"];

#[tokio::test]
async fn posts_with_recent_comments_stay() {
    on_every_engine!(engine => {
        let name = engine.name;
        let cold = engine.cold().await;
        let clock = Clock::fixed(at("2026-11-20T10:00:00Z"));
        pair::ensure(&*engine.hot, &*cold, &clock).await.expect("a pair");
        people(&engine.hot).await;
        let ago = |days: i64| Value::from(clock.now().plus(-days * DAY));
        let post = |id: i64, days: i64| vec![id.into(), 1.into(), "題".into(), "文".into(), ago(days)];
        let comment = |id: i64, post: i64, days: i64| vec![id.into(), post.into(), 2.into(), "c".into(), ago(days)];
        // Comments: 1 none; 2 old; 3 old and up to today; 4 up to the cutoff; 5 is a new post itself.
        let posts = [post(1, 50), post(2, 90), post(3, 80), post(4, 70), post(5, 10)];
        insert(&engine.hot, "posts", &POSTS, &posts).await;
        let comments = [comment(1, 2, 85), comment(2, 2, 60), comment(3, 3, 79), comment(4, 3, 1), comment(5, 4, 30)];
        insert(&engine.hot, "comments", &COMMENTS, &comments).await;
        insert(&engine.hot, "likes", &["user_id", "post_id"], &[vec![1.into(), 2.into()], vec![1.into(), 3.into()]]).await;

        let mover = Mover {
            hot: &*engine.hot,
            cold: &*cold,
            clock: &clock,
            name: "test".to_owned(),
            sizes: BlockSizes::default(),
        };
        let [messages, posts, _] = resources::families();
        let rule = |by_activity| Rule { older_than: 30 * DAY, by_activity };
        for (by_activity, due, lag) in [(false, 4, 60.0), (true, 2, 30.0)] {
            assert_eq!(mover.due(posts, rule(by_activity)).await.expect("a count"), due, "{name}");
            let seen = status(&*engine.hot, Some(&*cold), &clock, posts, rule(by_activity)).await.expect("a status");
            assert_eq!((seen.due, seen.lag_days, seen.rows_in_hot), (due, lag, 5), "{name}");
        }
        assert_eq!(mover.due(messages, rule(true)).await.expect("a count"), 0, "messages have no children");

        let left = async || {
            let records = engine.hot.fetch(&statement("SELECT id FROM posts ORDER BY id"), &[]).await.expect("ids");
            records.iter().map(|record| record.int("id").expect("an id")).collect::<Vec<_>>()
        };
        // One post a batch: those that stay are skipped each time.
        let plan = ArchiveOptions { rule: rule(true), batch: 1, ..ArchiveOptions::default() };
        let go = async || {
            let report = mover.run(posts, &plan, &AtomicBool::new(false), &mut |_| ()).await;
            assert_eq!((report.outcome, report.error.as_deref()), (Outcome::Done, None), "{name}");
            (report.due.expect("a count"), report.of_resource, report.rows)
        };
        assert_eq!(go().await, (2, 2, 5), "{name}");
        assert_eq!(left().await, [3, 4, 5], "{name}");
        // Later, without new comments: a comment exactly at the cutoff is not older than it.
        clock.set(clock.now().plus(1));
        assert_eq!(go().await, (1, 1, 2), "{name}");
        assert_eq!(left().await, [3, 5], "{name}");
        clock.set(clock.now().plus(29 * DAY));
        assert_eq!(go().await, (2, 2, 5), "{name}");
        assert_eq!(left().await, [] as [i64; 0], "{name}");
    });
}
