//! The feed as JSON.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use serde_json::{Value as Json, json};
use thermocline::archive::{ArchiveOptions, BlockSizes, Mover, Selection};
use thermocline::resources;

use super::{ALL, CHANGES, Live};
use crate::support::Service;

const MESSAGES: &str = "/api/conversations/1/messages";

fn ids(body: &Json) -> Vec<i64> {
    let messages = body["messages"].as_array().expect("a list").iter();
    messages.map(|message| message["id"].as_i64().expect("an id")).collect()
}

async fn since(service: &Service, user: i64, path: &str, token: &str) -> Json {
    service.json(user, &format!("{path}?since={token}")).await
}

#[tokio::test]
async fn changes_come_in_their_order_whatever_their_times() {
    let live = Live::start().await;
    let service = &live.service;
    let before = live.write(1, "before", 0).await;
    let begin = live.now().await;
    assert_eq!(ids(&since(service, 1, CHANGES, &begin).await), [0; 0], "nothing has happened");
    // From the past and from the future.
    let written = [
        live.write(1, "late", -86_400 * 400).await,
        live.write(2, "elsewhere", 1).await,
        live.write(1, "early", 86_400 * 2_000).await,
        live.write(1, "usual", 2).await,
    ];
    live.mark_read(before).await;
    let body = since(service, 1, CHANGES, &begin).await;
    assert_eq!(ids(&body), [written[0], written[2], written[3], before]);
    assert_eq!(
        (&body["success"], &body["has_more"], &body["erased"]),
        (&json!(true), &json!(false), &json!([]))
    );
    let last = &body["messages"][3];
    let shown = service.json(1, &format!("{MESSAGES}/{before}")).await;
    assert_eq!((&last["is_read"], last), (&json!(true), &shown["message"]), "as lists show it");
    let end = body["next"].as_str().expect("a token").to_owned();
    assert_eq!(ids(&since(service, 1, CHANGES, &end).await), [0; 0]);
    // All conversations of the caller, and no others.
    assert_eq!(ids(&since(service, 1, ALL, &begin).await), [&written[..], &[before]].concat());
    assert_eq!(ids(&since(service, 2, ALL, &begin).await), [written[0], written[2], written[3], before]);
    assert_eq!(ids(&since(service, 3, ALL, &begin).await), [written[1]]);
    let answer = service.get(&service.admin(77), &format!("{ALL}?since={begin}")).await;
    assert_eq!(ids(&answer.json()), [&written[..], &[before]].concat());
    // By parts.
    let (mut token, mut seen) = (begin, Vec::new());
    loop {
        let body = service.json(1, &format!("{ALL}?since={token}&limit=2&ids=number")).await;
        assert!(ids(&body).len() <= 2);
        seen.extend(ids(&body));
        token = body["next"].as_str().expect("a token").to_owned();
        if body["has_more"] == false {
            break;
        }
    }
    assert_eq!(seen, [&written[..], &[before]].concat());
    let texts = service.json(1, &format!("{CHANGES}?since={end}&ids=string")).await;
    assert_eq!(texts["success"], true);
}

#[tokio::test]
async fn the_newest_page_has_the_token_of_its_rows() {
    let live = Live::start().await;
    let first = live.write(1, "first", 0).await;
    for query in ["", "?page=1", "?offset=0&limit=5", "?limit=5"] {
        let page = live.service.json(1, &format!("{MESSAGES}{query}")).await;
        let token = page["changes"].as_str().unwrap_or_else(|| panic!("{query}: {page}")).to_owned();
        let next = live.write(1, "next", 1).await;
        assert!(!ids(&page).contains(&next) && ids(&page).contains(&first));
        assert_eq!(ids(&since(&live.service, 1, CHANGES, &token).await), [next], "{query}");
    }
    for query in ["?page=2", "?offset=1&limit=5", "?at=2026-01-01"] {
        let page = live.service.json(1, &format!("{MESSAGES}{query}")).await;
        assert!(page.get("changes").is_none(), "{query}: {page}");
    }
}

#[tokio::test]
async fn moves_are_invisible_erasures_are_not_and_a_restore_may_repeat() {
    let live = Live::start().await;
    let service = &live.service;
    let begin = live.now().await;
    let mut written = Vec::new();
    for number in 0..10 {
        written.push(live.write(1, "old", -1_000 + number).await);
    }
    let middle = live.now().await;
    // Everything is archived before a client has read it.
    assert_eq!(service.archive("messages", &ArchiveOptions::default()).await, 10);
    let body = since(service, 1, CHANGES, &begin).await;
    assert_eq!(ids(&body), written, "from the archive");
    assert!(body["messages"].as_array().expect("a list").iter().all(|row| row["from_archive"] == true));
    assert_eq!(ids(&since(service, 1, CHANGES, &middle).await), [0; 0], "a move is no change");
    let families = resources::families();
    let family = families.iter().find(|family| family.resource == "messages").expect("a family");
    let mover = Mover {
        hot: &*service.hot,
        cold: &*service.cold,
        clock: &service.clock,
        name: "test".to_owned(),
        sizes: BlockSizes { most: [8, 40], part: [4, 20] },
    };
    let kept = live.write(1, "hot", 5).await;
    assert_eq!(mover.erase(family, "messages", &[written[3], kept]).await.expect("erased"), 2);
    let body = since(service, 1, CHANGES, &middle).await;
    let erased: BTreeSet<String> =
        body["erased"].as_array().expect("a list").iter().map(Json::to_string).collect();
    let expected = [written[3], kept].map(|id| json!({"id": id, "conversation_id": 1}).to_string());
    assert_eq!(erased, BTreeSet::from(expected));
    let texts = service.json(1, &format!("{CHANGES}?since={middle}&ids=string")).await;
    assert!(texts["erased"][0]["id"].is_string(), "{texts}");
    let end = body["next"].as_str().expect("a token").to_owned();
    mover.restore(family, Selection::All, 100, &AtomicBool::new(false), &mut |_| {}).await;
    let repeated = ids(&since(service, 1, CHANGES, &end).await);
    assert!(repeated.iter().all(|id| written.contains(id) && *id != written[3]), "{repeated:?}");
}

#[tokio::test]
async fn a_token_survives_a_restart_but_not_another_database() {
    let live = Live::start().await;
    let begin = live.now().await;
    let written = live.write(1, "between", 0).await;
    let (hot, cold) = (live.service.hot.clone(), live.service.cold.clone());
    let again = Service::over(hot, cold, std::time::Duration::from_secs(30)).await;
    assert_eq!(ids(&since(&again, 1, CHANGES, &begin).await), [written]);
    let other = Live::start().await;
    // Both feeds have the same number in these tests: a database with less of a past is another one too.
    let ahead = live.now().await;
    let path = format!("{CHANGES}?since={ahead}");
    other.service.get(&other.service.token(1), &path).await.problem(&path, 410, "changes-expired");
}
