//! Every list through a real socket, compared with a naive vector of the inserted rows.

pub mod oracle;
pub mod world;

use std::io::Read as _;

use reqwest::Method;
use serde_json::{Value, json};
use thermocline::archive::ArchiveOptions;
use thermocline::clock::DAY;
use thermocline::load::nouns;

use self::oracle::Client;
use self::world::{Listed, World};
use crate::support::{at, cutoff, message};

#[tokio::test]
async fn a_conversation_in_both_tiers_is_one_list() {
    let world = World::new().await;
    Client::new(&world.service, &world.talk).everything().await;
}

#[tokio::test]
async fn many_late_rows_are_in_their_places() {
    let world = World::new().await;
    let client = Client::new(&world.service, &world.late);
    client.pages().await;
    client.offsets().await;
    client.walk().await;
    client.spans().await;
    client.counts().await;
}

#[tokio::test]
async fn posts_in_both_tiers_are_one_list() {
    let world = World::new().await;
    Client::new(&world.service, &world.posts).everything().await;
    Client::new(&world.service, &world.by_author).everything().await;
    // An author without posts has an empty list.
    let nobody =
        Listed { path: "/api/posts?author_id=77".to_owned(), rows: Vec::new(), ..world.posts.clone() };
    Client::new(&world.service, &nobody).everything().await;
}

#[tokio::test]
async fn lists_in_one_tier_and_empty_lists_behave_the_same() {
    let world = World::new().await;
    for list in [&world.cold, &world.hot, &world.empty].into_iter().chain(&world.comments) {
        Client::new(&world.service, list).everything().await;
    }
}

