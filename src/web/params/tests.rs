use axum::Router;
use axum::extract::{Path, RawQuery};
use axum::routing::get;
use proptest::prelude::*;

use super::*;
use crate::web::testing::{request, send};

const ALLOWED: [&str; 3] = ["limit", "q", "at"];

fn parse(query: &str) -> Result<Params, Problem> {
    Params::parse(Some(query), &ALLOWED)
}

/// The parameter that a 400 names; its detail names it too.
fn named<T: std::fmt::Debug>(result: Result<T, Problem>) -> String {
    match result {
        Err(Problem::InvalidParameter { name, detail }) => {
            assert!(detail.starts_with(&format!("`{name}` ")), "{detail}");
            name
        }
        other => panic!("not an invalid parameter: {other:?}"),
    }
}

#[test]
fn values_are_decoded_like_forms() {
    let params = parse("q=a+b%2B%E4%B8%AD=%26&&limit=&").expect("valid");
    assert_eq!(params.raw("q"), Some("a b+中=&"));
    assert_eq!(params.raw("limit"), Some(""));
    assert_eq!(params.raw("at"), None);
    assert_eq!(parse("%71=x").expect("valid").raw("q"), Some("x"));
    assert_eq!(parse("q").expect("valid").raw("q"), Some(""));
    assert_eq!(parse("q=%ef%bf%bd").expect("valid").raw("q"), Some("\u{fffd}"));
    assert_eq!(parse("").expect("valid"), Params::default());
    assert_eq!(Params::parse(None, &[]).expect("valid"), Params::default());
}

#[test]
fn an_invalid_parameter_is_named() {
    for (query, name) in [
        ("q=%", "q"),
        ("q=%4", "q"),
        ("q=%zz", "q"),
        ("q=%+1", "q"),
        ("q=100%&limit=1", "q"),
        ("limit=1&q=%FF", "q"),
        ("q=%C0%AF", "q"),
        ("q=%ED%A0%80", "q"),
        ("limt=1", "limt"),
        ("Limit=1", "Limit"),
        ("limit=1&limit=1", "limit"),
        ("limit=1&q=&%6Cimit=2", "limit"),
        ("q[]=1", "q[]"),
        ("=1", ""),
        ("%zz=1", "%zz"),
    ] {
        assert_eq!(named(parse(query)), name, "{query}");
    }
    assert_eq!(named(Params::parse(Some("q=1"), &[])), "q");
}

proptest! {
    #[test]
    fn any_text_survives_its_own_encoding(text in any::<String>()) {
        let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let params = parse(&format!("q={encoded}")).expect("valid");
        prop_assert_eq!(params.raw("q"), Some(text.as_str()));
    }

    #[test]
    fn any_query_is_read_as_a_form_or_refused(query in "[q=&%0-9A-F+é]{0,12}") {
        if let Ok(params) = parse(&query) {
            let lenient: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
            prop_assert_eq!(params.0, lenient);
        }
    }
}

#[test]
fn integers_are_digits_in_range() {
    let limit = |text: &str| parse(&format!("limit={text}")).and_then(|p| p.integer("limit", -5..=100));
    for (text, number) in [("1", 1), ("100", 100), ("007", 7), ("-5", -5), ("-0", 0)] {
        assert_eq!(limit(text).expect(text), Some(number));
    }
    for text in [
        "",
        "-",
        "--1",
        "%2B5",
        "+5",
        "5+",
        "5.0",
        "5e1",
        "0x5",
        "1_0",
        "1,0",
        "101",
        "-6",
        "%D9%A3",
        "%EF%BC%95",
        "9223372036854775808",
        "99999999999999999999999999",
        "-9223372036854775809",
        "NaN",
        "null",
    ] {
        assert_eq!(named(limit(text)), "limit", "{text}");
    }
    let Err(Problem::InvalidParameter { detail, .. }) = limit("101") else {
        panic!("101 was accepted");
    };
    assert_eq!(detail, "`limit` must be a whole number from -5 to 100");
    assert_eq!(parse("").and_then(|p| p.integer("limit", 1..=2)).expect("absent"), None);
}

