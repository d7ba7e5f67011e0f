//! The list of conversations with what it shows of each, and walks while they change places.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use thermocline::archive::ArchiveOptions;
use thermocline::clock::DAY;
use thermocline::import::Record;
use thermocline::load::nouns;

use crate::support::{Mode, Service, conversation, cutoff};

const LIST: &str = "/api/conversations";

/// A message: its id, conversation, sender, days since the boundary, and whether it is read.
type Said = (i64, i64, i64, i64, bool);

/// Conversation 1 lies in both tiers, 2 in cold, 3 in hot, 4 has no message, 5 nobody has answered, 6 has a late row.
const SAID: [Said; 15] = [
    (101, 1, 1, -9, true),
    (102, 1, 2, -8, false),
    (103, 1, 1, -7, false),
    (104, 1, 2, 1, false),
    (105, 1, 2, 2, true),
    (106, 1, 1, 3, false),
    (201, 2, 3, -9, false),
    (202, 2, 3, -8, false),
    (203, 2, 1, -8, true),
    (301, 3, 4, 4, false),
    (302, 3, 4, 4, true),
    (501, 5, 1, -5, false),
    (601, 6, 2, -3, true),
    (602, 6, 2, -2, false),
    (603, 6, 2, -1, false),
];
/// Written after everything as old has moved.
const LATE: Said = (604, 6, 2, -6, false);

fn record((id, conversation, sender, days, read): Said) -> Record {
    Record::new(&nouns::MESSAGES)
        .with("id", id)
        .with("conversation_id", conversation)
        .with("sender_id", sender)
        .with("content", format!("message {id}").as_str())
        .with("created_at", cutoff(days * DAY + id))
        .with("is_read", read)
}

async fn small() -> Service {
    let service = Service::start().await;
    let user =
        |id: i64| Record::new(&nouns::USERS).with("id", id).with("username", format!("u{id}").as_str());
    service.load(&nouns::USERS, (1..=4).map(user).collect()).await;
    let users =
        [(1, 1, Some(2)), (2, 3, Some(1)), (3, 1, Some(4)), (4, 1, Some(2)), (5, 1, None), (6, 1, Some(2))];
    let talks = users.map(|(id, one, other)| conversation(id, one, other, cutoff(id)));
    service.load(&nouns::CONVERSATIONS, talks.into()).await;
    service.load(&nouns::MESSAGES, SAID.into_iter().map(record).collect()).await;
    service
}

/// Returns what the list must show of each conversation, by a naive look at every message.
fn expected(reader: i64, said: &[Said]) -> BTreeMap<i64, (Option<i64>, i64)> {
    (1..=6)
        .map(|id| {
            let of = || said.iter().copied().filter(move |said| said.1 == id);
            let last = of().max_by_key(|said| (said.3, said.0)).map(|said| said.0);
            let unread = of().filter(|said| said.2 != reader && !said.4).count();
            (id, (last, unread as i64))
        })
        .collect()
}

fn shown(body: &Value) -> BTreeMap<i64, (Option<i64>, i64)> {
    let rows = body["conversations"].as_array().expect("a list").iter();
    rows.map(|row| {
        let unread = row["unread_count"].as_i64().expect("a number");
        (row["id"].as_i64().expect("an id"), (row["last_message"]["id"].as_i64(), unread))
    })
    .collect()
}

#[tokio::test]
async fn each_conversation_has_users_last_message_and_unread_count() {
    let service = small().await;
    let before = service.get(&service.token(1), LIST).await;
    assert_eq!(shown(&before.json()), expected(1, &SAID));
    assert!(before.header("server-timing").starts_with("hot;") && before.tiers() == ["hot"]);
    assert!(before.header("server-timing").contains("\"2 asked\""), "{}", before.header("server-timing"));
    assert_eq!(service.archive("messages", &ArchiveOptions::default()).await, 10);
    let after = service.get(&service.token(1), LIST).await;
    assert_eq!(shown(&after.json()), expected(1, &SAID));
    let timing = after.header("server-timing");
    assert!(
        timing.contains("\"2 asked\"") && timing.contains("\"1 asked\"") && after.tiers().len() == 2,
        "{timing}"
    );
    // Everything but the tier is the same.
    let without_tiers = |text: &str| text.replace("\"from_archive\":true", "\"from_archive\":false");
    assert_eq!(without_tiers(after.text()), without_tiers(before.text()));
    service.load(&nouns::MESSAGES, vec![record(LATE)]).await;
    let said: Vec<Said> = SAID.into_iter().chain([LATE]).collect();
    for user in [1, 2, 3, 4] {
        let body = service.json(user, LIST).await;
        let mine = shown(&body);
        assert!(!mine.is_empty());
        for (id, row) in mine {
            assert_eq!(row, expected(user, &said)[&id], "{id} of {user}");
        }
    }
    let body = service.json(1, LIST).await;
    let row = |id: i64| {
        let rows = body["conversations"].as_array().expect("a list");
        rows.iter().find(|row| row["id"] == id).expect("a row").clone()
    };
    assert_eq!(row(2)["users"], json!([{"id": 3, "username": "u3"}, {"id": 1, "username": "u1"}]));
    assert_eq!(row(5)["users"], json!([{"id": 1, "username": "u1"}]));
    assert_eq!((&row(4)["last_message"], &row(4)["unread_count"]), (&Value::Null, &json!(0)));
    for (id, last) in [(1, 106), (2, 203), (6, 603)] {
        let one = service.json(1, &format!("{LIST}/{id}/messages/{last}")).await;
        assert_eq!(row(id)["last_message"], one["message"], "as lists show it");
    }
    let texts = service.json(1, &format!("{LIST}?ids=string&limit=1")).await;
    let first = &texts["conversations"][0];
    assert_eq!((&first["users"][0]["id"], first["unread_count"].is_number()), (&json!("1"), true));
    assert!(first["last_message"].is_null() || first["last_message"]["sender_id"].is_string());
    assert_eq!(service.json(77, LIST).await["conversations"], json!([]));
}