#[tokio::test]
async fn conversations_are_limited_to_the_caller() {
    let world = World::new().await;
    Client::new(&world.service, &world.conversations).everything().await;
    // The second user sees them like the first; an admin sees their own conversations only.
    let ids = |body: &Value| {
        let list = body["conversations"].as_array().expect("conversations").iter();
        list.filter_map(|row| row["id"].as_i64()).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(ids(&world.service.json(3, "/api/conversations").await), [2, 3].into());
    let none = world.service.get(&world.service.admin(88), "/api/conversations").await;
    assert_eq!(ids(&none.json()), [].into());
}

/// A row of another list, or of none, has no surroundings.
#[tokio::test]
async fn around_requires_a_row_of_the_list() {
    let world = World::new().await;
    let cases = [
        (&world.talk, 2_001, "archived, of another conversation"),
        (&world.talk, 3_001, "in hot, of another conversation"),
        (&world.talk, 424_242, "nowhere"),
        (&world.by_author, 135, "archived, of another author"),
        (&world.by_author, 150, "in hot, of another author"),
        (&world.posts, 424_242, "nowhere"),
        (&world.comments[0], 15_001, "of another post"),
        (&world.comments[2], 1, "nowhere"),
        (&world.conversations, 3, "of other users"),
    ];
    for (list, id, what) in cases {
        assert!(list.rows.iter().all(|row| row.id != id), "{what}: a case that tests nothing");
        let path = list.with(&format!("around={id}"));
        let answer = world.service.get(&world.service.token(list.user), &path).await;
        answer.problem(&path, 404, "not-found");
    }
}

#[tokio::test]
async fn one_message_and_one_post() {
    let world = World::new().await;
    let service = &world.service;
    for (list, name) in [(&world.talk, "message"), (&world.posts, "post")] {
        for row in &list.rows {
            let path = format!("{}/{}", list.path, row.id);
            let body = service.json(1, &path).await;
            assert!(body == json!({"success": true, name: row.json}), "{path}");
        }
    }
    for path in [
        "/api/conversations/1/messages/2001",
        "/api/conversations/1/messages/3001",
        "/api/conversations/1/messages/424242",
        "/api/conversations/424242/messages/1000",
        "/api/posts/424242",
        "/api/posts/424242/comments",
        "/api/posts/424242/comments?offset=7",
        "/api/posts/424242/comments?around=5",
    ] {
        service.get(&service.admin(1), path).await.problem(path, 404, "not-found");
    }
}

#[tokio::test]
async fn page_cursors_are_stable_under_new_rows() {
    let mut world = World::new().await;
    let service = &world.service;
    let list = &mut world.talk;
    // Rows may be archived during the walk: only the tier they are read from may change.
    let seen = |rows: &[Value]| rows.iter().map(|row| row["id"].clone()).collect::<Vec<_>>();
    let expected = seen(&Listed::shown(&list.rows));
    let first = service.json(1, &list.with("per_page=10")).await;
    let as_of = first["as_of"].as_str().expect("as_of").to_owned();
    let mut walked = first["messages"].as_array().expect("messages").clone();
    let mut cursor = first["next"].as_str().map(str::to_owned);
    let mut by_cursor = walked.clone();
    for page in 2.. {
        let new = message(50_000 + page, 1, 1, "meanwhile", cutoff((40 + page) * DAY));
        service.load(&nouns::MESSAGES, vec![new]).await;
        if page % 3 == 0 {
            let plan = ArchiveOptions {
                rule: ((30 - page) * DAY).into(),
                max_rows: Some(17),
                batch: 5,
                ..ArchiveOptions::default()
            };
            assert!(service.archive("messages", &plan).await > 0, "something moves in between");
        }
        let body = service.json(1, &list.with(&format!("page={page}&per_page=10&as_of={as_of}"))).await;
        assert_eq!((&body["total"], &body["as_of"]), (&json!(expected.len()), &json!(as_of)));
        let offset = format!("offset={}&limit=10&as_of={as_of}", (page - 1) * 10);
        let by_offset = service.json(1, &list.with(&offset)).await;
        assert_eq!(by_offset["messages"], body["messages"], "{offset}");
        for (name, shown) in [("page", &body), ("offset", &by_offset)] {
            assert_eq!(
                (&shown["position"], &shown["has_newer"]),
                (&json!((page - 1) * 10), &json!(true)),
                "{name}"
            );
        }
        walked.extend(body["messages"].as_array().expect("messages").iter().cloned());
        if let Some(next) = cursor.take() {
            let body = service.json(1, &list.with(&format!("limit=10&before={next}"))).await;
            by_cursor.extend(body["messages"].as_array().expect("messages").iter().cloned());
            cursor = body["next"].as_str().map(str::to_owned);
        }
        if body["has_more"] == false {
            break;
        }
    }
    let again = service.json(1, &list.with(&format!("per_page=10&as_of={as_of}"))).await;
    assert_eq!((&first["position"], &first["has_newer"]), (&json!(0), &json!(false)));
    assert_eq!((&again["position"], &again["has_newer"]), (&json!(0), &json!(true)), "above the walk");
    assert_eq!(seen(&walked), expected, "pages");
    assert_eq!(seen(&by_cursor), expected, "cursors");
    // Newer rows follow directly above the first page, none left out.
    let prev = first["prev"].as_str().expect("prev");
    let newer = service.json(1, &list.with(&format!("after={prev}&limit=3"))).await;
    assert_eq!(seen(newer["messages"].as_array().expect("messages")), [50_004, 50_003, 50_002]);
}

#[tokio::test]
async fn search_is_literal_in_both_tiers() {
    let world = World::new().await;
    let thousand: String = "a é 好 👍 ".chars().cycle().take(1_000).collect();
    let mut found = 0;
    for q in [
        "hello",
        "HELLO",
        "hElLo h",
        "À",
        "à",
        "éî",
        "%",
        "_",
        "50%",
        "f_n",
        "[",
        "[all]",
        "]",
        "\\",
        "\\\\",
        "\\ back\\",
        "'",
        "\"",
        "*",
        "?",
        "世界",
        "，",
        "👍",
        "👍🏽",
        "🏽",
        "👩‍👩‍👧",
        "🇹🇼",
        "é",
        "e\u{301}",
        "\u{301}",
        " ",
        "\n",
        "\r\n",
        "\t",
        "\u{feff}",
        "\u{1}",
        "<script>",
        "&amp;",
        "late",
        "nothing like it",
        "-1",
        "null",
        &thousand,
    ] {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("q", q).finish();
        let matches = |row: &&world::Row| {
            let content = row.json["content"].as_str().expect("content");
            content.to_ascii_lowercase().contains(&q.to_ascii_lowercase())
        };
        let list = Listed {
            path: format!("{}/search?{query}", world.talk.path),
            rows: world.talk.rows.iter().filter(matches).cloned().collect(),
            ..world.talk.clone()
        };
        found += usize::from(!list.rows.is_empty());
        let client = Client::new(&world.service, &list);
        client.walk().await;
        let body = client.ask("").await.json();
        assert_eq!(body["limit"], 20, "{q:?}: cursor style without any parameter");
        assert!(body["total"].is_null() && body.get("page").is_none(), "{q:?}");
    }
    assert!(found > 30, "only {found} of the texts are anywhere: the test tests nothing");
}

/// Counts the case folding by hand instead of using the oracle's.
#[tokio::test]
async fn search_folds_ascii_case_only() {
    let world = World::new().await;
    let count = async |q: &str| {
        let path = format!("/api/conversations/1/messages/search?limit=100&q={q}");
        world.service.json(1, &path).await["messages"].as_array().map(Vec::len)
    };
    assert_eq!(count("HeLLo%20hEllO%20HELLO%20%C3%80").await, Some(14), "ASCII letters match without case");
    assert_eq!(count("hello%20hello%20hello%20%C3%A0").await, Some(0), "À is not à");
    assert_eq!(count("late%2C").await, Some(5), "late rows are found");
}

#[tokio::test]
async fn unchanged_responses_are_not_sent_again() {
    let world = World::new().await;
    let service = &world.service;
    let token = service.token(1);
    for path in ["/api/conversations/1/messages", "/api/conversations/1/messages?page=5", "/api/posts/135"] {
        let whole = service.get(&token, path).await;
        let tag = whole.header("etag").to_owned();
        assert!(tag.starts_with("W/\"") && tag.ends_with('"'), "{path}: {tag}");
        let ask = async |tags: &str| {
            let request = service.request(Method::GET, path).bearer_auth(&token);
            service.send(request.header("if-none-match", tags)).await
        };
        for tags in [tag.as_str(), tag.trim_start_matches("W/"), &format!("\"other\", {tag}"), "*"] {
            let same = ask(tags).await;
            assert_eq!((same.status, same.body.len()), (304, 0), "{path}: {tags}");
            for name in ["etag", "cache-control", "vary", "link"] {
                assert_eq!(same.header(name), whole.header(name), "{path}: {name} of a 304");
            }
        }
        assert_eq!(ask("\"other\", W/\"another\"").await.status, 200, "{path}");
        assert_eq!(whole.header("cache-control"), "private, no-cache");
        assert_eq!(whole.header("vary"), "Authorization, Accept, Accept-Encoding");
        assert_eq!(whole.header("content-type"), "application/json");
    }
    let path = "/api/conversations/1/messages";
    let old = service.get(&token, path).await.header("etag").to_owned();
    service.load(&nouns::MESSAGES, vec![message(60_000, 1, 1, "news", cutoff(50 * DAY))]).await;
    let request = service.request(Method::GET, path).bearer_auth(&token).header("if-none-match", old);
    let new = service.send(request).await;
    assert_eq!((new.status, &new.json()["messages"][0]["id"]), (200, &json!(60_000)));
}

#[tokio::test]
async fn responses_are_compressed_on_request() {
    let world = World::new().await;
    let service = &world.service;
    let path = "/api/conversations/1/messages?per_page=100";
    let plain = service.get(&service.token(1), path).await;
    assert_eq!(plain.header("content-encoding"), "");
    let ask =
        || service.request(Method::GET, path).bearer_auth(service.token(1)).header("accept-encoding", "gzip");
    let small = service.send(ask()).await;
    assert_eq!(small.header("content-encoding"), "gzip");
    assert!(small.body.len() < plain.body.len() / 2, "{} bytes", small.body.len());
    let mut body = Vec::new();
    flate2::read::GzDecoder::new(&*small.body).read_to_end(&mut body).expect("gzip");
    assert!(body == plain.body, "the same body");
    assert_eq!(small.header("etag"), plain.header("etag"));
    assert_eq!(small.header("vary"), plain.header("vary"));
    let again = service.send(ask().header("if-none-match", small.header("etag"))).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    // Errors are readable even when the client asks for raw bytes.
    let request = service.request(Method::GET, "/api/posts?page=0").bearer_auth(service.token(1));
    let problem = service.send(request.header("accept-encoding", "gzip")).await;
    problem.problem("/api/posts?page=0", 400, "invalid-parameter");
}

#[tokio::test]
async fn first_pages_read_hot_only() {
    let world = World::new().await;
    let service = &world.service;
    let token = service.token(1);
    for path in ["/api/conversations/1/messages", "/api/posts", "/api/posts?author_id=2"] {
        let tiers = async |query: &str| {
            let sign = if path.contains('?') { '&' } else { '?' };
            service.get(&token, &format!("{path}{sign}{query}")).await.tiers()
        };
        assert_eq!(tiers("limit=5").await, ["hot"], "{path}: the first cursor page");
        assert_eq!(
            tiers("count=none&per_page=5").await,
            ["hot"],
            "{path}: a numbered page that is not counted"
        );
        assert_eq!(tiers("page=1&per_page=5").await, ["hot", "cold"], "{path}: the first total");
        assert_eq!(tiers("page=1&per_page=5").await, ["hot"], "{path}: the total is remembered");
        assert_eq!(tiers("offset=50").await, ["hot", "cold"], "{path}: an archived page");
        assert_eq!(tiers("to=2026-01-15&limit=5").await, ["hot", "cold"], "{path}: an archived page");
        assert_eq!(tiers("from=2026-02-01").await, ["hot"], "{path}: a span without archived rows");
    }
    assert_eq!(service.get(&token, "/api/posts/135/comments").await.tiers(), ["hot", "cold"]);
    assert_eq!(service.get(&token, "/api/posts/150/comments").await.tiers(), ["hot"]);
    let refused = service.get("no token", "/api/posts").await;
    assert_eq!((refused.status, refused.tiers().len()), (401, 0), "a refused request asks no tier");
}

/// A poll asks hot once: the row of its cursor proves that older rows exist.
#[tokio::test]
async fn a_poll_is_one_statement() {
    let world = World::new().await;
    let service = &world.service;
    let token = service.token(1);
    for path in ["/api/conversations/1/messages", "/api/posts", "/api/posts?author_id=2"] {
        let sign = if path.contains('?') { '&' } else { '?' };
        let first = service.json(1, &format!("{path}{sign}limit=2")).await;
        let prev = first["prev"].as_str().expect("prev");
        for cursor in [format!("after={prev}"), format!("before={prev}&limit=1")] {
            let answer = service.get(&token, &format!("{path}{sign}{cursor}")).await;
            let timing = answer.header("server-timing");
            assert!(
                timing.starts_with("hot;") && timing.ends_with("\"1 asked\""),
                "{path} {cursor}: {timing}"
            );
        }
    }
}

#[tokio::test]
async fn head_has_the_headers_of_get() {
    let world = World::new().await;
    let service = &world.service;
    for (path, status) in [
        ("/api/conversations/1/messages?page=2", 200),
        ("/api/posts/135", 200),
        ("/api/posts/424242", 404),
        ("/api/posts?page=0", 400),
    ] {
        let get = service.get(&service.token(1), path).await;
        let head = service.send(service.request(Method::HEAD, path).bearer_auth(service.token(1))).await;
        assert_eq!((get.status, head.status, head.body.len()), (status, status, 0), "{path}");
        for name in ["etag", "link", "content-type", "cache-control", "vary"] {
            assert_eq!(head.header(name), get.header(name), "{path}: {name}");
        }
        if status == 200 {
            assert_eq!(head.header("content-length"), get.body.len().to_string(), "{path}");
        }
    }
}

/// The world has the rows that the other tests rely on.
#[tokio::test]
async fn the_world_covers_all_cases() {
    let world = World::new().await;
    let archived = |list: &Listed| list.rows.iter().filter(|row| row.json["from_archive"] == true).count();
    assert_eq!((archived(&world.talk), world.talk.rows.len()), (59, 125));
    assert_eq!((archived(&world.late), world.late.rows.len()), (40, 176));
    assert_eq!((archived(&world.posts), world.posts.rows.len()), (26, 62));
    let [cold, hot, none] = &world.comments;
    assert_eq!((archived(cold), cold.rows.len()), (31, 31));
    assert_eq!((archived(hot), hot.rows.len(), none.rows.len()), (0, 31, 0));
    let splits = |list: &Listed| {
        let tie = |pair: &[world::Row]| {
            pair[0].at == pair[1].at && pair[0].json["from_archive"] != pair[1].json["from_archive"]
        };
        list.rows.windows(2).filter(|pair| tie(pair)).count()
    };
    assert!(splits(&world.talk) >= 3 && splits(&world.posts) >= 1, "ties across the boundary");
    assert!(world.talk.rows.iter().any(|row| row.at < at("2021-01-01T00:00:00Z")));
}
