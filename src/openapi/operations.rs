//! Adds to each operation what all of them share.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::errors;
use crate::web::auth::TICKET;

/// The name of a stream of events among the formats.
const STREAM: &str = "stream";

/// Completes every operation of the document.
pub fn complete(document: &mut Value) {
    let components = &mut document["components"];
    components["responses"] = Value::Object(errors::components());
    components["headers"] = errors::header_components();
    components["parameters"] = shared_parameters();
    let Some(paths) = document["paths"].as_object_mut() else { return };
    let mut more = Map::new();
    for (path, item) in paths.iter_mut() {
        let operations = item.as_object_mut().into_iter().flatten();
        for (method, operation) in operations {
            for (format, operation) in split_formats(operation) {
                more.insert(format!("{path}/{format}"), json!({ method.as_str(): operation }));
            }
        }
    }
    paths.extend(more);
    for (path, item) in paths.iter_mut() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            if let Some(operation) = operation.as_object_mut() {
                complete_operation(path, method, operation);
            }
        }
    }
}

fn shared_parameters() -> Value {
    json!({
        "ids": {
            "name": "ids",
            "in": "query",
            "description": "How ids are written. `string` writes them as texts; the description under \
                            `/openapi.json?ids=string` has the types of those answers.",
            "required": false,
            "schema": { "type": "string", "enum": ["number"], "default": "number" },
        },
        "IfNoneMatch": {
            "name": "If-None-Match",
            "in": "header",
            "description": "The `ETag` of an earlier answer: 304 while it is still the same.",
            "required": false,
            "schema": { "type": "string" },
        },
        "LastEventId": {
            "name": "Last-Event-ID",
            "in": "header",
            "description": "The id of the last event that arrived: the stream goes on behind it. Counts more than `since`.",
            "required": false,
            "schema": { "type": "string", "format": "cursor", "minLength": 1 },
        },
    })
}

/// The name of a further format, by its media type.
fn format_name(media_type: &str) -> &str {
    match media_type {
        "text/csv" => "csv",
        "application/x-ndjson" => "ndjson",
        "text/event-stream" => STREAM,
        other => other.split_once("format=").map_or(other, |(_, name)| name),
    }
}

/// Takes all media types but JSON from the answer of an operation. Returns an operation for each, with the name of its
/// format: a generated function has one type.
fn split_formats(operation: &mut Value) -> Vec<(String, Value)> {
    let Some(content) = operation.pointer_mut("/responses/200/content").and_then(Value::as_object_mut) else {
        return Vec::new();
    };
    if content.len() < 2 || !content.contains_key("application/json") {
        return Vec::new();
    }
    let others: Vec<String> = content.keys().filter(|name| *name != "application/json").cloned().collect();
    let taken: Vec<(String, Value)> =
        others.into_iter().filter_map(|name| content.remove(&name).map(|body| (name, body))).collect();
    let split = taken.into_iter().map(|(media_type, body)| {
        let format = format_name(&media_type);
        let mut other = operation.clone();
        let media_type = media_type.split(';').next().unwrap_or_default();
        other["responses"]["200"]["content"] = json!({ media_type: body });
        for member in ["operationId", "summary"] {
            let text = other[member].as_str().unwrap_or_default().trim_end_matches('.').to_owned();
            let separator = if member == "summary" { ", as " } else { "_" };
            other[member] = format!("{text}{separator}{format}").into();
        }
        if let Some(parameters) = other["parameters"].as_array_mut() {
            // A stream has no limit, and only a stream takes a ticket.
            parameters.retain(|parameter| {
                parameter["name"] != "format" && !(format == STREAM && parameter["name"] == "limit")
            });
        }
        (format.to_owned(), other)
    });
    let split = split.collect();
    if let Some(parameters) = operation.get_mut("parameters").and_then(Value::as_array_mut) {
        parameters.retain(|parameter| parameter["name"] != TICKET);
    }
    split
}

