//! A tier that hangs in the middle of a batch: the connection is open, but nothing is received.
//!
//! The program runs as a process and connects through a proxy that falls silent.

use std::process::Child;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

use super::fixture::Fixture;
use super::program::Ended;
use super::{run, sql};
use crate::support::bounds::bound;
use crate::support::dice::Dice;
use crate::support::postgres;
use crate::support::proxy::{Link, Proxy};
use crate::support::waiting::{finish, until, until_beside};

/// Limit for a statement of a move, in seconds.
const LIMIT: u64 = 2;
/// Longest time for a mover to notice and to end: a read outside its move may take 30 s, then it tries to connect
/// again; a busy machine adds to that.
const ENDED: Duration = Duration::from_mins(1);
const ARCHIVE: &str = "archive run --older-than 1d --patience 0s --batch 8 --resource messages";

/// Runs proxies while a test waits for a process.
fn network() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

/// Returns the number of moves in cold's journal.
async fn moves(fixture: &Fixture) -> i64 {
    let pair = fixture.open().await;
    let count = sql("SELECT count(*) AS n FROM archive_batches");
    let n = pair.cold.fetch(&count, &[]).await.expect("a count")[0].int("n").expect("a count");
    pair.close().await;
    n
}

/// Checks that the program ends by itself and names the tier.
fn ends(child: Child, name: &str) {
    let begun = Instant::now();
    let ended = Ended::of(finish(child));
    assert_eq!(ended.status, Some(1), "{ended:?}");
    let said = ended.err.lines().find(|line| line.starts_with("error: ")).expect("an error");
    assert!(said.contains(&format!("the {name} tier is unavailable: ")), "{said}");
    assert!(begun.elapsed() < ENDED, "it took {:?}: {said}", begun.elapsed());
    println!("{name}, after {:?}: {said}", begun.elapsed());
}

/// Writes, as the platform would, to a row that was about to move.
async fn hot_is_free(fixture: &Fixture) {
    let pair = fixture.open().await;
    let begun = Instant::now();
    let ids = sql("SELECT id FROM messages ORDER BY created_at, id");
    let oldest = pair.hot.fetch(&ids, &[]).await.expect("rows")[0].int("id").expect("an id");
    let read = "UPDATE messages SET is_read = is_read WHERE id = ?1";
    assert_eq!(pair.change(read, &[oldest.into()]).await, 1);
    assert!(begun.elapsed() < Duration::from_secs(5), "hot was locked for {:?}", begun.elapsed());
    pair.close().await;
}

/// Hangs a tier at some moment of a run, `times` times; each run ends, and the next one continues.
fn hangs(fixture: &Fixture, proxy: &Proxy, name: &str, times: u64) {
    let mut dice = Dice(31);
    for _ in 0..times {
        let before = run(moves(fixture));
        let child = fixture.command(ARCHIVE).spawn().expect("the program");
        let child = until_beside(child, "a batch moves", || run(moves(fixture)) != before);
        std::thread::sleep(Duration::from_micros(dice.roll(20_000)));
        proxy.set(Link::Silent);
        ends(child, name);
        // A server that is not told of its client's end keeps the locks of that session.
        if name == "hot" {
            proxy.set(Link::Open);
        }
        run(hot_is_free(fixture));
        run(fixture.check("messages"));
        proxy.set(Link::Open);
    }
}

/// Waits until a session of cold waits for a lock.
async fn until_locked_out(fixture: &Fixture) {
    let pair = fixture.open().await;
    let waiting = sql("SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
         AND datname = current_database()");
    let count = async || pair.cold.fetch(&waiting, &[]).await.expect("a count")[0].int("n").expect("a count");
    until("a session of cold waits for a lock", async || count().await > 0).await;
    pair.close().await;
}

#[test]
fn waiting_for_a_hung_cold_is_limited() {
    let Some(mut fixture) = Fixture::mixed() else { return };
    let network = network();
    let direct = fixture.program.cold.clone();
    let place = postgres::address(&direct);
    let proxy = network.block_on(Proxy::before(place.clone()));
    fixture.program.cold =
        direct.replacen(&place, &format!("127.0.0.1:{}", proxy.port), 1) + &format!("&write_timeout={LIMIT}");
    // Holds a lock in cold between taking the rows from hot and storing them.
    let mut held = network.block_on(postgres::connect(&direct));
    let text = "BEGIN; LOCK TABLE messages_archive IN EXCLUSIVE MODE";
    network.block_on(sqlx::Executor::execute(&mut held, text)).expect("locked");
    let child = fixture.command(ARCHIVE).spawn().expect("the program");
    run(until_locked_out(&fixture));
    proxy.set(Link::Silent);
    ends(child, "cold");
    run(hot_is_free(&fixture));
    network.block_on(sqlx::Executor::execute(&mut held, "ROLLBACK")).expect("unlocked");
    proxy.set(Link::Open);
    run(fixture.check("messages"));
    // Hangs cold at random moments too.
    hangs(&fixture, &proxy, "cold", 1 + bound("THERMOCLINE_TEST_KILLS", 0, 0).min(8));
    fixture.done(ARCHIVE);
    run(fixture.check_whole("messages"));
}

#[test]
fn waiting_for_a_hung_hot_is_limited() {
    let Some(mut fixture) = Fixture::real() else { return };
    let network = network();
    let place = fixture.hot_place();
    let proxy = network.block_on(Proxy::before(place.clone()));
    fixture.program.hot = fixture.program.hot.replacen(&place, &format!("127.0.0.1:{}", proxy.port), 1)
        + &format!("&write_timeout={LIMIT}");
    hangs(&fixture, &proxy, "hot", 1 + bound("THERMOCLINE_TEST_KILLS", 0, 0).min(8));
    fixture.done(ARCHIVE);
    run(fixture.check_whole("messages"));
    fixture.end();
}