#[tokio::test]
async fn without_cold_only_a_partial_list_is_answered() {
    let service = small().await;
    service.archive("messages", &ArchiveOptions::default()).await;
    service.cold.set(Mode::Unreachable);
    let answer = service.get(&service.token(1), LIST).await;
    assert_eq!(answer.problem(LIST, 503, "tier-unavailable")["tier"], "cold");
    let body = service.json(1, &format!("{LIST}?partial=allow")).await;
    assert_eq!((&body["partial"], &body["missing"]), (&json!(true), &json!(["cold"])));
    assert_eq!(shown(&body)[&1], (Some(106), 1));
    assert_eq!(shown(&body)[&2], (None, 0));
}

/// Counts and last messages stay what they are while the mover takes the messages away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_is_exact_while_rows_move() {
    let service = Arc::new(small().await);
    let many: Vec<Record> =
        (0..300).map(|n| record((1_000 + n, 1 + n % 3, 2 + n % 2, -20 + n % 30, n % 7 == 0))).collect();
    service.load(&nouns::MESSAGES, many).await;
    let before = shown(&service.json(1, LIST).await);
    let done = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn({
        let (service, done) = (Arc::clone(&service), Arc::clone(&done));
        async move {
            let mut reads = 0;
            while !done.load(Ordering::SeqCst) || reads == 0 {
                assert_eq!(shown(&service.json(1, LIST).await), before, "after {reads} reads");
                reads += 1;
            }
        }
    });
    let plan = ArchiveOptions { batch: 7, ..ArchiveOptions::default() };
    assert!(service.archive("messages", &plan).await > 100);
    done.store(true, Ordering::SeqCst);
    reader.await.expect("every read is exact");
}

fn ids(body: &Value) -> Vec<i64> {
    let rows = body["conversations"].as_array().expect("a list").iter();
    rows.map(|row| row["id"].as_i64().expect("an id")).collect()
}

async fn bump(service: &Service, id: i64, seconds: i64) {
    let sql = "-- name: bump\nUPDATE conversations SET updated_at = $1 WHERE id = $2";
    service.in_hot(sql, &[cutoff(20 * DAY + seconds * 1_000_000).into(), id.into()]).await;
}

/// Conversations rise while the list is walked.
#[tokio::test]
async fn a_walk_has_every_conversation_whichever_rises_meanwhile() {
    let service = Service::start().await;
    let talks = (1..=23).map(|id| conversation(id, 1, Some(2), cutoff(id * 1_000)));
    service.load(&nouns::CONVERSATIONS, talks.collect()).await;
    let all: Vec<i64> = (1..=23).rev().collect();
    // In the order of their begin each comes exactly once.
    for style in ["limit=4", "per_page=4"] {
        let (mut seen, mut query, mut page) = (Vec::new(), String::new(), 1);
        loop {
            let body = service.json(1, &format!("{LIST}?order=begun&{style}{query}")).await;
            seen.extend(ids(&body));
            // One that was given, and one that was not.
            bump(&service, seen[0], page).await;
            bump(&service, 1 + page % 5, page).await;
            let begun = conversation(100 + page, 1, Some(2), cutoff(1_000_000 + page));
            if style == "per_page=4" {
                service.load(&nouns::CONVERSATIONS, vec![begun]).await;
            }
            page += 1;
            query = match (style, body["next"].as_str()) {
                (_, None) => break,
                ("limit=4", Some(next)) => format!("&before={next}"),
                (_, Some(_)) => format!("&page={page}&as_of={}", body["as_of"].as_str().expect("as_of")),
            };
        }
        assert_eq!(seen, all, "{style}");
    }
    // In the order of activity the ones that rose are above the first page.
    let first = service.json(1, &format!("{LIST}?limit=4")).await;
    let (mut seen, mut next) = (ids(&first), first["next"].as_str().map(str::to_owned));
    let walked = service.json(1, &format!("{LIST}?per_page=100")).await;
    let mut rest = ids(&walked).split_off(4);
    for round in 0.. {
        let Some(cursor) = next else { break };
        if let Some(risen) = rest.pop() {
            bump(&service, risen, 1_000 + round).await;
        }
        let body = service.json(1, &format!("{LIST}?limit=4&before={cursor}")).await;
        seen.extend(ids(&body));
        next = body["next"].as_str().map(str::to_owned);
    }
    assert!(seen.len() < ids(&walked).len(), "nothing rose during the walk");
    let mut prev = first["prev"].as_str().expect("a cursor").to_owned();
    loop {
        let body = service.json(1, &format!("{LIST}?limit=4&after={prev}")).await;
        seen.extend(ids(&body));
        body["prev"].as_str().expect("a cursor").clone_into(&mut prev);
        if body["has_newer"] == false {
            break;
        }
    }
    seen.sort_unstable();
    let mut expected = ids(&walked);
    expected.sort_unstable();
    assert_eq!(seen, expected, "each once");
    // A cursor of one order is none of the other.
    let path = format!("{LIST}?order=begun&before={}", first["next"].as_str().expect("a cursor"));
    service.get(&service.token(1), &path).await.problem(&path, 400, "invalid-cursor");
    let path = format!("{LIST}?order=name");
    service.get(&service.token(1), &path).await.problem(&path, 400, "invalid-parameter");
}
