//! A tier that hangs in mid-batch: nothing is lost on the way that anybody would notice, and nothing comes back.
//!
//! The way to it leads through a proxy that falls silent, while the program runs as a process.

use std::process::Child;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

use super::files::Ended;
use super::life::Life;
use super::{Dice, run, setting, sql};
use crate::support::postgres;
use crate::support::proxy::{Door, Proxy};

/// What a statement of a move may take here, in seconds.
const LIMIT: u64 = 2;
/// How long a mover may take to notice and to end: it may read outside its move just then, which may take 30 s; then an
/// attempt to reach the server again, and what a busy machine adds.
const ENDED: Duration = Duration::from_mins(1);
const ARCHIVE: &str = "archive run --older-than 1d --patience 0s --batch 8 --resource messages";

/// Where proxies live while a test waits for a process.
fn network() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

/// How many moves cold has noted.
async fn moves(life: &Life) -> i64 {
    let pair = life.open().await;
    let count = sql("SELECT count(*) AS n FROM archive_batches");
    let n = pair.cold.fetch(&count, &[]).await.expect("a count")[0].int("n").expect("a count");
    pair.close().await;
    n
}

/// The program ends by itself, and says which tier is to blame.
fn ends(child: Child, name: &str) {
    let begun = Instant::now();
    let ended = Ended::of(child.wait_with_output().expect("its output"));
    assert_eq!(ended.status, Some(1), "{ended:?}");
    let said = ended.err.lines().find(|line| line.starts_with("error: ")).expect("an error");
    assert!(said.contains(&format!("the {name} tier is unavailable: ")), "{said}");
    assert!(begun.elapsed() < ENDED, "it took {:?}: {said}", begun.elapsed());
    println!("{name}, after {:?}: {said}", begun.elapsed());
}

/// The platform writes to a row that was about to move.
async fn hot_is_free(life: &Life) {
    let pair = life.open().await;
    let begun = Instant::now();
    let ids = sql("SELECT id FROM messages ORDER BY created_at, id");
    let oldest = pair.hot.fetch(&ids, &[]).await.expect("rows")[0].int("id").expect("an id");
    let read = "UPDATE messages SET is_read = is_read WHERE id = ?1";
    assert_eq!(pair.change(read, &[oldest.into()]).await, 1);
    assert!(begun.elapsed() < Duration::from_secs(5), "hot was locked for {:?}", begun.elapsed());
    pair.close().await;
}

/// Hangs a tier at some moment of a run, so many times; every run ends, and the next one goes on.
fn hangs(life: &Life, proxy: &Proxy, name: &str, times: u64) {
    let mut dice = Dice(31);
    for _ in 0..times {
        let before = run(moves(life));
        let child = life.command(ARCHIVE).spawn().expect("the program");
        while run(moves(life)) == before {
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_micros(dice.roll(20_000)));
        proxy.set(Door::Silent);
        ends(child, name);
        // A server that nobody tells of its client's end holds what that had locked.
        if name == "hot" {
            proxy.set(Door::Open);
        }
        run(hot_is_free(life));
        run(life.check("messages"));
        proxy.set(Door::Open);
    }
}

/// Waits until somebody in cold waits for a lock.
async fn until_locked_out(life: &Life) {
    let pair = life.open().await;
    let waiting = sql("SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
         AND datname = current_database()");
    while pair.cold.fetch(&waiting, &[]).await.expect("a count")[0].int("n").expect("a count") == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    pair.close().await;
}

#[test]
fn a_cold_that_hangs_is_not_waited_for_without_end() {
    let Some(mut life) = Life::mixed() else { return };
    let network = network();
    let direct = life.program.cold.clone();
    let place = postgres::place(&direct);
    let proxy = network.block_on(Proxy::before(place.clone()));
    life.program.cold =
        direct.replacen(&place, &format!("127.0.0.1:{}", proxy.port), 1) + &format!("&write_timeout={LIMIT}");
    // Where hot has given its rows and cold has not taken them: the server itself is held up.
    let mut held = network.block_on(postgres::behind(&direct));
    let text = "BEGIN; LOCK TABLE messages_archive IN EXCLUSIVE MODE";
    network.block_on(sqlx::Executor::execute(&mut held, text)).expect("locked");
    let child = life.command(ARCHIVE).spawn().expect("the program");
    run(until_locked_out(&life));
    proxy.set(Door::Silent);
    ends(child, "cold");
    run(hot_is_free(&life));
    network.block_on(sqlx::Executor::execute(&mut held, "ROLLBACK")).expect("unlocked");
    proxy.set(Door::Open);
    run(life.check("messages"));
    // And wherever it may be.
    hangs(&life, &proxy, "cold", 1 + setting("THERMOCLINE_TEST_KILLS", 0).min(8));
    life.done(ARCHIVE);
    run(life.check_whole("messages"));
}

#[test]
fn a_hot_that_hangs_is_not_waited_for_without_end() {
    let Some(mut life) = Life::real() else { return };
    let network = network();
    let place = life.hot_place();
    let proxy = network.block_on(Proxy::before(place.clone()));
    life.program.hot = life.program.hot.replacen(&place, &format!("127.0.0.1:{}", proxy.port), 1)
        + &format!("&write_timeout={LIMIT}");
    hangs(&life, &proxy, "hot", 1 + setting("THERMOCLINE_TEST_KILLS", 0).min(8));
    life.done(ARCHIVE);
    run(life.check_whole("messages"));
    life.end();
}