fn complete_operation(path: &str, method: &str, operation: &mut Map<String, Value>) {
    let is_open = operation.get("security").is_some();
    if is_open {
        // An empty requirement means the same, but not to every tool.
        operation.insert("security".to_owned(), json!([]));
    }
    let is_api = !is_open && path.starts_with("/api/");
    let has_body = operation.contains_key("requestBody");
    let names: Vec<String> =
        parameters(operation).iter().filter_map(|p| p["name"].as_str().map(str::to_owned)).collect();
    let has = |name: &str| names.iter().any(|known| known == name);
    let may_be_missing = path.contains('{') || has("around") || has("symbols");
    let summary = operation.get("summary").cloned().unwrap_or_default();
    operation.entry("description").or_insert(summary);
    let responses = operation.entry("responses").or_insert_with(|| json!({}));
    let Some(responses) = responses.as_object_mut() else { return };
    responses.retain(|status, _| !status.ends_with("XX"));
    let sends_json = success_sends(responses, |media_type| media_type.contains("json"));
    let sends_events = success_sends(responses, |media_type| media_type == "text/event-stream");
    let is_read = method == "get";
    let has_tag = !is_open && is_read && !sends_events;
    let success_headers = success_headers(is_open, has_tag, has);

    let mut statuses =
        vec![StatusCode::NOT_ACCEPTABLE, StatusCode::INTERNAL_SERVER_ERROR, StatusCode::GATEWAY_TIMEOUT];
    if !is_open {
        statuses.extend([
            StatusCode::BAD_REQUEST,
            StatusCode::UNAUTHORIZED,
            StatusCode::FORBIDDEN,
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::SERVICE_UNAVAILABLE,
        ]);
        if may_be_missing {
            statuses.push(StatusCode::NOT_FOUND);
        }
        if has_tag {
            statuses.push(StatusCode::NOT_MODIFIED);
        }
    }
    if has_body {
        statuses.push(StatusCode::PAYLOAD_TOO_LARGE);
    }
    complete_responses(responses, &statuses, &success_headers);
    if is_api && is_read {
        // A stream has no whole to compare; it is resumed instead.
        let mut shared = vec![if sends_events { "LastEventId" } else { "IfNoneMatch" }];
        // Users are asked for by a parameter of this name; the style may stand beside it.
        if (sends_json || sends_events) && !has("ids") {
            shared.push("ids");
        }
        let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
        if let Some(parameters) = parameters.as_array_mut() {
            parameters.extend(
                shared.iter().map(|name| json!({ "$ref": format!("#/components/parameters/{name}") })),
            );
        }
    }
}

fn parameters(operation: &Map<String, Value>) -> &[Value] {
    operation.get("parameters").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Whether the answer has a media type that passes `is_meant`.
fn success_sends(responses: &Map<String, Value>, is_meant: impl Fn(&str) -> bool) -> bool {
    let content = responses.get("200").and_then(|response| response["content"].as_object());
    content.is_some_and(|content| content.keys().any(|media_type| is_meant(media_type)))
}

/// Returns the headers of an answer. `has` says whether the operation has a parameter.
fn success_headers(is_open: bool, has_tag: bool, has: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let mut names = vec!["X-Request-Id"];
    if !is_open {
        names.extend(["Cache-Control", "Server-Timing", "Vary"]);
    }
    if has_tag {
        names.push("ETag");
    }
    if has("page") && has("after") {
        names.push("Link");
    }
    if has("start_date") {
        names.extend(["X-Start-Date", "X-End-Date", "X-Missing"]);
    }
    if has("symbols") {
        names.push("X-Unknown-Symbols");
    }
    names
}

/// Adds the shared responses of `statuses`, and content and headers to the responses that the route itself describes.
fn complete_responses(responses: &mut Map<String, Value>, statuses: &[StatusCode], success_headers: &[&str]) {
    // An error with a schema of its own: generators for Rust know one type of error an operation.
    let own_schema = responses
        .iter()
        .filter(|(status, _)| status.starts_with(['4', '5']))
        .find_map(|(_, response)| response.pointer("/content/application~1json/schema").cloned());
    let beside_json =
        responses.get("200").is_some_and(|answer| answer["content"].get("application/json").is_some());
    for status in statuses {
        let response =
            responses.entry(status.as_str()).or_insert_with(|| errors::shared(*status, beside_json));
        if let (Some(schema), true) =
            (&own_schema, response.get("$ref").is_some() && !status.is_redirection())
        {
            *response = errors::problem_response(*status, status.canonical_reason().unwrap_or_default());
            response["content"] = errors::content(*status, schema);
        }
    }
    for (status, response) in responses.iter_mut() {
        let Ok(status) = status.parse::<StatusCode>() else { continue };
        if response.get("$ref").is_some() {
            continue;
        }
        let is_error = status.is_client_error() || status.is_server_error();
        let described = response["description"].as_str().unwrap_or_default().to_owned();
        if is_error && response.get("content").is_none() {
            let headers = response["headers"].take();
            *response = errors::problem_response(status, &described);
            if let Some(content) = response["content"].as_object_mut().filter(|_| !beside_json) {
                content.remove("application/json");
            }
            merge(&mut response["headers"], headers);
        } else if !is_error {
            let shared = errors::headers(success_headers);
            let own = response["headers"].take();
            response["headers"] = shared;
            merge(&mut response["headers"], own);
        } else {
            let own = response["headers"].take();
            response["headers"] = errors::headers(&["X-Request-Id"]);
            merge(&mut response["headers"], own);
        }
    }
}

fn merge(into: &mut Value, from: Value) {
    if let (Some(into), Value::Object(from)) = (into.as_object_mut(), from) {
        into.extend(from);
    }
}
