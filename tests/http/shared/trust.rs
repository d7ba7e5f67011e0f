//! What stands in a Redis is believed only where a server of the pair has put it, and only while the two databases agree.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use thermocline::archive::ArchiveOptions;
use thermocline::tier::{Engine as _, Sqlite, Tier, migrate};

use super::{MESSAGES, PATHS, RedisServer, asked, connected, content, fill, filled, keep};
use crate::support::Service;

#[tokio::test]
async fn values_that_others_wrote_are_no_answers() {
    let Some(redis) = RedisServer::start() else { return };
    let plain = filled().await;
    let mut expected = Vec::new();
    for path in PATHS {
        expected.push((path, content(&asked(&plain, path).await)));
    }
    let (first, second) =
        (plain.sharing(&redis.patient(), 0).await, plain.sharing(&redis.patient(), 0).await);
    for server in [&first, &second] {
        connected(server).await;
    }
    for path in PATHS {
        asked(&first, path).await;
    }
    keep(&first, MESSAGES).await;
    let keys = redis.keys(":answer:");
    assert!(keys.len() > 8, "{keys:?}");
    let (large, foreign) = (vec![b'x'; 600_000], redis.command::<Vec<u8>>(&[b"GET", keys[0].as_bytes()]));
    for (key, damage) in keys.iter().map(String::as_bytes).zip((0..5).cycle()) {
        let value: Vec<u8> = redis.command(&[b"GET", key]);
        redis.command::<()>(&[b"DEL", key]);
        match damage {
            0 => redis.command::<()>(&[b"LPUSH", key, b"a list"]),
            1 => redis.command::<()>(&[b"SET", key, b"null"]),
            2 => redis.command::<()>(&[b"SET", key, &large]),
            3 => redis.command::<()>(&[b"SET", key, &value[..value.len() - 1]]),
            _ => redis.command::<()>(&[b"SET", key, &foreign]),
        }
    }
    for _ in 0..2 {
        for (path, expected) in &expected {
            assert_eq!(content(&asked(&second, path).await), *expected, "{path}");
        }
    }
}

async fn open(tier: Tier, folder: &Path, name: &str) -> Arc<Sqlite> {
    let database = Sqlite::open(thermocline::schema::of(tier), &folder.join(name)).await.expect("a database");
    migrate::upgrade(&database).await.expect("a schema");
    Arc::new(database)
}

/// Closes a database and copies its file.
async fn copy(database: Arc<Sqlite>, folder: &Path, [from, to]: [&str; 2]) {
    database.close().await;
    drop(database);
    for end in ["", "-wal"] {
        let file = folder.join(format!("{from}{end}"));
        if file.is_file() {
            std::fs::copy(file, folder.join(format!("{to}{end}"))).expect("a copy");
        }
    }
}

/// Returns a service over the databases of these names.
async fn over(folder: &Path, hot: &str, cold: &str) -> (Service, Arc<Sqlite>, Arc<Sqlite>) {
    let (hot, cold) = (open(Tier::Hot, folder, hot).await, open(Tier::Cold, folder, cold).await);
    let service = Service::over(hot.clone(), cold.clone(), Duration::from_secs(30)).await;
    (service, hot, cold)
}

/// Pages of an earlier state are still kept when hot comes back to it, or when cold does.
#[tokio::test]
async fn a_database_from_a_backup_is_noticed() {
    let Some(redis) = RedisServer::start() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let (service, hot, cold) = over(folder, "hot", "cold").await;
    fill(&service).await;
    let sharing = service.sharing(&redis.patient(), 0).await;
    keep(&sharing, MESSAGES).await;
    copy(hot, folder, ["hot", "old-hot"]).await;
    copy(cold, folder, ["cold", "old-cold"]).await;
    let before = redis.keys(":answer:").len();

    let (service, hot, cold) = over(folder, "hot", "cold").await;
    let rule = thermocline::clock::DAY.into();
    let newer = ArchiveOptions { rule, ..ArchiveOptions::default() };
    assert!(service.archive("messages", &newer).await > 0);
    let sharing = service.sharing(&redis.patient(), 0).await;
    keep(&sharing, MESSAGES).await;
    assert!(redis.keys(":answer:").len() > before);
    for database in [hot, cold] {
        database.close().await;
    }

    // A new server has not seen the later moves; only what is kept could mislead it.
    let (plain, ..) = over(folder, "old-hot", "cold").await;
    for _ in 0..2 {
        let sharing = plain.sharing(&redis.patient(), 0).await;
        connected(&sharing).await;
        let answer = asked(&sharing, MESSAGES).await;
        answer.problem("/api/conversations/1/messages", 503, "recover-due");
        // As after the time for which a state counts as proven.
        for proof in redis.keys(":proof:") {
            redis.command::<()>(&[b"DEL", proof.as_bytes()]);
        }
    }
    let (plain, ..) = over(folder, "hot", "old-cold").await;
    let sharing = plain.sharing(&redis.patient(), 0).await;
    connected(&sharing).await;
    let answer = asked(&sharing, MESSAGES).await;
    answer.problem("/api/conversations/1/messages", 503, "recover-due");
}
