//! Clients that disconnect in the middle of a query leave no connection and no work behind.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use sqlx::Row as _;
use thermocline::archive::ArchiveOptions;
use thermocline::clock::DAY;
use thermocline::load::nouns;

use super::PATIENCE;
use crate::support::engines::Servers;
use crate::support::postgres::connect;
use crate::support::waiting::until;
use crate::support::{Service, at, conversation, cutoff, message};

const REQUESTS: u64 = 1_000;
/// Number of messages, each of [`LENGTH`] characters, half of them archived: a search without a match reads them all.
const MESSAGES: i64 = 1_500;
const LENGTH: usize = 1_000;
const SLOW: [&str; 4] = [
    "/api/conversations/1/messages/search?q=nowhere",
    "/api/conversations/1/messages?limit=100",
    "/api/conversations/1/messages/search?q=is%20nowhere&limit=100",
    "/api/conversations/1/messages?page=10&per_page=100",
];

/// Read by the clients that stay connected.
const QUICK: [&str; 4] = [
    "/api/conversations/1/messages?limit=3",
    "/api/conversations/1/messages/7",
    "/api/conversations/1/messages?offset=1000&limit=3&count=none",
    "/api/conversations/1/messages/1490",
];

async fn fill(service: &Service) {
    service.load(&nouns::CONVERSATIONS, vec![conversation(1, 1, Some(2), at("2025-01-01T00:00:00Z"))]).await;
    let text = "多 text to be looked through ".chars().cycle().take(LENGTH).collect::<String>();
    let said = |n: i64| message(n, 1, 1, &format!("{n} {text}"), cutoff((n - MESSAGES / 2) * DAY / 200));
    service.load(&nouns::MESSAGES, (0..MESSAGES).map(said).collect()).await;
    assert_eq!(service.archive("messages", &ArchiveOptions::default()).await, MESSAGES / 2);
}

/// Returns the statements at work in the databases of the test, except the one that asks.
async fn at_work(servers: &Servers) -> Vec<String> {
    // SQL Server reports "sleeping", Babelfish "idle".
    let running = "SELECT program_name + N' ' + status FROM sys.dm_exec_sessions \
        WHERE database_id = DB_ID() AND status NOT IN (N'sleeping', N'idle') AND session_id <> @@SPID";
    let mut found = servers.server.column(running).await;
    let running = "SELECT query FROM pg_stat_activity \
        WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()";
    let rows = sqlx::query(running).fetch_all(&mut connect(&servers.cold_url).await).await.expect("answers");
    found.extend(rows.iter().map(|row| row.get::<String, _>(0)));
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_disconnects_do_not_disturb_others() {
    let Some(servers) = Servers::make().await else { return };
    let service = Arc::new(Service::over(servers.hot.clone(), servers.cold.clone(), PATIENCE).await);
    fill(&service).await;
    let token = service.token(1);
    // Working statements are visible there. One may be over before it is looked for.
    let seen = until("a statement is at work", async || !at_work(&servers).await.is_empty());
    let slow = async {
        loop {
            service.get(&token, SLOW[0]).await;
        }
    };
    tokio::select! {
        () = seen => {}
        () = slow => {}
    }
    let mut usual = Vec::new();
    for path in SLOW {
        let begun = Instant::now();
        assert_eq!(service.get(&service.token(1), path).await.status, 200, "{path}");
        usual.push(begun.elapsed());
    }
    let mut expected = Vec::new();
    for path in QUICK {
        let answer = service.get(&service.token(1), path).await;
        assert_eq!(answer.status, 200, "{path}");
        expected.push(answer.body);
    }
    println!("the requests take {usual:?}");
    println!("pools before: hot {:?}, cold {:?}", servers.hot.readers(), servers.cold.readers());

    let begun = Instant::now();
    let given_up = futures::stream::iter(0..REQUESTS).map(|n| {
        let (service, nth) = (Arc::clone(&service), n as usize % SLOW.len());
        // From before the first byte to where an answer may be complete.
        let patience = usual[nth] * (n * 7_919 % 1_000) as u32 / 700;
        async move {
            let token = service.token(1);
            let asked = service.get(&token, SLOW[nth]);
            tokio::time::timeout(patience, asked).await.is_err()
        }
    });
    let given_up: Vec<bool> = given_up.buffer_unordered(32).collect().await;
    let hung_up = given_up.iter().filter(|gone| **gone).count();
    println!("{hung_up} of {REQUESTS} clients hung up, in {:?}", begun.elapsed());
    assert!(hung_up as u64 > REQUESTS / 2, "too patient a test: {hung_up}");

    let begun = Instant::now();
    let served = futures::stream::iter(0..REQUESTS as usize).map(|n| {
        let (service, expected) = (Arc::clone(&service), &expected);
        async move {
            let nth = n % QUICK.len();
            let answer = service.get(&service.token(1), QUICK[nth]).await;
            assert_eq!(answer.status, 200, "{n}: {}", answer.text_lossy());
            assert!(answer.body == expected[nth], "{n}: another request's answer");
        }
    });
    served.buffer_unordered(8).collect::<Vec<()>>().await;
    println!("{REQUESTS} served, in {:?}", begun.elapsed());

    // The servers notice within a second or two that no client waits.
    let begun = Instant::now();
    let mut left = at_work(&servers).await;
    while !left.is_empty() && begun.elapsed() < Duration::from_secs(5) {
        tokio::time::sleep(Duration::from_millis(100)).await;
        left = at_work(&servers).await;
    }
    assert_eq!(left, Vec::<String>::new(), "still at work");
    let (hot, cold) = (servers.hot.readers(), servers.cold.readers());
    println!("pools after: hot {hot:?}, cold {cold:?}");
    assert!((1..=20).contains(&hot.0) && hot.1 == hot.0, "{hot:?}: connections, idle ones");
    assert!((1..=26).contains(&cold.0) && cold.1 == cold.0, "{cold:?}: connections, idle ones");
    drop(service);
    servers.drop().await;
}
