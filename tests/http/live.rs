//! The change feed.

use thermocline::load::nouns;

use crate::support::{Service, conversation, cutoff};

#[tokio::test]
async fn without_a_feed_the_problem_names_the_setting() {
    let service = Service::start().await;
    service.load(&nouns::CONVERSATIONS, vec![conversation(1, 1, Some(2), cutoff(0))]).await;
    let paths = [
        "/api/conversations/1/messages/changes",
        "/api/changes",
        "/api/changes/ticket",
        "/api/changes/stream",
    ];
    for path in paths {
        let body = service.get(&service.token(1), path).await.problem(path, 404, "not-found");
        assert!(body["detail"].as_str().expect("a text").contains("THERMOCLINE_LIVE"), "{body}");
    }
    let page = service.json(1, "/api/conversations/1/messages").await;
    assert!(page.get("changes").is_none(), "{page}");
}
