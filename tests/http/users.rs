//! The names of users.

use serde_json::json;
use thermocline::import::Record;
use thermocline::load::nouns;

use crate::http_errors::tokens::{LATER, signed};
use crate::support::Service;

#[tokio::test]
async fn names_are_read_for_many_ids_at_once() {
    let service = Service::start().await;
    let user =
        |id: i64| Record::new(&nouns::USERS).with("id", id).with("username", format!("user {id}").as_str());
    service.load(&nouns::USERS, (1..=120).map(user).collect()).await;
    let shown = |ids: &[i64]| {
        let users = ids.iter().map(|id| json!({"id": id, "username": format!("user {id}")}));
        json!({"success": true, "users": users.collect::<Vec<_>>()})
    };
    // In the order asked for, without those that nobody has, each once.
    assert_eq!(service.json(7, "/api/users?ids=3,1,9223372036854775807,2,1").await, shown(&[3, 1, 2]));
    assert_eq!(service.json(7, "/api/users?ids=424242").await, shown(&[]));
    let hundred: Vec<i64> = (1..=100).rev().collect();
    let list = |ids: &[i64]| ids.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
    let answer = service.get(&service.token(7), &format!("/api/users?ids={}", list(&hundred))).await;
    assert_eq!(answer.json(), shown(&hundred));
    assert!(answer.header("server-timing").ends_with("\"1 asked\""), "{}", answer.header("server-timing"));
    let texts = service.json(7, "/api/users?ids=string&ids=2,1").await;
    assert_eq!(texts["users"], json!([{"id": "2", "username": "user 2"}, {"id": "1", "username": "user 1"}]));
    let more: Vec<i64> = (1..=101).collect();
    for query in [
        "",
        "?ids=",
        "?ids=1,",
        "?ids=0",
        "?ids=x",
        "?ids=1&page=2",
        "?ids=string",
        "?ids=1&ids=2",
        &format!("?ids={}", list(&more)),
    ] {
        let path = format!("/api/users{query}");
        service.get(&service.token(7), &path).await.problem(&path, 400, "invalid-parameter");
    }
    let prices = signed(&json!({"sub": "7", "exp": LATER, "scope": "prices:read"}));
    service.get(&prices, "/api/users?ids=1").await.problem("/api/users", 403, "forbidden");
    service.get("no token", "/api/users?ids=1").await.problem("/api/users", 401, "unauthorized");
}
