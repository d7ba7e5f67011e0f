//! The feed as streams of events.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value as Json, json};
use thermocline::archive::ArchiveOptions;
use thermocline::import::Record;
use thermocline::load::nouns;
use thermocline::server;
use thermocline::web::live::StreamLimits;
use tokio::sync::oneshot;

use super::{ALL, CHANGES, Event, Live, PATIENCE, Stream};
use crate::shield::raw::{limits, serve, soon};
use crate::support::waiting::until;
use crate::support::{Mode, Service, client};

#[tokio::test]
async fn a_stream_resumes_where_its_client_was() {
    let live = Live::start().await;
    let mut stream = live.stream_from_now(1, CHANGES).await;
    let first = live.write(1, "first", 0).await;
    let event = stream.next().await.expect("an event");
    let shown = live.service.json(1, &format!("/api/conversations/1/messages/{first}")).await;
    assert_eq!((event.name.as_str(), &event.data), ("message", &shown["message"]));
    assert_eq!(event.id, stream.last);
    drop(stream);
    let second = live.write(1, "second", -86_400).await;
    live.mark_read(first).await;
    let by_query = format!("{CHANGES}?since={}", event.id);
    assert_eq!(live.stream(2, &by_query).await.ids(2).await, [second, first]);
    let resume = |path: &str, last: &str| {
        let request = live.service.request(Method::GET, path).bearer_auth(live.service.token(2));
        request.header("accept", "text/event-stream").header("last-event-id", last.to_owned())
    };
    let mut by_header = Stream::open(resume(CHANGES, &event.id)).await;
    assert_eq!(by_header.ids(1).await, [second]);
    // Both are there when a browser connects again by itself: the header is newer.
    let mut both = Stream::open(resume(&by_query, &by_header.last)).await;
    assert_eq!(both.ids(1).await, [first]);
    // The token of one route goes on in the other, and on the path that has streams alone.
    let elsewhere = live.write(2, "elsewhere", 0).await;
    let mut all = live.stream(1, &format!("/api/changes/stream?since={}&ids=string", both.last)).await;
    let event = all.next().await.expect("an event");
    assert_eq!(event.data["id"], json!(elsewhere.to_string()));
    assert_eq!(event.data["conversation_id"], "2");
}

