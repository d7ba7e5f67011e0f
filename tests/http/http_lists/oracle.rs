//! Every way to ask for a page, against the vector.

use serde_json::Value;
use thermocline::clock::Timestamp;

use super::world::{Listed, Row};
use crate::support::bounds::{bound, is_fast_lane};
use crate::support::{Answer, Service, at};

/// A list as one client sees it.
pub struct Client<'a> {
    pub service: &'a Service,
    pub list: &'a Listed,
    token: String,
}

/// The rows of an answer.
fn rows(body: &Value, name: &str) -> Vec<Value> {
    body[name].as_array().unwrap_or_else(|| panic!("no {name} in {body}")).clone()
}

/// What is found when the answer is not what the vector says: ids, not pages of text.
fn assert_rows(path: &str, found: &[Value], expected: &[Row]) {
    let ids = |rows: &[Value]| rows.iter().map(|row| row["id"].clone()).collect::<Vec<_>>();
    let expected = Listed::shown(expected);
    assert_eq!(ids(found), ids(&expected), "{path}");
    for (found, expected) in found.iter().zip(&expected) {
        assert!(found == expected, "{path}: id {} is not the row that went in", expected["id"]);
    }
}

impl<'a> Client<'a> {
    pub fn new(service: &'a Service, list: &'a Listed) -> Self {
        let token = service.token(list.user);
        Self { service, list, token }
    }

