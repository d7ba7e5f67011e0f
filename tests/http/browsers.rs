//! Browsers: pages of other origins, headers of pages, and a service behind a prefix.

use std::time::Duration;

use reqwest::Method;
use thermocline::clock::DAY;
use thermocline::load::nouns;
use thermocline::server::Options;

use crate::support::{Answer, Service, cutoff, post, stock};

const OURS: &str = "https://app.example";

async fn with_origins(origins: &str) -> Service {
    let options =
        Options { origins: origins.parse().expect("origins"), ..Options::from(Duration::from_secs(30)) };
    Service::start_with(options).await
}

/// Sends a request as the script of a page of `origin` would.
async fn from_page(
    service: &Service,
    method: Method,
    path: &str,
    origin: &str,
    headers: &[(&str, &str)],
) -> Answer {
    let request = service.request(method, path).header("origin", origin);
    service.send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
}

/// Returns every value of a header, which may be repeated.
fn values(answer: &Answer, name: &str) -> String {
    let values = answer.headers.get_all(name).iter().map(|value| value.to_str().expect("printable"));
    values.collect::<Vec<_>>().join(",").to_lowercase()
}

#[tokio::test]
async fn pages_of_allowed_origins_read_answers_and_errors() {
    let service = with_origins("https://app.example,http://localhost:3000").await;
    service.load(&nouns::POSTS, vec![post(100, 1, "post", cutoff(DAY))]).await;
    let token = format!("Bearer {}", service.token(1));
    let authorized: &[(&str, &str)] = &[("authorization", &token)];
    let posts = from_page(&service, Method::GET, "/api/posts", OURS, authorized).await;
    let etag = posts.header("etag").to_owned();
    let conditional: &[(&str, &str)] = &[("authorization", &token), ("if-none-match", &etag)];
    for (path, headers, status) in [
        ("/api/posts", authorized, 200),
        ("/api/posts", conditional, 304),
        ("/api/posts?page=0", authorized, 400),
        ("/api/posts", &[][..], 401),
        ("/api/posts/424242", authorized, 404),
        ("/nothing", authorized, 404),
        ("/health", &[][..], 200),
    ] {
        let answer = from_page(&service, Method::GET, path, OURS, headers).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), OURS, "{path}");
        assert_eq!(values(&answer, "access-control-allow-credentials"), "", "{path}");
        assert!(values(&answer, "vary").contains("origin"), "{path}");
        let exposed = values(&answer, "access-control-expose-headers");
        for name in [
            "etag",
            "link",
            "retry-after",
            "server-timing",
            "x-request-id",
            "x-unknown-symbols",
            "www-authenticate",
        ] {
            assert!(exposed.split(',').any(|known| known.trim() == name), "{path}: {name}");
        }
        let foreign = from_page(&service, Method::GET, path, "https://evil.example", headers).await;
        assert_eq!(foreign.header("access-control-allow-origin"), "", "{path}");
        assert!(values(&foreign, "vary").contains("origin"), "{path}");
    }
    let wrong = from_page(&service, Method::PUT, "/api/posts", OURS, authorized).await;
    assert_eq!((wrong.status, wrong.header("access-control-allow-origin")), (405, OURS));
}

#[tokio::test]
async fn preflight_requests_need_no_token() {
    for (origins, allowed) in [(OURS, OURS), ("*", "*")] {
        let service = with_origins(origins).await;
        for path in ["/api/posts", "/api/conversations/1/messages?limit=2", "/nothing"] {
            let asked = [
                ("access-control-request-method", "GET"),
                ("access-control-request-headers", "authorization,if-none-match"),
            ];
            let answer = from_page(&service, Method::OPTIONS, path, OURS, &asked).await;
            assert_eq!(answer.status, 200, "{path}");
            assert_eq!(answer.header("access-control-allow-origin"), allowed, "{path}");
            assert!(values(&answer, "access-control-allow-methods").contains("get"), "{path}");
            let headers = values(&answer, "access-control-allow-headers");
            assert!(
                headers.contains("authorization") && headers.contains("if-none-match"),
                "{path}: {headers}"
            );
            assert_eq!(answer.header("access-control-max-age"), "3600");
        }
    }
}

