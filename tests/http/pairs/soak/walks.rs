//! A reader: random places of random lists in every style, each compared with the oracle.

use std::collections::BTreeSet;

use serde_json::Value;
use thermocline::clock::Timestamp;

use super::oracle::{AUTHORS, Oracle, TALKS};
use crate::http_lists::world::Row;
use crate::support::Service;
use crate::support::dice::Dice;

pub struct Walker<'a> {
    service: &'a Service,
    oracle: &'a Oracle,
    token: String,
    pub dice: Dice,
    pub requests: u64,
}

/// A list as it is requested, and its expected rows.
struct List<'a> {
    path: String,
    name: &'static str,
    rows: Vec<&'a Row>,
}

/// Returns the rows of an answer without their tier.
fn rows_of(body: &Value, name: &str) -> Vec<Value> {
    let mut rows = body[name].as_array().unwrap_or_else(|| panic!("no {name} in {body}")).clone();
    for row in &mut rows {
        row.as_object_mut().expect("a row").remove("from_archive").expect("its tier");
    }
    rows
}

impl<'a> Walker<'a> {
    pub fn new(service: &'a Service, oracle: &'a Oracle, dice: Dice) -> Self {
        Self { service, oracle, token: service.token(1), dice, requests: 0 }
    }

    fn roll(&mut self, below: usize) -> usize {
        self.dice.roll(below as u64) as usize
    }

