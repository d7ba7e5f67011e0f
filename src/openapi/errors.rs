//! The responses that routes share: one for each status of a problem, and 304.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::web::base_path::BasePath;
use crate::web::problem::{Problem, examples};

/// The name of the response to a conditional request.
const NOT_MODIFIED: &str = "NotModified";

/// The end of the names of responses that have one media type.
const ALONE: &str = "Problem";

/// Returns a reference to the shared response of a status. Beside answers that are not JSON an error has the media type of
/// problems alone: a generated client would otherwise accept JSON and nothing else.
pub fn shared(status: StatusCode, beside_json: bool) -> Value {
    let end = if beside_json || status.is_redirection() { "" } else { ALONE };
    json!({ "$ref": format!("#/components/responses/{}{end}", name(status)) })
}

fn name(status: StatusCode) -> String {
    match status {
        StatusCode::NOT_MODIFIED => NOT_MODIFIED.to_owned(),
        _ => status.canonical_reason().unwrap_or("Error").replace(' ', ""),
    }
}

/// Returns the shared responses by name.
pub fn components() -> Map<String, Value> {
    let mut by_status: BTreeMap<u16, Vec<Problem>> = BTreeMap::new();
    for problem in examples() {
        by_status.entry(problem.kind().status.as_u16()).or_default().push(problem);
    }
    let mut components: Map<String, Value> = by_status
        .values()
        .flat_map(|problems| {
            let status = problems[0].kind().status;
            let titles: Vec<&str> = problems.iter().map(|problem| problem.kind().title).collect();
            let both = problem_response(status, &titles.join("; or "));
            let mut alone = both.clone();
            if let Some(content) = alone["content"].as_object_mut() {
                content.remove("application/json");
            }
            [(name(status), both), (format!("{}{ALONE}", name(status)), alone)]
        })
        .collect();
    components.insert(
        NOT_MODIFIED.to_owned(),
        json!({
            "description": "The answer is still the one of `If-None-Match`.",
            "headers": headers(&["ETag", "X-Request-Id"]),
        }),
    );
    components
}

/// Returns the response to a problem of this status.
pub fn problem_response(status: StatusCode, description: &str) -> Value {
    let special: &[&str] = match status {
        StatusCode::UNAUTHORIZED => &["WWW-Authenticate"],
        StatusCode::METHOD_NOT_ALLOWED => &["Allow"],
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => &["Retry-After"],
        _ => &[],
    };
    json!({
        "description": description,
        "headers": headers(&[&["X-Request-Id"], special].concat()),
        "content": content(status, &json!({ "$ref": "#/components/schemas/Problem" })),
    })
}

/// Returns the bodies of an error, both of the same schema: generators for Rust read no type but `application/json`.
pub fn content(status: StatusCode, schema: &Value) -> Value {
    let examples: Map<String, Value> = examples()
        .iter()
        .filter(|problem| problem.kind().status == status)
        .map(|problem| {
            let kind = problem.kind();
            let (instance, request_id) = (Some("/api/posts"), Some("0853bc2d397742-3"));
            let body = problem.body(&BasePath::default(), status, instance, request_id);
            let value: Value = serde_json::from_str(&body).unwrap_or_default();
            (kind.name.to_owned(), json!({ "summary": kind.title, "description": kind.help, "value": value }))
        })
        .collect();
    let body = json!({ "schema": schema, "examples": examples });
    json!({ "application/problem+json": body, "application/json": body })
}

/// Returns references to the headers of these names.
pub fn headers(names: &[&str]) -> Value {
    let reference =
        |name: &&str| (name.to_string(), json!({ "$ref": format!("#/components/headers/{name}") }));
    Value::Object(names.iter().map(reference).collect())
}

/// Returns the headers that routes share, by name.
pub fn header_components() -> Value {
    let text = |description: &str, example: &str| json!({ "description": description, "schema": { "type": "string" }, "example": example });
    let seconds = json!({ "type": "integer", "minimum": 0 });
    json!({
        "Allow": text("The methods of the path.", "GET,HEAD"),
        "Cache-Control": text("Only the cache of the client itself may keep the answer, and asks before it uses it.",
            "private, no-cache"),
        "ETag": text("The tag of the answer, for `If-None-Match`; absent from streams.",
            "W/\"6d1ae4b3a4ee2f7a63a0c4d4c1f9c2b7\""),
        "Link": text("The first page and, where they exist, the previous, next and last one (RFC 8288); in page style only.",
            "</api/posts?page=2&per_page=20>; rel=\"next\""),
        "Retry-After": { "description": "Seconds until another try makes sense.", "schema": seconds, "example": 5 },
        "Server-Timing": text("The time in milliseconds that each database took.",
            "hot;dur=0.412;desc=\"1 asked\""),
        "Vary": text("The request headers on which the answer depends.", "Authorization, Accept, Accept-Encoding"),
        "WWW-Authenticate": text("The fault of the token (RFC 6750).",
            "Bearer realm=\"thermocline\", error=\"invalid_token\", error_description=\"The token has expired\""),
        "X-Start-Date": text("The first day of the range that was applied.", "2026-01-02"),
        "X-End-Date": text("The last day of the range that was applied.", "2026-12-31"),
        "X-Missing": text("The databases that are missing from the answer, where this is known before it begins.", "cold"),
        "X-Unknown-Symbols": text("The symbols that no stock has, separated by commas.", "9999"),
        "X-Request-Id": text("The id under which the log of the server has the request; that of the request, if it has one.",
            "0853bc2d397742-3"),
    })
}
