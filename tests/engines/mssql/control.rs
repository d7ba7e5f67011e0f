//! Requests of operators to movers, kept in every hot engine.

use std::time::Duration;

use thermocline::journal::{Control, control};

use super::{at, on_every_engine, statement};

#[tokio::test]
async fn what_operators_ask_is_kept() {
    on_every_engine!(engine => {
        let (hot, now) = (&*engine.hot, at("2026-11-20T10:00:00Z"));
        assert_eq!(control::read(hot, "posts").await.expect("a row"), (false, Control::default()));
        let slow = Control {
            paused: true,
            rows_per_second: Some(500),
            max_hot_latency: Some(Duration::from_millis(20)),
        };
        let changed = control::change(hot, "posts", now, |control| *control = slow).await.expect("a change");
        assert_eq!(changed, (Control::default(), slow));
        assert_eq!(control::read(hot, "posts").await.expect("a row"), (false, slow));
        assert_eq!(control::read(hot, "prices").await.expect("a row").1, Control::default());

        let fast = Control { rows_per_second: None, max_hot_latency: None, ..slow };
        let take_back = |control: &mut Control| {
            (control.rows_per_second, control.max_hot_latency) = (None, None);
        };
        let changed = control::change(hot, "posts", now, take_back).await.expect("a change");
        assert_eq!(changed, (slow, fast));

        // A row that somebody deleted is made anew.
        let mut session = hot.session().await.expect("a session");
        session.begin(thermocline::tier::Begin::Write).await.expect("begins");
        session.execute(&statement("DELETE FROM archive_control"), &[]).await.expect("deletes");
        session.commit().await.expect("commits");
        drop(session);
        assert_eq!(control::read(hot, "posts").await.expect("a row"), (false, Control::default()));
        let changed = control::change(hot, "posts", now, |control| control.paused = true).await;
        assert_eq!(changed.expect("a change").0, Control::default());
        assert!(control::read(hot, "posts").await.expect("a row").1.paused);
    });
}
