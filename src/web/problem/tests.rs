use axum::Router;
use axum::routing::get;

use super::*;
use crate::web::testing::{request, send};

#[test]
fn every_kind_of_the_contract_has_its_own_name() {
    let names: Vec<_> = examples().iter().map(|p| p.kind().name).collect();
    assert_eq!(
        names.join(" "),
        "invalid-parameter invalid-cursor unauthorized forbidden not-found method-not-allowed not-acceptable \
         changes-expired payload-too-large rate-limited overloaded internal tier-unavailable recover-due timeout"
    );
    assert_eq!(names, KINDS.map(|kind| kind.name));
    let statuses = KINDS.map(|kind| kind.status.as_u16());
    assert_eq!(statuses, [400, 400, 401, 403, 404, 405, 406, 410, 413, 429, 503, 500, 503, 503, 504]);
}

#[tokio::test]
async fn a_problem_renders_without_the_middleware() {
    let router = Router::new().route("/", get(|| async { Problem::parameter("limit", "must be smaller") }));
    let answer = send(&router, request("GET", "/", &[])).await;
    let body = answer.problem("invalid-parameter", 400);
    assert_eq!(body["parameter"], "limit");
    assert_eq!(body["detail"], "`limit` must be smaller");
    assert!(body.get("instance").is_none() && body.get("request_id").is_none());
}

#[test]
fn an_internal_error_hides_its_source() {
    let problem = Problem::internal("password=hunter2");
    assert!(!problem.to_string().contains("hunter2"));
    let Problem::Internal { source: Some(source) } = problem else {
        panic!("not an internal problem with a source");
    };
    assert_eq!(source.to_string(), "password=hunter2");
}

#[test]
fn challenges_follow_rfc_6750() {
    let challenge = |error| challenge(error, "Why").to_str().expect("ASCII").to_owned();
    assert_eq!(challenge(BearerError::Missing), "Bearer realm=\"thermocline\"");
    assert_eq!(
        challenge(BearerError::InvalidToken),
        "Bearer realm=\"thermocline\", error=\"invalid_token\", error_description=\"Why\""
    );
    assert_eq!(
        challenge(BearerError::InvalidRequest),
        "Bearer realm=\"thermocline\", error=\"invalid_request\", error_description=\"Why\""
    );
}

#[test]
fn a_long_parameter_name_is_cut() {
    let Problem::InvalidParameter { name, detail } = Problem::parameter(&"é".repeat(5000), "is bad") else {
        panic!("not an invalid parameter");
    };
    assert_eq!(name.chars().count(), 64);
    assert!(detail.len() < 200);
}

#[tokio::test]
async fn each_type_leads_to_a_page() {
    let router = Router::new().route("/problems/{name}", get(page));
    for kind in KINDS {
        let path = format!("/problems/{}", kind.name);
        let answer = send(&router, request("GET", &path, &[])).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        assert!(answer.body.contains(kind.title) && answer.body.contains(kind.help), "{path}");
        let html = format!("{}{}", kind.title, kind.help);
        assert!(!html.contains(['<', '>', '&']), "{path} needs escaping");
    }
    let unknown = send(&router, request("GET", "/problems/%3Cb%3E", &[])).await;
    unknown.problem("not-found", 404);
    let not_utf8 = send(&router, request("GET", "/problems/%FF", &[])).await;
    assert_eq!(not_utf8.problem("invalid-parameter", 400)["parameter"], "name");
}
