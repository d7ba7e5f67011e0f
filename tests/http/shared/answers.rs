//! What one server was answered, another need not ask.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use thermocline::archive::{ArchiveOptions, Selection};
use thermocline::clock::DAY;
use thermocline::load::nouns;
use thermocline::resources;
use thermocline::tier::{Begin, Engine as _, Statement};

use super::{PATHS, RedisServer, asked, asks_cold, connected, content, filled, keep};
use crate::support::bounds::bound;
use crate::support::dice::Dice;
use crate::support::waiting::until;
use crate::support::{cutoff, message};

#[tokio::test]
async fn another_server_asks_cold_nothing() {
    let Some(redis) = RedisServer::start() else { return };
    let plain = filled().await;
    let mut reaching = Vec::new();
    for path in PATHS {
        let expected = asked(&plain, path).await;
        assert_eq!(expected.status, 200, "{path}: {}", expected.text());
        if asks_cold(&expected) {
            reaching.push((path, content(&expected)));
        }
    }
    assert!(reaching.len() > 8, "{reaching:?}");
    // A kept answer counts for some seconds, which a busy machine may take between the two servers.
    until("another server that asks hot alone", async || {
        redis.flush();
        let first = plain.sharing(&redis.patient(), 0).await;
        let second = plain.sharing(&redis.patient(), 0).await;
        connected(&second).await;
        for (path, _) in &reaching {
            keep(&first, path).await;
        }
        let mut asking = Vec::new();
        for (path, expected) in &reaching {
            let answer = asked(&second, path).await;
            assert_eq!(content(&answer), *expected, "{path}");
            if asks_cold(&answer) {
                asking.push(path);
            }
        }
        asking.is_empty()
    })
    .await;
}

#[tokio::test]
async fn installations_on_one_redis_do_not_meet() {
    let Some(redis) = RedisServer::start() else { return };
    let services = [filled().await, filled().await];
    let other = &services[1];
    // The clock of tests draws the same number for every pair.
    other.in_hot("-- pair\nUPDATE archive_state SET pair = pair + 1", &[]).await;
    let mut cold = other.cold.session().await.expect("a session");
    cold.begin(Begin::Write).await.expect("a transaction");
    cold.execute(&Statement::new("-- pair\nUPDATE archive_head SET pair = pair + 1"), &[])
        .await
        .expect("executed");
    cold.commit().await.expect("committed");
    other.load(&nouns::MESSAGES, vec![message(900, 1, 1, "of the other", cutoff(-40 * DAY))]).await;
    other.archive("messages", &ArchiveOptions::default()).await;
    let mut keys: Vec<Vec<String>> = Vec::new();
    for service in &services {
        redis.flush();
        let sharing = service.sharing(&redis.patient(), 0).await;
        keep(&sharing, super::MESSAGES).await;
        keys.push(redis.keys(""));
    }
    assert!(keys.iter().all(|keys| keys.len() >= 2), "{keys:?}");
    assert!(!keys[0].iter().any(|key| keys[1].contains(key)), "{keys:?}");
    let mut sharing = Vec::new();
    for service in &services {
        sharing.push(service.sharing(&redis.patient(), 0).await);
    }
    for _ in 0..2 {
        for (service, sharing) in services.iter().zip(&sharing) {
            for path in &PATHS[..5] {
                let expected = asked(service, path).await;
                assert_eq!(content(&asked(sharing, path).await), content(&expected), "{path}");
            }
        }
    }
}

/// Messages come, late ones too, move, come back and are erased, while the Redis is emptied, killed and hangs.
#[tokio::test]
async fn answers_are_those_without_it_at_every_moment() {
    let Some(mut redis) = RedisServer::start() else { return };
    let plain = filled().await;
    let settings = redis.settings(Duration::from_millis(500));
    let servers = [plain.sharing(&settings, 0).await, plain.sharing(&settings, 0).await];
    let families = resources::families();
    let family = families.iter().find(|family| family.resource == "messages").expect("a family");
    let mut dice = Dice(1);
    let (mut next, mut spared) = (1_000, 0);
    let steps = bound("THERMOCLINE_TEST_REDIS", 16, 8);
    for step in 0..=steps {
        let mut is_hanging = false;
        match dice.roll(8) {
            0 | 1 => {
                let when = cutoff((dice.roll(60) as i64 - 55) * DAY + next);
                plain.load(&nouns::MESSAGES, vec![message(next, 1, 2, "hello late", when)]).await;
                next += 1;
            }
            2 | 3 => {
                let few = ArchiveOptions { max_rows: Some(3), ..ArchiveOptions::default() };
                plain.archive("messages", &few).await;
            }
            4 => {
                let id = 1 + dice.roll(60) as i64;
                plain.mover().erase(family, "messages", &[id]).await.expect("erased");
            }
            5 => redis.flush(),
            6 => redis.restart(),
            _ => {
                redis.hang();
                is_hanging = true;
            }
        }
        if step == steps {
            // The resource is held from now on.
            let stop = AtomicBool::new(false);
            plain.mover().restore(family, Selection::Row(7), 100, &stop, &mut |_| {}).await;
        }
        for path in &PATHS[..8] {
            let expected = asked(&plain, path).await;
            for server in &servers {
                let answer = asked(server, path).await;
                assert_eq!(content(&answer), content(&expected), "step {step}: {path}");
                spared += u32::from(asks_cold(&expected) && !asks_cold(&answer));
            }
        }
        if is_hanging {
            redis.go_on();
        }
    }
    assert!(spared > 0, "no answer was shared");
}