#[tokio::test]
async fn events_come_at_once_through_compression_and_across_origins() {
    let live = Live::start().await;
    let options = server::Options {
        origins: "https://app.example".parse().expect("an origin"),
        ..server::Options::from(Duration::from_secs(2))
    };
    let router = server::router(live.service.app.clone(), options);
    let (addr, _server) = serve(router, limits(), std::future::pending()).await;
    let client = client().no_gzip().build().expect("a client");
    let request = client.get(format!("http://{addr}{CHANGES}")).bearer_auth(live.service.token(1));
    let request = request.header("accept", "text/event-stream").header("accept-encoding", "gzip");
    let mut stream = Stream::open(request.header("origin", "https://app.example")).await.begun().await;
    assert_eq!(stream.response.headers()["access-control-allow-origin"], "https://app.example");
    for number in 0..3 {
        let written = live.write(1, "x", number).await;
        assert_eq!(stream.ids(1).await, [written]);
        // The limit of requests ends the time until an answer begins, and no stream.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test]
async fn a_stream_ends_with_the_server() {
    let live = Live::start().await;
    let router = server::router(live.service.app.clone(), Duration::from_secs(30));
    let (stop, stopped) = oneshot::channel::<()>();
    let (addr, server) = serve(router, limits(), async { drop(stopped.await) }).await;
    let client = client().build().expect("a client");
    let request = client.get(format!("http://{addr}/api/changes/stream")).bearer_auth(live.service.token(1));
    let mut stream = Stream::open(request).await.begun().await;
    let written = live.write(1, "last", 0).await;
    assert_eq!(stream.ids(1).await, [written]);
    stop.send(()).expect("it runs");
    assert_eq!(stream.next().await, None, "whole, not broken off");
    soon("the end of the server", server).await.expect("it ends");
    let missed = live.write(1, "missed", 0).await;
    assert_eq!(live.stream(1, &format!("{ALL}?since={}", stream.last)).await.ids(1).await, [missed]);
}

#[tokio::test]
async fn a_participant_who_leaves_or_comes_is_noticed() {
    let live = Live::start().await;
    let user = Record::new(&nouns::USERS).with("id", 9).with("username", "newcomer");
    live.service.load(&nouns::USERS, vec![user]).await;
    let mut one = live.stream_from_now(2, CHANGES).await;
    let mut all = live.stream_from_now(2, ALL).await;
    let mut quiet = live.stream_from_now(3, "/api/conversations/2/messages/changes").await;
    let mut newcomer = live.stream_from_now(9, ALL).await;
    let set = |sql| live.service.in_hot(sql, &[]);
    // Conversation 3 has one user so far. The user who joins it gets the next message at once.
    let before = live.write(3, "hello?", 0).await;
    set("-- name: answer\nUPDATE conversations SET user2_id = 9 WHERE id = 3").await;
    let answered = live.write(3, "hello!", 1).await;
    // The message before may still be on its way: they may read it now.
    let mut got = newcomer.ids(1).await;
    if got == [before] {
        got = newcomer.ids(1).await;
    }
    assert_eq!(got, [answered]);
    let seen = live.write(1, "seen", 2).await;
    assert_eq!((one.ids(1).await, all.ids(1).await), (vec![seen], vec![seen]));
    set("-- name: leave\nUPDATE conversations SET user2_id = 9 WHERE id IN (1, 2)").await;
    // Within the time for which users are cached, without a message.
    assert_eq!((one.next().await, quiet.next().await), (None, None));
    let unseen = live.write(1, "unseen", 3).await;
    set("-- name: return\nUPDATE conversations SET user2_id = 2 WHERE id = 2").await;
    let gained = live.write(2, "gained", 4).await;
    assert_eq!(newcomer.ids(1).await, [unseen], "the one who took the place");
    let next = all.next().await.expect("it goes on");
    assert_eq!(next.data["id"], gained);
    let path = format!("{CHANGES}?since={}", one.last);
    live.service.get(&live.service.token(2), &path).await.problem(&path, 404, "not-found");
}

#[tokio::test]
async fn streams_have_their_own_limits_and_no_request_counts_as_long() {
    let live = Live::start().await;
    let router = |service: &Service, streams, per_caller| {
        let app = thermocline::web::state::App::new(
            service.hot.clone(),
            Some(service.cold.clone() as _),
            service.verifier(),
            service.clock.clone(),
        );
        let gate = thermocline::web::admission::Gate::new(thermocline::web::admission::Capacity {
            requests: 2,
            requests_per_caller: 1,
            ..Default::default()
        });
        let app = app.with_stream_limits(StreamLimits { streams, per_caller });
        server::router(app, server::Options { gate, ..server::Options::from(Duration::from_secs(30)) })
    };
    let (addr, _server) = serve(router(&live.service, 3, 2), limits(), std::future::pending()).await;
    let client = client().build().expect("a client");
    let open =
        |user| client.get(format!("http://{addr}/api/changes/stream")).bearer_auth(live.service.token(user));
    let mut streams = Vec::new();
    for user in [1, 1, 2] {
        streams.push(Stream::open(open(user)).await.begun().await);
    }
    let refused = async |user, status, name: &str| {
        let answer = open(user).send().await.expect("an answer");
        assert_eq!(answer.status(), status);
        assert!(answer.headers().contains_key("retry-after"));
        let body: Json = answer.json().await.expect("JSON");
        assert_eq!(body["type"], format!("/problems/{name}"));
    };
    refused(1, 429, "rate-limited").await;
    refused(3, 503, "overloaded").await;
    // Two streams of a caller who may have one request at once leave room for it.
    let page = client.get(format!("http://{addr}/api/conversations")).bearer_auth(live.service.token(1));
    assert_eq!(page.send().await.expect("an answer").status(), 200);
    drop(streams);
    until("a free place", async || open(3).send().await.expect("an answer").status() == 200).await;
}

#[tokio::test]
async fn a_stream_outlives_an_outage_of_hot() {
    let live = Live::start().await;
    let mut stream = live.stream_from_now(1, CHANGES).await;
    let first = live.write(1, "first", 0).await;
    assert_eq!(stream.ids(1).await, [first]);
    live.service.hot.set(Mode::Unreachable);
    let path = format!("{CHANGES}?since={}", stream.last);
    live.service.get(&live.service.token(1), &path).await.problem(&path, 503, "tier-unavailable");
    live.service.hot.set(Mode::Up);
    let second = live.write(1, "second", 0).await;
    assert_eq!(stream.ids(1).await, [second]);
}

/// Applies events to what a client knows.
fn fold(known: &mut BTreeMap<i64, Json>, event: &Event) {
    let id = event.data["id"].as_i64().expect("an id");
    match event.name.as_str() {
        "message" => {
            let mut row = event.data.clone();
            row.as_object_mut().expect("a row").remove("from_archive");
            known.insert(id, row);
        }
        "erased" => drop(known.remove(&id)),
        other => panic!("an event named {other}"),
    }
}

/// Two streams and a client that polls, beside a writer and the mover: each knows the table in the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_and_polls_agree_with_the_table_while_rows_move() {
    const ROUNDS: i64 = 60;
    let live = Arc::new(Live::start().await);
    let token = live.now().await;
    let done = Arc::new(AtomicBool::new(false));
    let follow = |user: i64, path: &'static str| {
        let (live, token) = (Arc::clone(&live), token.clone());
        tokio::spawn(async move {
            let mut known = BTreeMap::new();
            let mut stream = live.stream(user, &format!("{path}?since={token}")).await;
            for count in 0.. {
                let event = stream.next().await.expect("it goes on");
                fold(&mut known, &event);
                if event.data["content"] == "the end" {
                    break;
                }
                if count % 50 == 49 {
                    // The network is lost.
                    let last = stream.last.clone();
                    drop(stream);
                    stream = live.stream(user, &format!("{path}?since={last}")).await;
                }
            }
            known
        })
    };
    let streams = [follow(2, CHANGES), follow(2, ALL)];
    let poll = tokio::spawn({
        let (live, token) = (Arc::clone(&live), token.clone());
        async move {
            let (mut known, mut since) = (BTreeMap::new(), token);
            loop {
                let body = live.service.json(2, &format!("{CHANGES}?since={since}&limit=7")).await;
                let mut ended = false;
                for row in body["messages"].as_array().expect("a list") {
                    ended |= row["content"] == "the end";
                    let event = Event { name: "message".into(), id: String::new(), data: row.clone() };
                    fold(&mut known, &event);
                }
                body["next"].as_str().expect("a token").clone_into(&mut since);
                if ended {
                    return known;
                }
            }
        }
    });
    let mover = tokio::spawn({
        let (live, done) = (Arc::clone(&live), Arc::clone(&done));
        async move {
            let mut moved = 0;
            loop {
                // Once more after the writer is done, so that something moves however fast it was.
                let is_last = done.load(Ordering::SeqCst);
                moved += live.service.archive("messages", &ArchiveOptions::default()).await;
                if is_last {
                    return moved;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    });
    for round in 0..ROUNDS {
        let days = [-500, -1, 0, 3, 900][(round % 5) as usize];
        let id = live.write(1, &format!("round {round}"), days * 86_400 + round).await;
        if round % 3 == 0 {
            // Rows that have moved meanwhile stay as they are.
            live.mark_read(id).await;
        }
    }
    done.store(true, Ordering::SeqCst);
    let moved = mover.await.expect("it moves");
    assert!(moved > 0, "nothing moved");
    live.write(1, "the end", 0).await;
    let mut table = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let page = live.service.json(2, &format!("/api/conversations/1/messages?limit=100{cursor}")).await;
        for row in page["messages"].as_array().expect("a list") {
            let event = Event { name: "message".into(), id: String::new(), data: row.clone() };
            fold(&mut table, &event);
        }
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&before={next}");
    }
    assert_eq!(table.len() as i64, ROUNDS + 1);
    for known in streams {
        let known = tokio::time::timeout(PATIENCE, known).await.expect("in time").expect("it reads");
        assert_eq!(known, table);
    }
    assert_eq!(tokio::time::timeout(PATIENCE, poll).await.expect("in time").expect("it reads"), table);
}
