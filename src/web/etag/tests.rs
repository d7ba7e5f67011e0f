use axum::Router;
use axum::routing::get;

use super::*;
use crate::web::problem::Problem;
use crate::web::testing::{Answer, request, send};

const BODY: &str = "{\"success\":true}";

fn router() -> Router {
    let json = |headers: HeaderMap| async move {
        answer(&headers, "application/json", Bytes::from_static(BODY.as_bytes()))
    };
    let other =
        |headers: HeaderMap| async move { answer(&headers, "application/json", Bytes::from_static(b"{}")) };
    let absent = || async { Problem::NotFound { what: "post" } };
    Router::new()
        .route("/api/a", get(json))
        .route("/api/b", get(other))
        .route("/api/absent", get(absent))
        .route("/apis", get(|| async {}))
        .layer(axum::middleware::from_fn(private_api))
}

async fn ask(method: &str, path: &str, tags: &[&str]) -> Answer {
    let headers: Vec<_> = tags.iter().map(|tag| ("if-none-match", *tag)).collect();
    send(&router(), request(method, path, &headers)).await
}

#[tokio::test]
async fn the_tag_is_weak_and_follows_the_body() {
    let first = ask("GET", "/api/a", &[]).await;
    let again = ask("GET", "/api/a", &[]).await;
    let other = ask("GET", "/api/b", &[]).await;
    let tag = first.header("etag");
    assert!(tag.starts_with("W/\"") && tag.ends_with('"') && tag.len() == 36, "{tag}");
    assert_eq!(tag, again.header("etag"));
    assert_ne!(tag, other.header("etag"));
    assert_eq!((first.status.as_u16(), first.body.as_str()), (200, BODY));
    assert_eq!(first.header("content-type"), "application/json");
}

#[tokio::test]
async fn a_known_tag_answers_304_with_the_same_headers() {
    let full = ask("GET", "/api/a", &[]).await;
    let tag = full.header("etag");
    let strong = tag.trim_start_matches("W/");
    let in_a_list = format!("\"a,b\" ,, W/\"\",{tag}, \"z\"");
    for tags in [&[tag][..], &[strong], &["*"], &[&in_a_list], &["\"other\"", tag]] {
        let answer = ask("GET", "/api/a", tags).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (304, ""), "{tags:?}");
        for name in ["etag", "cache-control", "vary"] {
            assert_eq!(answer.header(name), full.header(name), "{name}");
        }
        assert_eq!(answer.header("content-type"), "");
    }
}

#[tokio::test]
async fn an_unknown_or_malformed_tag_answers_in_full() {
    let full = ask("GET", "/api/a", &[]).await;
    let tag = full.header("etag");
    let opaque = tag.trim_start_matches("W/").trim_matches('"');
    let hidden_in_another = format!("\"x,{opaque}\"");
    let lower_case = tag.replacen("W/", "w/", 1);
    let broken_before = format!("oops {tag}");
    for tags in [
        "",
        "\"other\"",
        opaque,
        "W/",
        "\"",
        "W/\"unclosed",
        "*, \"x\"",
        &hidden_in_another,
        &lower_case,
        &broken_before,
    ] {
        assert_eq!(ask("GET", "/api/a", &[tags]).await.status, StatusCode::OK, "{tags}");
    }
}

#[tokio::test]
async fn head_is_conditional_too() {
    let get = ask("GET", "/api/a", &[]).await;
    let head = ask("HEAD", "/api/a", &[]).await;
    assert_eq!((head.status, &head.headers), (get.status, &get.headers));
    assert_eq!(head.body, "");
    let known = ask("HEAD", "/api/a", &[get.header("etag")]).await;
    assert_eq!(known.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn every_answer_under_api_is_private_and_none_elsewhere() {
    for path in ["/api/a", "/api/absent", "/api/no/such/path"] {
        let answer = ask("GET", path, &[]).await;
        assert_eq!(answer.header("cache-control"), "private, no-cache", "{path}");
        assert_eq!(answer.header("vary"), "Authorization, Accept, Accept-Encoding", "{path}");
    }
    assert_eq!(ask("GET", "/apis", &[]).await.header("cache-control"), "");
}
