//! Equal reads share statements, and each sees what was written before it.

use thermocline::load::nouns;
use tokio::task::JoinSet;

use crate::support::{Service, conversation, cutoff, message};

const NEWEST: &str = "/api/conversations/1/messages?limit=20";
/// Enough that some always wait for a statement that two others run.
const READERS: usize = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_sees_what_was_written_before_it_asked() {
    let service = Service::start().await;
    service.load(&nouns::CONVERSATIONS, vec![conversation(1, 1, Some(2), cutoff(0))]).await;
    let mut readers = JoinSet::new();
    for _ in 0..READERS {
        let request = service.request(http::Method::GET, NEWEST).bearer_auth(service.token(1));
        readers.spawn(async move {
            while let Some(request) = request.try_clone() {
                request.send().await.expect("an answer").bytes().await.expect("a body");
            }
        });
    }
    for id in 1..=100 {
        service.load(&nouns::MESSAGES, vec![message(id, 1, 1, "new", cutoff(id))]).await;
        let page = service.json(1, NEWEST).await;
        assert_eq!(page["messages"][0]["id"], id);
    }
    readers.shutdown().await;
}
