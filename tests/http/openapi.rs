//! The API description: up to date, correct, and readable without internet access.

use reqwest::Method;
use serde_json::Value;
use thermocline::openapi::{Form, Version};
use thermocline::server;
use thermocline::web::ids::IdStyle;

use crate::support::Service;

fn described() -> Value {
    server::openapi(&Form::default())
}

/// Returns a real path for a described one, with ids that do not exist.
fn real(path: &str) -> String {
    let segment =
        |segment: &str| if segment.starts_with('{') { "424242".to_owned() } else { segment.to_owned() };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// Returns the description in every form.
fn every_form() -> Vec<Value> {
    let versions = [Version::V3_1, Version::V3_0];
    let forms =
        versions.into_iter().flat_map(|version| [IdStyle::Number, IdStyle::Text].map(|ids| (version, ids)));
    forms.map(|(version, ids)| server::openapi(&Form { version, ids, ..Form::default() })).collect()
}

/// Returns each operation with a name to report it by.
fn operations(description: &Value) -> Vec<(String, &Value)> {
    let paths = description["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().expect("methods").iter();
        methods.map(move |(method, operation)| (format!("{method} {path}"), operation))
    });
    operations.collect()
}

/// Returns what a reference leads to, or the value itself.
fn resolved<'a>(description: &'a Value, value: &'a Value) -> &'a Value {
    let Some(to) = value["$ref"].as_str() else { return value };
    description.pointer(to.trim_start_matches('#')).unwrap_or_else(|| panic!("{to} leads nowhere"))
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.trim().is_empty())
}

#[test]
fn the_file_matches_the_program() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/openapi.json");
    let kept = std::fs::read_to_string(file).unwrap_or_default();
    let made = format!("{:#}", described());
    let difference = kept.trim_end().lines().zip(made.lines()).find(|(kept, made)| kept != made);
    let same = kept.trim_end() == made;
    assert!(same, "out of step, run: cargo run -- openapi > openapi/openapi.json (first at {difference:?})");
}

/// The rules that validators and generators check, so that a route that breaks one is noticed here.
#[test]
fn every_operation_is_described_completely() {
    for description in every_form() {
        let tags: Vec<&Value> =
            description["tags"].as_array().expect("tags").iter().map(|tag| &tag["name"]).collect();
        assert!(description["tags"].as_array().expect("tags").iter().all(|tag| is_text(&tag["description"])));
        assert!(operations(&description).len() >= 25);
        for (name, operation) in operations(&description) {
            for member in ["operationId", "summary", "description"] {
                assert!(is_text(&operation[member]), "{name} has no {member}");
            }
            let id = operation["operationId"].as_str().expect("an operationId");
            let verb =
                ["get_", "list_", "search_", "set_", "udf_", "call_"].iter().any(|verb| id.starts_with(verb));
            assert!(verb && id.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}: {id}");
            for tag in operation["tags"].as_array().expect("tags") {
                assert!(tags.contains(&tag), "{name}: {tag} is not described");
            }
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                check_parameter(&name, resolved(&description, parameter), &description);
            }
            check_responses(&name, operation, &description);
        }
    }
}

fn check_parameter(name: &str, parameter: &Value, description: &Value) {
    let name = format!("{name}: {}", parameter["name"]);
    assert!(is_text(&parameter["description"]), "{name} has no description");
    let mut schema = resolved(description, &parameter["schema"]);
    if let Some(only) = schema["allOf"].as_array().filter(|parts| parts.len() == 1) {
        schema = resolved(description, &only[0]);
    }
    match schema["type"].as_str().unwrap_or_else(|| panic!("{name} has no type")) {
        "integer" => {
            assert!(schema["minimum"].is_number() && schema["maximum"].is_number(), "{name} has no bounds");
        }
        "string" => {
            let is_bounded =
                ["enum", "format", "pattern", "maxLength"].iter().any(|rule| schema.get(rule).is_some());
            assert!(is_bounded || parameter["in"] == "header", "{name} may be any text");
        }
        other => panic!("{name} is of the type {other}"),
    }
}

