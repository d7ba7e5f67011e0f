//! Values that databases often change, through the whole service, before and after they move.

use serde_json::{Value, json};
use thermocline::archive::ArchiveOptions;
use thermocline::clock::{DAY, Timestamp};
use thermocline::load::{LoadError, Loader, Verdict, nouns};
use thermocline::tier::{Tier, TierError};

use super::PATIENCE;
use crate::support::engines::Engines;
use crate::support::{Service, at, comment, conversation, cutoff, message, post, price, stock};

fn texts() -> Vec<String> {
    let long = |unit: &str, characters| unit.chars().cycle().take(characters).collect::<String>();
    vec![
        String::new(),
        " ".to_owned(),
        "trailing \u{3000} ".to_owned(),
        "資料庫 台積電 ＡＢＣ ｶﾀｶﾅ".to_owned(),
        "👍🏽 👩\u{200d}👩\u{200d}👧 🇹🇼 𠮷野家".to_owned(),
        "e\u{301} é \u{1112}\u{1161}\u{11ab} 한 \u{202e}left\u{202c} \u{feff}".to_owned(),
        "İıſßẞ ΑΣς Ǆǅǆ".to_owned(),
        "'quoted' \"double\" \\back\\ [x] %_ `tick` $1 ?1 @P1 -- /* */ ;".to_owned(),
        "line\r\nline\ttab\u{1}\u{1f}\u{7f}\u{85}\u{2028}".to_owned(),
        "\u{fffd}\u{ffff}\u{10ffff}\u{e000}".to_owned(),
        long("a é 好 👍 ", 60_000),
        long("x", 4_001),
        long("\"\\\n", 60_000),
    ]
}

/// Times on both sides of the cutoff, and the extremes.
fn times() -> [Timestamp; 8] {
    [
        Timestamp::MIN,
        at("1752-09-14T00:00:00.123456Z"),
        at("1969-12-31T23:59:59.999999Z"),
        at("2024-02-29T23:59:59.000001Z"),
        cutoff(-1),
        cutoff(0),
        cutoff(1),
        Timestamp::MAX,
    ]
}

async fn shown(service: &Service) -> Vec<Value> {
    let mut shown = Vec::new();
    for path in [
        "/api/conversations/1/messages?limit=100",
        "/api/posts?limit=100",
        "/api/posts/1/comments?limit=100",
        "/api/stocks/1/prices?start_date=0001-01-01&end_date=9999-12-31",
    ] {
        let body = service.json(1, path).await;
        let name = ["messages", "posts", "comments", "prices"].into_iter().find(|name| body[name].is_array());
        shown.extend(body[name.expect("a list")].as_array().expect("rows").iter().cloned());
    }
    shown
}

fn without_place(mut rows: Vec<Value>) -> (Vec<Value>, usize) {
    let archived = rows.iter().filter(|row| row["from_archive"] == true).count();
    for row in &mut rows {
        row.as_object_mut().expect("a row").remove("from_archive");
    }
    (rows, archived)
}

async fn values_pass_through(engines: Engines) {
    println!("on {}", engines.name);
    let service = Service::over(engines.hot.clone(), engines.cold.clone(), PATIENCE).await;
    service.load(&nouns::CONVERSATIONS, vec![conversation(1, 1, Some(2), at("2025-01-01T00:00:00Z"))]).await;
    let (texts, times) = (texts(), times());
    let ids = [1, 2, 3, i64::from(i32::MAX) + 1, i64::MAX - 1, 7, 8, 9, 10, 11, 12, 13, 14];
    let (mut messages, mut expected) = (Vec::new(), Vec::new());
    for (n, text) in texts.iter().enumerate() {
        let (id, when) = (ids[n], times[n % times.len()]);
        messages.push(message(id, 1, 1, text, when));
        expected.push((
            (when, id),
            json!({"id": id, "conversation_id": 1, "sender_id": 1, "content": text,
                "created_at": when.to_string(), "is_read": id % 3 == 0}),
        ));
    }
    service.load(&nouns::MESSAGES, messages).await;
    expected.sort_by_key(|(key, _)| std::cmp::Reverse(*key));
    let mut expected: Vec<Value> = expected.into_iter().map(|(_, row)| row).collect();

    service.load(&nouns::POSTS, vec![post(1, 1, &texts[10], cutoff(-DAY))]).await;
    expected.push(json!({"id": 1, "author_id": 1, "title": "Post 1", "body": texts[10],
        "created_at": cutoff(-DAY).to_string(), "comment_count": texts.len(), "like_count": 0}));
    let comments = texts.iter().zip(1..).map(|(text, id)| comment(id, 1, 2, text, cutoff(-DAY)));
    service.load(&nouns::COMMENTS, comments.collect()).await;
    expected.extend(texts.iter().enumerate().rev().map(|(n, text)| {
        let id = n + 1;
        json!({"id": id, "post_id": 1, "author_id": 2, "body": text, "created_at": cutoff(-DAY).to_string()})
    }));

    service.load(&nouns::STOCKS, vec![stock(1, "2330", "台積電")]).await;
    let (most, day) = (9_999_999_999, |day: &str| day.parse().expect("a day"));
    let prices = vec![
        price(Some(1), 1, day("0001-01-01"), [None; 5], [None; 3]),
        price(Some(2), 1, day("1969-12-31"), [Some(0); 5], [Some(0); 3]),
        price(Some(3), 1, day("2000-02-29"), [Some(most); 5], [Some(i64::MAX); 3]),
        price(Some(4), 1, day("2024-12-31"), [Some(-most); 5], [Some(i64::MIN); 3]),
        price(Some(5), 1, day("9999-12-31"), [Some(1), Some(-1), Some(10), Some(9_650), None], [Some(-1); 3]),
    ];
    service.load(&nouns::PRICES, prices).await;

    let before = shown(&service).await;
    let (rows, archived) = without_place(before);
    assert_eq!(archived, 0);
    let ours = expected.len();
    for (found, expected) in rows.iter().zip(&expected) {
        assert!(found == expected, "hot: {} is not what went in", expected["id"]);
    }
    let year = "/api/stocks/1/prices?start_date=0001-01-01&end_date=9999-12-31&format=csv";
    let csv = service.get(&service.token(1), year).await;
    for digits in
        ["99999999.99", "-99999999.99", "0.01", "96.50", "9223372036854775807", "-9223372036854775808"]
    {
        assert!(csv.text().contains(digits), "{digits} in {}", csv.text());
    }
    for resource in ["messages", "posts", "prices"] {
        assert!(service.archive(resource, &ArchiveOptions::default()).await > 0, "{resource}");
    }
    let (after, archived) = without_place(shown(&service).await);
    assert!(archived > ours / 2 && archived < rows.len(), "{archived} of {} rows moved", rows.len());
    for (found, expected) in after.iter().zip(&rows) {
        assert!(found == expected, "cold: {} changed on its way", expected["id"]);
    }
    assert_eq!(after.len(), rows.len());
    // Found by id, and by their text, in either tier.
    for (id, text) in ids.iter().zip(&texts) {
        let body = service.json(1, &format!("/api/conversations/1/messages/{id}")).await;
        assert!(body["message"]["content"] == **text, "{id}");
        let some: String = text.chars().take(20).collect();
        if !some.trim().is_empty() {
            let q = some.bytes().fold(String::new(), |q, byte| format!("{q}%{byte:02X}"));
            let found =
                service.json(1, &format!("/api/conversations/1/messages/search?q={q}&limit=100")).await;
            let found: Vec<_> =
                found["messages"].as_array().expect("rows").iter().map(|row| &row["id"]).collect();
            assert!(found.contains(&&json!(id)), "{id} is not found by {some:?}: {found:?}");
        }
    }
    drop(service);
    engines.drop().await;
}