    fn all(&self) -> &'a [Row] {
        &self.list.rows
    }

    fn window(&self, from: usize, limit: usize) -> &'a [Row] {
        let rows = self.all();
        &rows[from.min(rows.len())..(from + limit).min(rows.len())]
    }

    pub async fn ask(&self, query: &str) -> Answer {
        let path = self.list.with(query);
        let answer = self.service.get(&self.token, &path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer
    }

    /// Asks, and checks the rows and what every envelope has to hold: `window` is where they stand.
    async fn expect(&self, query: &str, from: usize, limit: usize) -> Value {
        let path = self.list.with(query);
        let body = self.ask(query).await.json();
        let window = self.window(from, limit);
        assert_rows(&path, &rows(&body, self.list.name), window);
        assert_eq!(body["success"], true, "{path}");
        let more = from + limit < self.all().len();
        assert_eq!(body["has_more"], more, "{path}: has_more");
        assert_eq!(body["next"].is_string(), more, "{path}: next is there with older rows alone");
        assert!(body["prev"].is_string(), "{path}: prev");
        let newer = from.min(self.all().len()) > 0;
        assert_eq!(body["has_newer"], newer, "{path}: has_newer");
        let cursor =
            ["limit=", "before=", "after=", "around=", "at="].iter().any(|name| query.contains(name));
        let numbered = !cursor || query.contains("offset=");
        let around = query.contains("count=exact") && (query.contains("around=") || query.contains("at="));
        assert_eq!(body.get("position").is_some(), numbered || around, "{path}: position");
        if let Some(position) = body["position"].as_u64() {
            // A page far past the end begins where it was asked to.
            assert!(position as usize == from || from > self.all().len(), "{path}: {position} for {from}");
        }
        assert!(body.get("partial").is_none() && body.get("missing").is_none(), "{path}: not partial");
        body
    }

    /// `next` leads to the row below the window, `prev` to the nearest above it.
    async fn neighbours(&self, body: &Value, from: usize, limit: usize) {
        let shown = self.window(from, limit).len();
        if let Some(next) = body["next"].as_str() {
            self.expect(&format!("before={next}&limit=3"), from + shown, 3).await;
        }
        let prev = body["prev"].as_str().expect("prev");
        let from = from.min(self.all().len());
        let newer = from.min(3);
        self.expect(&format!("limit=3&after={prev}"), from - newer, newer).await;
    }

    /// Numbered pages of every size, two past the end, and the neighbours of each.
    pub async fn pages(&self) {
        let n = self.all().len();
        let sizes: &[usize] = if is_fast_lane() { &[20] } else { &[7, 20, 100] };
        for &per_page in sizes {
            for page in 1..=n / per_page + 2 {
                let from = (page - 1) * per_page;
                let query = match per_page {
                    20 if page == 1 => String::new(),
                    20 => format!("page={page}"),
                    _ => format!("per_page={per_page}&page={page}"),
                };
                let body = self.expect(&query, from, per_page).await;
                assert_eq!(body["total"], n, "{query}");
                assert_eq!(body["pages"], n.div_ceil(per_page), "{query}");
                assert_eq!((&body["page"], &body["per_page"]), (&page.into(), &per_page.into()), "{query}");
                assert!(body.get("offset").is_none() && body.get("limit").is_none(), "{query}");
                assert_eq!(
                    body.get("as_of").is_some(),
                    page == 1 && n > 0,
                    "{query}: the first page's as_of"
                );
                if per_page == 20 {
                    self.neighbours(&body, from, per_page).await;
                }
            }
        }
        self.expect("page=1000000000&per_page=100", usize::MAX / 2, 100).await;
    }

    /// Offsets on and around every edge there may be.
    pub async fn offsets(&self) {
        let n = self.all().len();
        for (offset, limit) in [0, 1, 19, n / 3, n / 2, n.saturating_sub(1), n, n + 1, n + 500]
            .into_iter()
            .flat_map(|offset| [1, 8, 100].map(|limit| (offset, limit)))
        {
            let query = format!("offset={offset}&limit={limit}");
            let body = self.expect(&query, offset, limit).await;
            assert_eq!(body["total"], n, "{query}: also past the end");
            assert_eq!((&body["offset"], &body["limit"]), (&offset.into(), &limit.into()), "{query}");
            for absent in ["page", "per_page", "pages"] {
                assert!(body.get(absent).is_none(), "{query}: {absent}");
            }
            assert_eq!(body.get("as_of").is_some(), offset == 0 && n > 0, "{query}");
        }
        self.expect("offset=0", 0, 20).await;
        self.expect("offset=1000000000000", usize::MAX / 2, 20).await;
    }

    /// Down to the very end and all the way up again: every row once, in both directions.
    pub async fn walk(&self) {
        let n = self.all().len();
        let limit = 13;
        let mut from = 0;
        let mut body = self.expect(&format!("limit={limit}"), from, limit).await;
        while let Some(next) = body["next"].as_str() {
            from += limit;
            body = self.expect(&format!("limit={limit}&before={next}"), from, limit).await;
            assert!(body["total"].is_null(), "a cursor page is not counted");
            assert_eq!(body["limit"], limit);
            assert!(body.get("page").is_none() && body.get("as_of").is_none());
        }
        assert!(from + limit >= n, "the walk ended at {from} of {n}");
        while from > 0 {
            let prev = body["prev"].as_str().expect("prev");
            let newer = from.min(limit);
            from -= newer;
            body = self.expect(&format!("after={prev}&limit={limit}"), from, newer).await;
        }
        // At the top: nothing newer yet, and both cursors hold their place.
        let prev = body["prev"].as_str().expect("prev").to_owned();
        let query = format!("after={prev}&limit={limit}");
        let top = self.ask(&query).await.json();
        assert_rows(&query, &rows(&top, self.list.name), &[]);
        assert_eq!(top["prev"], body["prev"], "an empty page gives back its cursor");
        assert_eq!(top["has_newer"], false, "a poll ends");
        assert_eq!(top["has_more"], n > 0, "there are older rows, unless there are none at all");
        if let Some(next) = top["next"].as_str() {
            self.expect(&format!("limit=2&before={next}"), 0, 2).await;
        }
    }

    /// Around ids, and at times on, just before and just after every kind of row.
    pub async fn places(&self) {
        let all = self.all();
        let n = all.len();
        let asked = bound("THERMOCLINE_TEST_PLACES", 17, 4) as usize;
        let steps = (0..n).step_by((n / asked).max(1)).chain(n.checked_sub(1));
        for place in steps {
            for limit in [1, 2, 7] {
                let newer = place.min(limit / 2);
                let id = all[place].id;
                let body = self.expect(&format!("around={id}&limit={limit}"), place - newer, limit).await;
                assert!(body["total"].is_null());
                let counted = format!("around={id}&limit={limit}&count=exact");
                let body = self.expect(&counted, place - newer, limit).await;
                assert_eq!(body["total"], n, "{counted}");
                for micros in [-1, 0, 1] {
                    self.at_time(all[place].at.plus(micros), limit).await;
                }
            }
        }
        self.at_time(at("0001-01-01T00:00:00Z"), 5).await;
        self.at_time(at("9999-12-31T23:59:59.999999Z"), 5).await;
        for date in ["2026-01-29", "2026-01-30", "2020-02-29"] {
            let newer = all.iter().filter(|row| row.at > at(date)).count();
            self.expect(&format!("at={date}"), newer - newer.min(10), 20).await;
        }
    }

    async fn at_time(&self, when: Timestamp, limit: usize) {
        // The place is the first row that is not newer than the time.
        let place = self.all().iter().filter(|row| row.at > when).count();
        let newer = place.min(limit / 2);
        self.expect(&format!("at={when}&limit={limit}"), place - newer, limit).await;
        let counted = format!("at={when}&limit={limit}&count=exact");
        let body = self.expect(&counted, place - newer, limit).await;
        assert_eq!(body["total"], self.all().len(), "{counted}");
    }

    /// Spans of time in every style: `from` belongs to it, `to` does not, and a date as `to` is that whole day.
    pub async fn spans(&self) {
        let some = |place: usize| self.all().get(place).map(|row| row.at.to_string());
        let n = self.all().len();
        let (older, newer) = (some(n * 3 / 4), some(n / 4));
        let (Some(older), Some(newer)) = (older, newer) else {
            return;
        };
        let spans = [
            (Some(older.clone()), Some(newer.clone())),
            (Some(older.clone()), None),
            (None, Some(newer.clone())),
            (Some(older.clone()), Some(older.clone())),
            (None, Some(at(&older).plus(1).to_string())),
            (Some("2026-01-28".to_owned()), Some("2026-01-30".to_owned())),
            (Some("2026-01-29".to_owned()), Some("2026-01-29".to_owned())),
            (Some("2026-01-29T08:00:00%2B08:00".to_owned()), Some("2026-01-30".to_owned())),
            (None, Some("0001-01-01".to_owned())),
            (Some("9999-12-31".to_owned()), None),
        ];
        for (from, to) in spans {
            self.span(from.as_deref(), to.as_deref()).await;
        }
    }

    async fn span(&self, from: Option<&str>, to: Option<&str>) {
        let lower = from.map(|from| at(&from.replace("%2B", "+")));
        let upper = to.map(|to| if to.contains('T') { at(to) } else { at(to).plus(thermocline::clock::DAY) });
        let inside = |row: &&Row| {
            lower.is_none_or(|lower| row.at >= lower) && upper.is_none_or(|upper| row.at < upper)
        };
        let list = Listed {
            path: self.list.with(
                &[from.map(|from| format!("from={from}")), to.map(|to| format!("to={to}"))]
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join("&"),
            ),
            rows: self.all().iter().filter(inside).cloned().collect(),
            ..self.list.clone()
        };
        let cut = Client { service: self.service, list: &list, token: self.token.clone() };
        let n = list.rows.len();
        for page in [1, 2, n / 6 + 1] {
            let body = cut.expect(&format!("page={page}&per_page=6"), (page - 1) * 6, 6).await;
            assert_eq!(body["total"], n, "{}", list.path);
        }
        cut.expect(&format!("offset={}", n / 2), n / 2, 20).await;
        cut.walk().await;
    }

    /// Every style counted, and not.
    pub async fn counts(&self) {
        let n = self.all().len();
        let first = self.ask("limit=1").await.json();
        let cursor = first["prev"].as_str().expect("prev");
        let mut styles = vec![
            "page=1".to_owned(),
            "offset=3".to_owned(),
            "limit=5".to_owned(),
            format!("before={cursor}"),
            format!("after={cursor}"),
            "at=2026-01-30".to_owned(),
        ];
        styles.extend(self.all().first().map(|row| format!("around={}", row.id)));
        for style in styles {
            let counted = self.ask(&format!("{style}&count=exact")).await;
            assert_eq!(counted.json()["total"], n, "{style}");
            let body = self.ask(&format!("count=none&{style}")).await;
            assert!(body.json()["total"].is_null() && body.json().get("pages").is_none(), "{style}");
            assert_eq!(body.link("last"), None, "{style}: the last page is unknown");
            assert_eq!(counted.link("last").is_some(), style == "page=1", "{style}");
        }
    }

    /// Follows the links of numbered pages, forth and back.
    pub async fn links(&self) {
        let (n, per_page) = (self.all().len(), 9);
        let own = self.list.path.split('?').nth(1).unwrap_or_default();
        let follow = async |target: &str, page: usize| {
            assert!(target.starts_with('/') && target.contains(own), "{target}: keeps the filter");
            let answer = self.service.get(&self.token, target).await;
            let body = answer.json();
            assert_eq!(body["page"], page, "{target}");
            assert_rows(target, &rows(&body, self.list.name), self.window((page - 1) * per_page, per_page));
            answer
        };
        let mut answer = self.ask(&format!("per_page={per_page}")).await;
        let as_of = answer.json()["as_of"].as_str().map(str::to_owned);
        assert_eq!(answer.link("prev"), None);
        let mut page = 1;
        while let Some(next) = answer.link("next") {
            assert!(as_of.as_ref().is_some_and(|as_of| next.contains(as_of)), "{next}: with as_of");
            page += 1;
            answer = follow(&next, page).await;
            let prev = answer.link("prev").expect("a page before the second one");
            follow(&prev, page - 1).await;
        }
        let last = n.div_ceil(per_page).max(1);
        assert_eq!(page, last, "next leads to the last page");
        let answer = follow(&answer.link("last").expect("last"), last).await;
        follow(&answer.link("first").expect("first"), 1).await;
        assert_eq!(self.ask("offset=0").await.header("link"), "", "links are for pages");
        assert_eq!(self.ask("limit=5").await.header("link"), "", "links are for pages");
    }

    /// All of it.
    pub async fn everything(&self) {
        self.pages().await;
        self.offsets().await;
        self.walk().await;
        self.places().await;
        self.spans().await;
        self.counts().await;
        self.links().await;
    }
}