fn check_responses(name: &str, operation: &Value, description: &Value) {
    let responses = operation["responses"].as_object().expect("responses");
    let needs_token = operation.get("security").is_none();
    let shared = ["406", "500", "504"];
    let with_token = ["400", "401", "403", "429", "503"];
    for status in shared.iter().chain(if needs_token { &with_token[..] } else { &[] }) {
        assert!(responses.contains_key(*status), "{name} has no {status}");
    }
    for (status, response) in responses {
        let response = resolved(description, response);
        assert!(is_text(&response["description"]), "{name} {status} has no description");
        for (header, value) in response["headers"].as_object().into_iter().flatten() {
            let value = resolved(description, value);
            assert!(
                is_text(&value["description"]) && value["schema"].is_object(),
                "{name} {status}: {header}"
            );
        }
        assert!(response["headers"].get("X-Request-Id").is_some(), "{name} {status}");
        let content = response["content"].as_object();
        match status.as_bytes()[0] {
            b'2' => assert_eq!(content.map(serde_json::Map::len), Some(1), "{name} has one type of answer"),
            b'3' => {
                assert!(content.is_none() && response["headers"].get("ETag").is_some(), "{name} {status}");
            }
            _ => {
                let content = content.unwrap_or_else(|| panic!("{name} {status} has no body"));
                let body =
                    content.get("application/problem+json").or_else(|| content.get("application/json"));
                let schema = body.map(|body| body["schema"].to_string()).unwrap_or_default();
                let is_health = name.ends_with("/health") && schema.contains("HealthFailure");
                assert!(is_health || schema.contains("/Problem\""), "{name} {status}: {schema}");
            }
        }
    }
}

/// Nothing that only OpenAPI 3.1 knows is left in the description for 3.0.
#[test]
fn version_3_0_has_only_its_own_keywords() {
    fn check(value: &Value, at: &str) {
        match value {
            Value::Object(object) => {
                assert!(!object.get("type").is_some_and(Value::is_array), "{at}: several types");
                for word in ["const", "prefixItems", "contentEncoding", "contentMediaType", "$defs"] {
                    assert!(!object.contains_key(word), "{at}: {word}");
                }
                assert!(object.get("type") != Some(&Value::from("null")), "{at}: null");
                let siblings = object.contains_key("$ref") && object.len() > 1;
                assert!(!siblings, "{at}: members beside a reference");
                for (name, value) in object {
                    check(value, &format!("{at}/{name}"));
                }
            }
            Value::Array(items) => items.iter().for_each(|item| check(item, at)),
            _ => {}
        }
    }
    let description = server::openapi(&Form { version: Version::V3_0, ..Form::default() });
    assert_eq!(description["openapi"], "3.0.3");
    check(&description, "");
    let total = &description["components"]["schemas"]["MessagePage"]["properties"]["total"];
    assert_eq!((&total["type"], &total["nullable"]), (&"integer".into(), &true.into()));
}

/// Clients whose numbers end at 2^53 never meet an id as a number.
#[test]
fn ids_are_texts_in_the_description_for_them() {
    fn check(value: &Value, at: &str) {
        if let Some(properties) = value["properties"].as_object() {
            for (name, schema) in properties.iter().filter(|(name, _)| *name == "id" || name.ends_with("_id"))
            {
                assert!(schema["type"].to_string().contains("string"), "{at}/{name}: {schema}");
            }
        }
        for (name, value) in value.as_object().into_iter().flatten() {
            check(value, &format!("{at}/{name}"));
        }
    }
    let description = server::openapi(&Form { ids: IdStyle::Text, ..Form::default() });
    check(&description["components"], "");
    let ids = &description["components"]["parameters"]["ids"];
    assert_eq!((&ids["required"], &ids["schema"]["enum"][0]), (&true.into(), &"string".into()));
}

