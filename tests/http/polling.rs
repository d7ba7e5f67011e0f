//! Polls with `after` go on beside a row that a platform dated in the future.

use serde_json::Value;
use thermocline::clock::{DAY, SKEW, Timestamp};
use thermocline::load::nouns;

use crate::support::{NOW, Service, at, conversation, cutoff, message};

const MESSAGES: &str = "/api/conversations/1/messages";
/// The id of the message that is dated in the future.
const FUTURE: i64 = 2_030;

fn ids(page: &Value) -> Vec<i64> {
    let messages = page["messages"].as_array().expect("messages");
    messages.iter().map(|message| message["id"].as_i64().expect("an id")).collect()
}

/// A service with these messages of one conversation.
async fn service(messages: &[(i64, Timestamp)]) -> Service {
    let service = Service::start().await;
    service.load(&nouns::CONVERSATIONS, vec![conversation(1, 1, Some(2), cutoff(0))]).await;
    write(&service, messages).await;
    service
}

async fn write(service: &Service, messages: &[(i64, Timestamp)]) {
    let messages = messages.iter().map(|(id, at)| message(*id, 1, 1, "hello", *at)).collect();
    service.load(&nouns::MESSAGES, messages).await;
}

/// Polls from a page on until there is nothing newer, and returns the ids and the last page.
async fn poll(service: &Service, page: &Value, limit: i64) -> (Vec<i64>, Value) {
    let (mut seen, mut page) = (Vec::new(), page.clone());
    for _ in 0..20 {
        let prev = page["prev"].as_str().expect("a cursor");
        page = service.json(1, &format!("{MESSAGES}?after={prev}&limit={limit}")).await;
        seen.extend(ids(&page).into_iter().rev());
        if page["has_newer"] == false {
            return (seen, page);
        }
    }
    panic!("the poll has no end: {seen:?}");
}

fn written(minutes: i64) -> Timestamp {
    at(NOW).plus(minutes * 60_000_000)
}

#[tokio::test]
async fn messages_written_beside_a_future_one_are_polled() {
    let old = [(1, at(NOW).plus(-2 * DAY)), (2, at(NOW).plus(-DAY)), (3, written(-1))];
    let service = service(&old).await;
    write(&service, &[(FUTURE, at("2030-01-01T00:00:00Z"))]).await;
    for (round, start) in
        ["limit=2", "limit=1", "page=1&per_page=2", "offset=0&limit=1", "limit=100", "at=2031-01-01"]
            .into_iter()
            .enumerate()
    {
        let page = service.json(1, &format!("{MESSAGES}?{start}")).await;
        assert_eq!(ids(&page)[0], FUTURE, "{start}: the platform's row is served");
        assert_eq!(page["has_newer"], false, "{start}");
        let (seen, page) = poll(&service, &page, 100).await;
        assert_eq!(seen, [FUTURE], "{start}: nothing is new");
        // Two more, polled a row at a time; then one that comes after the end of that poll.
        let first = 100 * (round as i64 + 1);
        let now = |n: i64| at(NOW).plus(first + n);
        write(&service, &[(first, now(0)), (first + 1, now(1))]).await;
        let (seen, page) = poll(&service, &page, 1).await;
        assert_eq!(seen, [first, first + 1, FUTURE], "{start}");
        write(&service, &[(first + 2, now(2))]).await;
        let (seen, _) = poll(&service, &page, 50).await;
        assert_eq!(seen, [first + 2, FUTURE], "{start}");
    }
}

#[tokio::test]
async fn a_clock_that_is_a_little_ahead_is_not_the_future() {
    let ahead = at(NOW).plus(SKEW);
    let service = service(&[(1, written(-1)), (2, ahead)]).await;
    let page = service.json(1, &format!("{MESSAGES}?limit=1")).await;
    assert_eq!(poll(&service, &page, 10).await.0, Vec::<i64>::new(), "no row is returned again");
    write(&service, &[(3, ahead.plus(1))]).await;
    let (seen, page) = poll(&service, &page, 10).await;
    assert_eq!(seen, [3]);
    assert_eq!(poll(&service, &page, 10).await.0, [3], "this one lies in the future");
}

#[tokio::test]
async fn a_list_of_nothing_but_the_future_is_polled() {
    let service = service(&[(FUTURE, at("2030-01-01T00:00:00Z"))]).await;
    let page = service.json(1, &format!("{MESSAGES}?limit=10")).await;
    write(&service, &[(1, written(0))]).await;
    let (seen, page) = poll(&service, &page, 10).await;
    assert_eq!(seen, [1, FUTURE]);
    write(&service, &[(2, written(1))]).await;
    assert_eq!(poll(&service, &page, 10).await.0, [2, FUTURE]);
}

#[tokio::test]
async fn archived_rows_below_a_future_one_are_found() {
    let service = service(&[(1, cutoff(-2)), (2, cutoff(-1)), (FUTURE, at("2030-01-01T00:00:00Z"))]).await;
    assert_eq!(service.archive("messages", &thermocline::archive::ArchiveOptions::default()).await, 2);
    let page = service.json(1, &format!("{MESSAGES}?limit=1")).await;
    write(&service, &[(3, written(0))]).await;
    assert_eq!(poll(&service, &page, 10).await.0, [3, FUTURE]);
}
