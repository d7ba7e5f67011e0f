//! The API description: up to date, correct, and readable without internet access.

use reqwest::Method;
use serde_json::Value;
use thermocline::server;

use crate::support::Service;

fn described() -> Value {
    serde_json::to_value(server::openapi()).expect("JSON")
}

/// Returns a real path for a described one, with ids that do not exist.
fn real(path: &str) -> String {
    let segment =
        |segment: &str| if segment.starts_with('{') { "424242".to_owned() } else { segment.to_owned() };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

#[test]
fn the_file_matches_the_program() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/openapi.json");
    let kept = std::fs::read_to_string(file).unwrap_or_default();
    let made = server::openapi().to_pretty_json().expect("JSON");
    let difference = kept.trim_end().lines().zip(made.lines()).find(|(kept, made)| kept != made);
    let same = kept.trim_end() == made;
    assert!(same, "out of step, run: cargo run -- openapi > openapi/openapi.json (first at {difference:?})");
}

#[test]
fn the_whole_contract_is_described() {
    let described = described();
    let mut operations = std::collections::BTreeSet::new();
    for (path, methods) in described["paths"].as_object().expect("paths") {
        let id = methods["get"]["operationId"].as_str().expect("an operationId");
        assert!(operations.insert(id.to_owned()), "{path}: a generated client has one function called {id}");
    }
    for path in [
        "/api/conversations",
        "/api/conversations/{id}/messages",
        "/api/conversations/{id}/messages/search",
        "/api/conversations/{id}/messages/{message_id}",
        "/api/posts",
        "/api/posts/{id}",
        "/api/posts/{id}/comments",
        "/health",
        "/api/health",
        "/livez",
        "/readyz",
    ] {
        let get = &described["paths"][path]["get"];
        assert!(get["responses"].is_object(), "{path} is not described");
        let open = get["security"]
            .as_array()
            .is_some_and(|schemes| schemes.iter().all(|s| s == &serde_json::json!({})));
        let probe = !path.starts_with("/api/") || path == "/api/health";
        assert_eq!(open, probe, "{path}: whether it is said to need a token");
        for parameter in get["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["description"].is_string(), "{path}: {}", parameter["name"]);
        }
    }
    let list = described["paths"]["/api/posts"]["get"]["parameters"].as_array().expect("parameters").clone();
    let names: Vec<&str> = list.iter().filter_map(|parameter| parameter["name"].as_str()).collect();
    for name in thermocline::web::list::PARAMETERS.into_iter().chain(["author_id"]) {
        assert!(names.contains(&name), "{name} is not described");
    }
}

/// Every described route exists, requires a token where it says so, and accepts every described parameter.
#[tokio::test]
async fn described_routes_exist() {
    let service = Service::start().await;
    let described = described();
    let paths = described["paths"].as_object().expect("paths");
    assert!(paths.len() >= 10, "{paths:?}");
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().expect("methods") {
            let path = real(path);
            let method: Method = method.to_uppercase().parse().expect("a method");
            let needs_token = operation.get("security").is_none();
            let bare = service.send(service.request(method.clone(), &path)).await;
            assert_eq!(bare.status == 401, needs_token, "{path}: {}", bare.text());
            let request = service.request(method.clone(), &path).bearer_auth(service.admin(1));
            let answer = service.send(request).await;
            assert_ne!(answer.status, 405, "{path}");
            if answer.status == 404 {
                assert_ne!(answer.json()["detail"], "There is no such path.", "{path}");
            }
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                if parameter["in"] == "query" {
                    let path = format!("{path}?{}=%01", parameter["name"].as_str().expect("a name"));
                    let request = service.request(method.clone(), &path).bearer_auth(service.admin(1));
                    let text = service.send(request).await;
                    assert!(!text.text().contains("is not a parameter here"), "{path}: {}", text.text());
                }
            }
        }
    }
    assert_eq!(service.get("", "/openapi.json").await.json(), described);
}

/// Returns the values of an attribute in some HTML.
fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let begins = format!(" {name}=\"");
    html.split(&begins).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[tokio::test]
async fn the_docs_need_no_internet_access() {
    let service = Service::start().await;
    let page = service.get("", "/docs").await;
    assert_eq!(page.status, 200, "/docs leads to the page");
    let page = service.get("", "/docs/").await;
    assert!(page.header("content-type").starts_with("text/html"), "{}", page.header("content-type"));
    let mut loaded = Vec::new();
    for name in ["src", "href"] {
        for target in attributes(page.text(), name) {
            assert!(!target.contains("//"), "{target} is on another host");
            let path = format!("/docs/{}", target.trim_start_matches("./"));
            let part = service.get("", &path).await;
            assert_eq!(part.status, 200, "{path}");
            loaded.push((path, part.text_lossy()));
        }
    }
    assert!(loaded.len() >= 5, "the page loads its script and style: {loaded:?}");
    let (_, start) = loaded.iter().find(|(path, _)| path.contains("initializer")).expect("an initializer");
    assert!(start.contains("\"/openapi.json\""), "{start}");
    assert!(!start.contains("http://") && !start.contains("https://"), "{start}");
    // Without this the page loads a badge from validator.swagger.io and sends it the URL of the page.
    assert!(start.contains("\"validatorUrl\": \"none\""), "{start}");
    for (path, text) in
        loaded.iter().filter(|(path, _)| std::path::Path::new(path).extension().is_some_and(|it| it == "css"))
    {
        let elsewhere = text.contains("@import") || text.contains("url(http") || text.contains("url(\"http");
        assert!(!elsewhere, "{path} loads from another host");
    }
}