#[test]
fn the_whole_contract_is_described() {
    let described = described();
    let mut operations = std::collections::BTreeSet::new();
    for (path, methods) in described["paths"].as_object().expect("paths") {
        for operation in methods.as_object().expect("methods").values() {
            let id = operation["operationId"].as_str().expect("an operationId");
            assert!(
                operations.insert(id.to_owned()),
                "{path}: a generated client has one function called {id}"
            );
        }
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
        let open = get["security"].as_array().is_some_and(Vec::is_empty);
        let probe = !path.starts_with("/api/") || path == "/api/health";
        assert_eq!(open, probe, "{path}: whether it is said to need a token");
    }
    let list = described["paths"]["/api/posts"]["get"]["parameters"].as_array().expect("parameters").clone();
    let names: Vec<&str> = list.iter().filter_map(|parameter| parameter["name"].as_str()).collect();
    for name in thermocline::web::list::PARAMETERS.into_iter().chain(["author_id"]) {
        assert!(names.contains(&name), "{name} is not described");
    }
}

/// Adds every description and summary below a value.
fn descriptions<'a>(value: &'a Value, all: &mut Vec<&'a str>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        match value.as_str() {
            Some(text) if name == "description" || name == "summary" => all.push(text),
            _ => descriptions(value, all),
        }
    }
    value.as_array().into_iter().flatten().for_each(|value| descriptions(value, all));
}

/// Sentences say what a thing is, in the words of the glossary.
#[test]
fn descriptions_are_plain_sentences() {
    let described = described();
    let mut all = Vec::new();
    descriptions(&described, &mut all);
    assert!(all.len() > 300, "{} descriptions", all.len());
    for text in all {
        for sentence in text.split(['.', ':', ';', '\n']) {
            let first = sentence.split_whitespace().next().unwrap_or_default();
            assert!(!["What", "Whatever", "Whoever", "That"].contains(&first), "{text}");
        }
        for avoided in ["the other side", "response time", "straggler", "bookmark"] {
            assert!(!text.to_lowercase().contains(avoided), "{avoided}: {text}");
        }
    }
}

/// A request that changes something has a body, and its answer is no thing to cache.
#[test]
fn changes_are_described_as_such() {
    for description in every_form() {
        let change = &description["paths"]["/api/archive/control"]["post"];
        let body = &change["requestBody"];
        assert_eq!(body["required"], true);
        let schema = resolved(&description, &body["content"]["application/json"]["schema"]);
        assert!(schema["required"].is_null(), "every member may be absent: {schema}");
        assert_eq!(schema["additionalProperties"], false, "{schema}");
        let names = &resolved(&description, &schema["properties"]["resources"]["items"])["enum"];
        assert_eq!(names, &serde_json::json!(["messages", "posts", "prices"]), "{schema}");
        assert_eq!(schema["properties"]["rows_per_second"]["minimum"], 1);
        assert!(change["responses"]["413"].is_object() && change["responses"].get("304").is_none());
        assert!(change["responses"]["200"]["headers"].get("ETag").is_none(), "{change}");
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
                let parameter = resolved(&described, parameter);
                if parameter["in"] == "query" {
                    let path = format!("{path}?{}=%01", parameter["name"].as_str().expect("a name"));
                    let request = service.request(method.clone(), &path).bearer_auth(service.admin(1));
                    let text = service.send(request).await;
                    assert!(!text.text().contains("is not a parameter here"), "{path}: {}", text.text());
                }
            }
        }
    }
    for (path, form) in
        ["/openapi.json", "/openapi.json?ids=string", "/openapi-3.0.json", "/openapi-3.0.json?ids=string"]
            .into_iter()
            .zip(every_form())
    {
        assert_eq!(service.get("", path).await.json(), form, "{path}");
    }
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
    assert!(start.contains("\"persistAuthorization\": true"), "the token stays over a reload: {start}");
    // Without this the page loads a badge from validator.swagger.io and sends it the URL of the page.
    assert!(start.contains("\"validatorUrl\": \"none\""), "{start}");
    for (path, text) in
        loaded.iter().filter(|(path, _)| std::path::Path::new(path).extension().is_some_and(|it| it == "css"))
    {
        let elsewhere = text.contains("@import") || text.contains("url(http") || text.contains("url(\"http");
        assert!(!elsewhere, "{path} loads from another host");
    }
}
