//! Tests for servers only: snapshots beside an open move, cancelled requests, many processes starting at once.

use std::time::Duration;

use thermocline::federation::reads::Hot as _;
use thermocline::federation::sql::SqlHot;
use thermocline::page::{Slice, Span};
use thermocline::resources;
use thermocline::resources::messages::Messages;
use thermocline::tier::migrate::{self, Schema as _};
use thermocline::tier::{Begin, Engine as _, Mssql, Statement, Tier, TierError, Value};

use super::{MESSAGES, at, insert, message, on_every_engine, people, statement};
use crate::support::hot_engines::Server;

#[tokio::test]
async fn readers_see_a_move_atomically() {
    on_every_engine!(engine => {
        let hot = &engine.hot;
        people(hot).await;
        let rows: Vec<Vec<Value>> = (1..=50).map(|id| message(id, 1, "x", at("2026-11-01").plus(id))).collect();
        insert(hot, "messages", &MESSAGES, &rows).await;
        let list = Messages::of(1);
        let seen = async || {
            let read = SqlHot(&**hot).read(&list, Slice::newest(Span::ALL, 100), true).await.expect("reads");
            (read.snapshot.epoch, read.rows.len(), read.count.rows)
        };
        let mut mover = hot.session().await.expect("a session");
        mover.begin(Begin::Write).await.expect("begins");
        let raise = statement("UPDATE archive_state SET epoch = epoch + 1 WHERE resource = 'messages'");
        assert_eq!(mover.execute(&raise, &[]).await.expect("raises"), 1);
        assert_eq!(seen().await, (0, 50, 50));
        let take = statement("DELETE FROM messages WHERE id <= ?1");
        assert_eq!(mover.execute(&take, &[20.into()]).await.expect("takes"), 20);
        assert_eq!(seen().await, (0, 50, 50));

        // A snapshot that began before the commit does not see it.
        let mut before = hot.session().await.expect("a session");
        before.begin(Begin::Read).await.expect("begins");
        let count = statement("SELECT count(*) AS n FROM messages");
        let n = async |session: &mut Box<dyn thermocline::tier::Session>| {
            session.fetch(&count, &[]).await.expect("counts")[0].int("n").expect("a number")
        };
        assert_eq!(n(&mut before).await, 50);
        mover.commit().await.expect("commits");
        assert_eq!(seen().await, (1, 30, 30));
        assert_eq!(n(&mut before).await, 50);
        before.rollback().await.expect("ends");

        // A transaction dropped half-way leaves no trace.
        let mut dropped = hot.session().await.expect("a session");
        dropped.begin(Begin::Write).await.expect("begins");
        dropped.execute(&take, &[40.into()]).await.expect("takes");
        drop(dropped);
        assert_eq!(seen().await, (1, 30, 30));
    });
}

#[tokio::test]
async fn cancelled_requests_leave_no_trace() {
    let Some(server) = Server::make().await else { return };
    let hot = Mssql::open(thermocline::schema::of(Tier::Hot), &server.at).await.expect("opens");
    // A request that waited for the end of one of these would fail at the time limit of a statement.
    let slow = Statement::new("-- slow\n").mssql("-- slow\nWAITFOR DELAY '23:00:00'; SELECT 1 AS n");
    for round in 0..4 {
        let given_up = (0..50).map(|n| {
            let patience = Duration::from_millis(20 + (n * 7 + round * 3) % 200);
            tokio::time::timeout(patience, hot.fetch(&slow, &[]))
        });
        let outcomes = futures::future::join_all(given_up).await;
        assert!(outcomes.iter().all(Result::is_err), "no client waits for the answer");
    }
    let echo = Statement::new("-- echo\n").mssql("-- echo\nSELECT @P1 AS n");
    for n in 0..200_i64 {
        let rows = hot.fetch(&echo, &[n.into()]).await.expect("answers");
        assert_eq!(rows[0].int("n").expect("a number"), n, "another request's answer");
    }
    let (connections, idle) = hot.readers();
    assert!(connections <= 50 && idle == connections, "{connections} connections, {idle} idle");
    hot.close().await;
    server.drop().await;
}