#[tokio::test]
async fn values_on_files() {
    values_pass_through(Engines::embedded().await).await;
}

#[tokio::test]
async fn values_on_sqlite_and_postgres() {
    if let Some(engines) = Engines::mixed().await {
        values_pass_through(engines).await;
    }
}

#[tokio::test]
async fn values_on_postgres() {
    if let Some(engines) = Engines::on_postgres().await {
        values_pass_through(engines).await;
    }
}

#[tokio::test]
async fn values_on_servers() {
    if let Some(engines) = Engines::real().await {
        values_pass_through(engines).await;
    }
}

/// SQLite and SQL Server store U+0000 in texts, PostgreSQL does not: rows that cannot be moved are rejected by name and
/// harm nothing; others are shown unchanged.
async fn nul_is_shown_or_refused(engines: Engines) {
    println!("on {}", engines.name);
    let service = Service::over(engines.hot.clone(), engines.cold.clone(), PATIENCE).await;
    service.load(&nouns::CONVERSATIONS, vec![conversation(1, 1, Some(2), at("2025-01-01T00:00:00Z"))]).await;
    service.load(&nouns::MESSAGES, vec![message(1, 1, 1, "whole", cutoff(DAY))]).await;
    let mut loader = Loader::new(&*service.hot, Some(&*service.cold), &service.clock);
    let records =
        vec![message(2, 1, 1, "a\0b", cutoff(DAY + 1)), message(3, 1, 1, "beside", cutoff(DAY + 2))];
    let mut expected = vec!["whole"];
    match loader.load(&nouns::MESSAGES, records).await {
        Ok(verdicts) if matches!(verdicts[0], Verdict::Rejected(_)) => {
            println!("refused: {:?}", verdicts[0]);
            expected.insert(0, "beside");
        }
        Ok(_) => expected.splice(..0, ["beside", "a\0b"]).for_each(drop),
        Err(LoadError::Tier(TierError::Statement { tier: Tier::Hot, statement: "messages", source })) => {
            println!("refused: {source}");
        }
        Err(other) => panic!("{other:?}"),
    }
    let body = service.json(1, "/api/conversations/1/messages").await;
    let shown = body["messages"].as_array().expect("rows").iter();
    assert_eq!(shown.filter_map(|row| row["content"].as_str()).collect::<Vec<_>>(), expected);
    for path in ["search?q=%00", "search?q=o"] {
        let path = format!("/api/conversations/1/messages/{path}");
        let answer = service.get(&service.token(1), &path).await;
        assert!(matches!(answer.status, 200 | 400), "{path}: {} {}", answer.status, answer.text());
    }
    drop(service);
    engines.drop().await;
}

#[tokio::test]
async fn nul_is_shown_or_rejected() {
    nul_is_shown_or_refused(Engines::embedded().await).await;
    for engines in [Engines::mixed().await, Engines::on_postgres().await].into_iter().flatten() {
        nul_is_shown_or_refused(engines).await;
    }
    if let Some(engines) = Engines::real().await {
        nul_is_shown_or_refused(engines).await;
    }
}