    async fn ask(&mut self, path: &str) -> Value {
        self.requests += 1;
        let answer = self.service.get(&self.token, path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    /// Sends a request and expects the rows from `from` on.
    async fn expect(&mut self, list: &List<'_>, query: &str, from: usize, limit: usize) -> Value {
        let sign = if list.path.contains('?') { '&' } else { '?' };
        let path = format!("{}{sign}{query}", list.path);
        let body = self.ask(&path).await;
        let found = rows_of(&body, list.name);
        let n = list.rows.len();
        let window = &list.rows[from.min(n)..from.saturating_add(limit).min(n)];
        let ids = |rows: &[Value]| rows.iter().map(|row| row["id"].clone()).collect::<Vec<_>>();
        let expected: Vec<Value> = window.iter().map(|row| row.json.clone()).collect();
        assert_eq!(ids(&found), ids(&expected), "{path}");
        assert!(found == expected, "{path}: {found:?} is not {expected:?}");
        assert_eq!(body["has_more"], from.saturating_add(limit) < n, "{path}");
        assert_eq!(body["has_newer"], from.min(n) > 0, "{path}");
        if let Some(position) = body["position"].as_u64() {
            assert!(position as usize == from || from > n, "{path}: position {position}");
        }
        body
    }

    fn some_list(&mut self) -> List<'a> {
        let oracle = self.oracle;
        match self.dice.roll(6) {
            0..=2 => {
                let talk = 1 + self.dice.roll(TALKS);
                let rows = oracle.messages.get(&talk).map(|rows| rows.iter().collect()).unwrap_or_default();
                List { path: format!("/api/conversations/{talk}/messages"), name: "messages", rows }
            }
            3 => List { path: "/api/posts".to_owned(), name: "posts", rows: oracle.posts.iter().collect() },
            4 => {
                let author = 1 + self.dice.roll(AUTHORS);
                let rows = oracle.posts.iter().filter(|row| row.json["author_id"] == author).collect();
                List { path: format!("/api/posts?author_id={author}"), name: "posts", rows }
            }
            _ => {
                let nth = self.roll(oracle.posts.len());
                let post = oracle.posts[nth].id;
                let rows = oracle.comments.get(&post).map(|rows| rows.iter().collect()).unwrap_or_default();
                List { path: format!("/api/posts/{post}/comments"), name: "comments", rows }
            }
        }
    }

    /// Performs one walk of any kind.
    pub async fn walk(&mut self) {
        let list = self.some_list();
        match self.dice.roll(9) {
            0 => self.numbered(&list).await,
            1 => self.by_offset(&list).await,
            2 => self.down(&list).await,
            3 => self.up(&list).await,
            4 => self.around(&list).await,
            5 => self.span(list).await,
            6 => self.search().await,
            7 => self.one(&list).await,
            _ => self.prices().await,
        }
    }

    async fn numbered(&mut self, list: &List<'_>) {
        let per_page = 1 + self.roll(40);
        let page = 1 + self.roll(list.rows.len() / per_page + 2);
        let query = format!("page={page}&per_page={per_page}");
        let body = self.expect(list, &query, (page - 1) * per_page, per_page).await;
        assert_eq!(body["total"], list.rows.len(), "{}, {query}", list.path);
    }

    async fn by_offset(&mut self, list: &List<'_>) {
        let (offset, limit) = (self.roll(list.rows.len() + 5), 1 + self.roll(60));
        let body = self.expect(list, &format!("offset={offset}&limit={limit}"), offset, limit).await;
        assert_eq!(body["total"], list.rows.len(), "{} at {offset}", list.path);
    }

    async fn down(&mut self, list: &List<'_>) {
        let limit = 1 + self.roll(40);
        let mut from = 0;
        let mut body = self.expect(list, &format!("limit={limit}"), from, limit).await;
        while let Some(next) = body["next"].as_str() {
            from += limit;
            if from > 12 * limit {
                return;
            }
            body = self.expect(list, &format!("limit={limit}&before={next}"), from, limit).await;
        }
        assert!(from + limit >= list.rows.len(), "{} ended at {from}", list.path);
    }

    async fn up(&mut self, list: &List<'_>) {
        if list.rows.is_empty() {
            return;
        }
        let limit = 1 + self.roll(40);
        let mut from = self.roll(list.rows.len());
        let mut body = self.expect(list, &format!("offset={from}&limit=1"), from, 1).await;
        for _ in 0..12 {
            if from == 0 {
                return;
            }
            let prev = body["prev"].as_str().expect("prev").to_owned();
            let newer = from.min(limit);
            from -= newer;
            body = self.expect(list, &format!("limit={limit}&after={prev}"), from, newer).await;
        }
    }

    async fn around(&mut self, list: &List<'_>) {
        if list.rows.is_empty() {
            return;
        }
        let (limit, place) = (1 + self.roll(20), self.roll(list.rows.len()));
        let row = list.rows[place];
        let count = ["", "&count=exact"][self.roll(2)];
        let query = format!("around={}&limit={limit}{count}", row.id);
        self.expect(list, &query, place - place.min(limit / 2), limit).await;
        let when = row.at.plus(self.dice.roll(3) as i64 - 1);
        let place = list.rows.iter().filter(|row| row.at > when).count();
        let query = format!("at={when}&limit={limit}{count}");
        self.expect(list, &query, place - place.min(limit / 2), limit).await;
    }

    async fn span(&mut self, list: List<'_>) {
        if list.rows.is_empty() {
            return;
        }
        let (a, b) = (self.roll(list.rows.len()), self.roll(list.rows.len()));
        let (from, to): (Timestamp, Timestamp) = (list.rows[a.max(b)].at, list.rows[a.min(b)].at);
        let rows = list.rows.into_iter().filter(|row| from <= row.at && row.at < to).collect();
        let sign = if list.path.contains('?') { '&' } else { '?' };
        let cut = List { path: format!("{}{sign}from={from}&to={to}", list.path), name: list.name, rows };
        match self.dice.roll(3) {
            0 => self.numbered(&cut).await,
            1 => self.by_offset(&cut).await,
            _ => self.down(&cut).await,
        }
    }

    async fn search(&mut self) {
        let talk = 1 + self.dice.roll(TALKS);
        let (asked, text) =
            [("NUMBER%201", "number 1"), ("50%25", "50%"), ("%E5%89%87", "則")][self.dice.roll(3) as usize];
        let found = |row: &&Row| {
            row.json["content"].as_str().is_some_and(|content| content.to_ascii_lowercase().contains(text))
        };
        let rows = self.oracle.messages[&talk].iter().filter(found).collect();
        let path = format!("/api/conversations/{talk}/messages/search?q={asked}");
        self.down(&List { path, name: "messages", rows }).await;
    }

    async fn one(&mut self, list: &List<'_>) {
        if list.rows.is_empty() || list.name == "comments" {
            return;
        }
        let row = list.rows[self.roll(list.rows.len())];
        let path = format!("{}/{}", list.path.split('?').next().unwrap_or_default(), row.id);
        let mut body = self.ask(&path).await;
        let name = list.name.trim_end_matches('s');
        body[name].as_object_mut().expect("a row").remove("from_archive");
        assert_eq!(body[name], row.json, "{path}");
    }

    async fn prices(&mut self) {
        let days: BTreeSet<_> = self.oracle.prices.keys().copied().collect();
        let days: Vec<_> = days.into_iter().collect();
        let (a, b) = (self.roll(days.len()), self.roll(days.len()));
        let (start, end, limit) = (days[a.min(b)], days[a.max(b)], 1 + self.roll(50));
        let order = ["asc", "desc"][self.roll(2)];
        let path =
            format!("/api/stocks/1/prices?start_date={start}&end_date={end}&order={order}&limit={limit}");
        let body = self.ask(&path).await;
        let mut found = rows_of(&body, "prices");
        for row in &mut found {
            // A correction has another id than the price it corrects.
            row.as_object_mut().expect("a row").remove("id");
        }
        let mut expected: Vec<Value> =
            self.oracle.prices.range(start..=end).map(|(_, row)| row.clone()).collect();
        if order == "desc" {
            expected.reverse();
        }
        expected.truncate(limit);
        assert_eq!(found, expected, "{path}");
    }
}