#[tokio::test]
async fn many_servers_migrate_once() {
    let Some(server) = Server::make().await else { return };
    let starts = (0..6).map(|_| async {
        let hot = Mssql::open(thermocline::schema::of(Tier::Hot), &server.at).await.expect("opens");
        let upgraded = migrate::upgrade(&hot).await.expect("migrates");
        hot.close().await;
        (upgraded.to, upgraded.applied.len())
    });
    let mut outcomes = futures::future::join_all(starts).await;
    outcomes.sort_unstable();
    let steps = thermocline::schema::of(Tier::Hot).mssql;
    let (newest, all) = (steps.last().expect("a migration").version(), steps.len());
    assert_eq!(outcomes, [(newest, 0), (newest, 0), (newest, 0), (newest, 0), (newest, 0), (newest, all)]);
    let hot = Mssql::open(thermocline::schema::of(Tier::Hot), &server.at).await.expect("opens");
    migrate::downgrade(&hot, 0).await.expect("downgrades");
    assert_eq!(hot.version().await.expect("a version"), 0);
    assert_eq!(migrate::upgrade(&hot).await.expect("migrates").applied.len(), all);
    hot.close().await;
    server.drop().await;
}

#[tokio::test]
async fn lock_errors_are_conflicts_and_others_are_not() {
    let Some(server) = Server::make().await else { return };
    let hot = Mssql::open(thermocline::schema::of(Tier::Hot), &server.at).await.expect("opens");
    migrate::upgrade(&hot).await.expect("migrates");
    let touch = statement("UPDATE archive_state SET held = 0 WHERE resource = 'posts'");
    let mut first = hot.session().await.expect("a session");
    first.begin(Begin::Write).await.expect("begins");
    first.execute(&touch, &[]).await.expect("touches");
    let mut second = hot.session().await.expect("a session");
    second.begin(Begin::Write).await.expect("begins");
    let error = second.execute(&touch, &[]).await.expect_err("it is locked");
    assert!(error.is_conflict(), "{error:?}");
    first.rollback().await.expect("ends");
    drop((first, second));
    let error = hot.fetch(&statement("SELECT nothing FROM nowhere"), &[]).await.expect_err("no such table");
    assert!(matches!(error, TierError::Statement { .. }), "{error:?}");
    let error = hot.fetch(&Statement::new("-- cold\n"), &[]).await.expect_err("no text");
    assert!(matches!(error, TierError::Statement { .. }), "{error:?}");
    hot.close().await;

    let nowhere = thermocline::config::Mssql { port: 1, ..server.at.clone() };
    let error =
        Mssql::open(thermocline::schema::of(Tier::Hot), &nowhere).await.expect_err("no server listens");
    assert!(matches!(error, TierError::Unavailable { .. }), "{error:?}");
    let stranger = thermocline::config::Mssql { password: "wrong".to_owned().into(), ..server.at.clone() };
    let error =
        Mssql::open(thermocline::schema::of(Tier::Hot), &stranger).await.expect_err("a wrong password");
    assert!(matches!(error, TierError::Unavailable { .. }), "{error:?}");
    server.drop().await;
}

/// A price that corrects an archived one cannot be deleted while that one is restored: the day would be in neither
/// tier.
#[tokio::test]
async fn a_correction_is_locked_during_a_restore() {
    let Some(server) = Server::make().await else { return };
    let hot = Mssql::open(thermocline::schema::of(Tier::Hot), &server.at).await.expect("opens");
    migrate::upgrade(&hot).await.expect("migrates");
    let mut session = hot.session().await.expect("a session");
    session.begin(Begin::Write).await.expect("begins");
    let stock = statement("INSERT INTO stocks (symbol) VALUES ('0001')");
    assert_eq!(session.execute(&stock, &[]).await.expect("inserts"), 1);
    let price =
        statement("INSERT INTO stock_prices (stock_id, trade_date) SELECT id, '2026-11-02' FROM stocks");
    assert_eq!(session.execute(&price, &[]).await.expect("inserts"), 1);
    session.commit().await.expect("commits");
    let stocks = hot.fetch(&statement("SELECT id FROM stocks"), &[]).await.expect("a stock");
    let stock = stocks[0].int("id").expect("an id");

    let [.., prices] = resources::families();
    let in_hot = &prices.supersede.as_ref().expect("prices supersede").in_hot;
    let days: Vec<i64> = ["2026-11-02", "2026-11-03"].map(|day| at(day).micros()).to_vec();
    session.begin(Begin::Write).await.expect("begins");
    let held = session.fetch(in_hot, &[stock.into(), days.into()]).await.expect("days");
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].date("member").expect("a day").to_string(), "2026-11-02");
    let delete = statement("DELETE FROM stock_prices");
    let mut other = hot.session().await.expect("a session");
    other.begin(Begin::Write).await.expect("begins");
    let error = other.execute(&delete, &[]).await.expect_err("it is locked");
    assert!(error.is_conflict(), "{error:?}");
    other.rollback().await.expect("ends");
    session.rollback().await.expect("ends");
    other.begin(Begin::Write).await.expect("begins");
    assert_eq!(other.execute(&delete, &[]).await.expect("deletes"), 1);
    other.rollback().await.expect("ends");
    drop((session, other));
    hot.close().await;
    server.drop().await;
}