#[test]
fn text_is_measured_in_characters() {
    let q = |text: &str| {
        let params = parse(&format!("q={text}")).expect("valid");
        params.text("q", 1..=3).map(|text| text.map(str::to_owned))
    };
    assert_eq!(q("中文字").expect("three characters"), Some("中文字".to_owned()));
    assert_eq!(q("+").expect("a space"), Some(" ".to_owned()));
    for text in ["", "abcd", "中文字字", "a%00"] {
        assert_eq!(named(q(text)), "q", "{text}");
    }
    assert_eq!(parse("").expect("valid").text("q", 1..=3).expect("absent"), None);
}

#[test]
fn a_choice_is_exact() {
    let q = |text: &str| parse(&format!("q={text}")).and_then(|p| p.one_of("q", &["desc", "asc"]));
    assert_eq!(q("asc").expect("a choice"), Some("asc"));
    for text in ["", "ASC", "asc+", "as"] {
        assert_eq!(named(q(text)), "q", "{text}");
    }
    assert_eq!(parse("").and_then(|p| p.one_of("q", &["a"])).expect("absent"), None);
}

#[test]
fn dates_have_one_form() {
    let at = |text: &str| parse(&format!("at={text}")).and_then(|p| p.date("at"));
    for text in ["2026-01-31", "2024-02-29", "0001-01-01", "9999-12-31"] {
        let day = at(text).expect(text).expect("present");
        assert_eq!(day.to_string(), text);
    }
    for text in [
        "",
        "2026-1-5",
        "2026-02-30",
        "2026-13-01",
        "0000-01-01",
        "20260131",
        "2026/01/31",
        "%2B2026-01-3",
        "-026-01-31",
        "2026-01-31T00:00:00Z",
        "2026-01-31+",
        "today",
    ] {
        assert_eq!(named(at(text)), "at", "{text}");
    }
    assert_eq!(parse("").and_then(|p| p.date("at")).expect("absent"), None);
}

#[test]
fn a_time_tells_an_instant_from_a_day() {
    let at = |text: &str| parse(&format!("at={text}")).and_then(|p| p.time("at"));
    let instant = Moment::At("2023-01-06T15:38:00.5Z".parse().expect("a time"));
    for text in
        ["2023-01-06T15:38:00.5Z", "2023-01-06T23:38:00.500000%2B08:00", "2023-01-06T23:38:00.5%2B0800"]
    {
        assert_eq!(at(text).expect(text), Some(instant));
    }
    let day = NaiveDate::from_ymd_opt(2023, 1, 6).map(Moment::Day);
    assert_eq!(at("2023-01-06").expect("a date"), day);
    // The + of an offset arrives as a space when it was not escaped.
    for text in [
        "",
        "now",
        "2023-1-6",
        "2023-01-06T23:38:00+08:00",
        "2023-01-06T",
        "12:00:00",
        "12:00+0800",
        "1673019480",
    ] {
        assert_eq!(named(at(text)), "at", "{text}");
    }
    assert_eq!(parse("").and_then(|p| p.time("at")).expect("absent"), None);
}

#[test]
fn path_ids_are_positive_numbers() {
    assert_eq!(path_id("id", "1").expect("the first"), 1);
    assert_eq!(path_id("id", "9223372036854775807").expect("the last"), i64::MAX);
    for text in ["", "0", "-1", "+1", " 1", "1 ", "1.0", "abc", "9223372036854775808", "１"] {
        assert_eq!(named(path_id("id", text)), "id", "{text}");
    }
}

#[tokio::test]
async fn a_handler_answers_400_for_path_and_query() {
    async fn handler(Path(id): Path<String>, RawQuery(query): RawQuery) -> Result<String, Problem> {
        let id = path_id("id", &id)?;
        let limit = Params::parse(query.as_deref(), &ALLOWED)?.integer("limit", 1..=100)?;
        Ok(format!("{id} {limit:?}"))
    }
    let router = Router::new().route("/{id}", get(handler));
    let good = send(&router, request("GET", "/7?limit=5", &[])).await;
    assert_eq!(good.body, "7 Some(5)");
    for (uri, name) in
        [("/x", "id"), ("/%2B7", "id"), ("/7?limit=0", "limit"), ("/7?l=1", "l"), ("/7?q=%F", "q")]
    {
        let answer = send(&router, request("GET", uri, &[])).await;
        let body = answer.problem("invalid-parameter", 400);
        assert_eq!(body["parameter"], name, "{uri}");
    }
}
