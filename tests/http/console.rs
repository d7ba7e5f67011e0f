//! The console's page: its files, their headers, and the configuration that the page asks for.

use std::time::Duration;

use reqwest::Method;
use thermocline::console::{ConsoleSettings, Provider};
use thermocline::server::Options;

use crate::support::{Answer, Service};

/// Returns the address of each script and style of the page.
fn assets(page: &Answer) -> Vec<String> {
    let addresses = page.text().split('"').filter(|text| text.starts_with("./assets/"));
    addresses.map(|address| format!("/console/{}", &address[2..])).collect()
}

async fn with_encoding(service: &Service, path: &str, encoding: &str) -> Answer {
    service.send(service.request(Method::GET, path).header("accept-encoding", encoding)).await
}

#[tokio::test]
async fn the_page_may_load_nothing_but_its_own_files() {
    let service = Service::start().await;
    let page = service.get("", "/console/").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let policy = page.header("content-security-policy");
    let directives: Vec<&str> = policy.split("; ").collect();
    for directive in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
    ] {
        assert!(directives.contains(&directive), "{directive}: {policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    let assets = assets(&page);
    assert!(
        assets.iter().any(|path| path.contains(".js")) && assets.iter().any(|path| path.contains(".css")),
        "{assets:?}"
    );
}

#[tokio::test]
async fn files_are_kept_as_long_as_their_names_say() {
    let service = Service::start().await;
    let page = service.get("", "/console/").await;
    assert_eq!(page.header("cache-control"), "no-cache");
    for path in ["/console/".to_owned()].into_iter().chain(assets(&page)) {
        let file = service.get("", &path).await;
        assert_eq!(file.status, 200, "{path}");
        if path.contains("/assets/") {
            assert_eq!(file.header("cache-control"), "public, max-age=31536000, immutable", "{path}");
        }
        let known = service.request(Method::GET, &path).header("if-none-match", file.header("etag"));
        let known = service.send(known).await;
        assert_eq!((known.status, known.body.len()), (304, 0), "{path}");
        assert_eq!(known.header("etag"), file.header("etag"), "{path}");
        let head = service.send(service.request(Method::HEAD, &path)).await;
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        assert_eq!(head.header("content-type"), file.header("content-type"), "{path}");
    }
}

#[tokio::test]
async fn files_are_sent_compressed_to_those_who_can_read_them() {
    let service = Service::start().await;
    let page = service.get("", "/console/").await;
    for path in assets(&page) {
        let plain = with_encoding(&service, &path, "identity").await;
        assert_eq!(plain.header("content-encoding"), "", "{path}");
        let brotli = with_encoding(&service, &path, "gzip, br").await;
        assert_eq!(brotli.header("content-encoding"), "br", "{path}");
        assert!(brotli.body.len() * 2 < plain.body.len(), "{path}");
        let gzip = with_encoding(&service, &path, "gzip").await;
        assert_eq!(gzip.header("content-encoding"), "gzip", "{path}");
        assert!(gzip.body.len() * 2 < plain.body.len(), "{path}");
        for answer in [&plain, &brotli, &gzip] {
            assert_eq!(answer.header("vary").to_lowercase(), "accept-encoding", "{path}");
        }
        assert_eq!(brotli.header("etag"), plain.header("etag"), "{path}");
        assert_eq!(brotli.header("content-type"), plain.header("content-type"), "{path}");
    }
}

#[tokio::test]
async fn an_unknown_file_is_a_problem() {
    let service = Service::start().await;
    let page = service.get("", "/console/").await;
    let compressed = format!("{}.br", assets(&page)[0]);
    for path in [
        "/console/nothing.js",
        "/console/assets/",
        "/console/assets/x",
        "/console/..%2fCargo.toml",
        "/console/chat",
        &compressed,
    ] {
        let answer = service.get("", path).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (404, "application/problem+json"),
            "{path}"
        );
    }
    let answer = service.send(service.request(Method::POST, "/console/")).await;
    assert_eq!(answer.status, 405);
}

#[tokio::test]
async fn the_page_learns_who_signs_users_in() {
    let plain = Service::start().await;
    let config = plain.get("", "/console/config.json").await.json();
    assert_eq!(config["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(config["prices_public"], false);
    assert!(config.get("oidc").is_none(), "{config}");

    let provider = Provider::new("https://login.example/realms/x", "console".to_owned(), "openid".to_owned());
    let console = ConsoleSettings { provider: Some(provider.expect("a provider")) };
    let service = Service::start_with(Options { console, ..Options::from(Duration::from_secs(30)) }).await;
    let config = service.get("", "/console/config.json").await.json();
    let expected = serde_json::json!({
        "issuer": "https://login.example/realms/x", "client_id": "console", "scope": "openid",
    });
    assert_eq!(config["oidc"], expected);
    let page = service.get("", "/console/").await;
    let policy = page.header("content-security-policy");
    assert!(policy.ends_with("connect-src 'self' https://login.example"), "{policy}");
}

#[tokio::test]
async fn the_glossary_explains_the_figures() {
    let service = Service::start().await;
    let glossary = service.get("", "/console/glossary.md").await;
    assert_eq!((glossary.status, glossary.header("content-type")), (200, "text/markdown; charset=utf-8"));
    assert!(glossary.text().contains("| **epoch** |"));
}

#[tokio::test]
async fn behind_a_prefix_the_page_finds_everything() {
    let base = "/data/thermocline".parse().expect("a prefix");
    let service = Service::start_with(Options { base, ..Options::from(Duration::from_secs(30)) }).await;
    let sent = service.get("", "/data/thermocline/console").await;
    assert_eq!((sent.status, sent.header("content-type")), (200, "text/html; charset=utf-8"), "a redirect");
    for prefix in ["", "/data/thermocline"] {
        let page = service.get("", &format!("{prefix}/console/")).await;
        assert_eq!(page.status, 200);
        // Addresses are relative, so that they carry the prefix that the browser sees.
        assert!(!page.text().contains("=\"/"), "{}", page.text());
        for path in assets(&page) {
            assert_eq!(service.get("", &format!("{prefix}{path}")).await.status, 200, "{prefix}{path}");
        }
    }
    let entrance = service.get("", "/data/thermocline/").await;
    assert_eq!(entrance.json()["links"]["console"], "/data/thermocline/console/");
}