#[tokio::test]
async fn without_the_setting_no_other_origin_reads_anything() {
    let service = Service::start().await;
    for method in [Method::GET, Method::OPTIONS] {
        let asked = [("access-control-request-method", "GET")];
        let answer = from_page(&service, method, "/health", OURS, &asked).await;
        assert!(
            !answer.headers.keys().any(|name| name.as_str().starts_with("access-control")),
            "{:?}",
            answer.headers
        );
    }
}

#[tokio::test]
async fn pages_cannot_be_framed_and_types_are_not_guessed() {
    let service = Service::start().await;
    for path in [
        "/",
        "/docs/",
        "/docs/swagger-ui.css",
        "/problems/timeout",
        "/health",
        "/api/posts",
        "/nothing",
        "/metrics",
    ] {
        let request = service.request(Method::GET, path).header("accept", "text/html, */*;q=0.1");
        let answer = service.send(request).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        let is_page = answer.header("content-type").starts_with("text/html");
        assert_eq!(is_page, ["/", "/docs/", "/problems/timeout"].contains(&path), "{path}");
        if !is_page {
            continue;
        }
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}");
        let scripts = policy.split(';').find(|part| part.trim().starts_with("script-src")).unwrap_or("");
        assert!(!scripts.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
    }
}

#[tokio::test]
async fn every_link_carries_the_prefix_whether_the_proxy_removes_it_or_not() {
    let options = Options {
        base: "/data/thermocline".parse().expect("a prefix"),
        ..Options::from(Duration::from_secs(30))
    };
    let service = Service::start_with(options).await;
    service.load(&nouns::POSTS, (0..3).map(|n| post(100 + n, 1, "post", cutoff(n * DAY))).collect()).await;
    let token = service.token(1);
    let prefix = "/data/thermocline";
    for sent in [prefix, ""] {
        let page = service.get(&token, &format!("{sent}/api/posts?page=2&per_page=1")).await;
        assert_eq!(page.status, 200, "{}", page.text());
        let link = page.header("link").to_owned();
        for part in link.split(", ") {
            let target = part.split(['<', '>']).nth(1).expect("a target");
            assert!(target.starts_with("/data/thermocline/api/posts?"), "{link}");
            assert_eq!(service.get(&token, target).await.status, 200, "{target}");
        }
        assert_eq!(page.header("cache-control"), "private, no-cache");
        let problem = service.get(&token, &format!("{sent}/api/posts/424242")).await.json();
        assert_eq!(problem["type"], "/data/thermocline/problems/not-found");
        assert_eq!(problem["instance"], "/data/thermocline/api/posts/424242");
        let help = service.get("", problem["type"].as_str().expect("a type")).await;
        assert_eq!(help.status, 200);
        let entrance = service.get("", &format!("{sent}/")).await.json();
        for (_, link) in entrance["links"].as_object().expect("links") {
            let link = link.as_str().expect("a path");
            assert!(link.starts_with("/data/thermocline/"), "{link}");
            assert_ne!(service.get("", link).await.status, 404, "{link}");
        }
        let description = service.get("", &format!("{sent}/openapi.json")).await.json();
        assert_eq!(description["servers"][0]["url"], "/data/thermocline");
        let console = service.get("", &format!("{sent}/docs/swagger-initializer.js")).await;
        assert!(console.text().contains("\"/data/thermocline/openapi.json\""), "{}", console.text());
    }
    assert_eq!(service.get("", prefix).await.json()["name"], "thermocline");
    service.load(&nouns::STOCKS, vec![stock(1, "2330", "a stock")]).await;
    let several = service.get(&token, "/api/stocks/prices?symbols=2330,none").await.json();
    assert_eq!(several["stocks"][1]["error"]["type"], "/data/thermocline/problems/not-found");
    for path in
        ["/data/thermocline2/api/posts", "/data/api/posts", "/data/thermocline/data/thermocline/api/posts"]
    {
        assert_eq!(service.get(&token, path).await.status, 404, "{path}");
    }
}
