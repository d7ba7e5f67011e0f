//! Every row that must be shown, and the comparison with what the program shows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use thermocline::clock::Timestamp;
use thermocline::tier::{Engine as _, Postgres, PostgresUrl, Tier};

use crate::platform::Platform;
use crate::support::Service;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub conversation: i64,
    pub sender: i64,
    pub content: String,
    pub at: Timestamp,
    pub is_read: bool,
}

/// A post, with the number of its children.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    pub author: i64,
    pub title: String,
    pub at: Timestamp,
    pub comments: i64,
    pub likes: i64,
}

/// Every row by what tells it apart.
#[derive(Clone, Debug, Default)]
pub struct Oracle {
    pub messages: BTreeMap<i64, Message>,
    pub posts: BTreeMap<i64, Post>,
    /// Closing prices by stock and day.
    pub prices: BTreeMap<(i64, String), String>,
    /// Counts by user, day and action, which must be among those that are shown.
    pub activity: BTreeMap<(i64, String, String), i64>,
}

impl Platform {
    /// Compares everything that the program shows with what must be shown, page by page.
    pub async fn check(&self, context: &str) {
        let url = PostgresUrl::parse(&self.database).expect("a URL");
        let hot = self.hot.open().await;
        let cold = Postgres::open(thermocline::schema::of(Tier::Cold), &url, None).await.expect("cold");
        let cold = Arc::new(cold);
        let service = Service::over(hot.clone(), cold.clone(), Duration::from_secs(30)).await;
        self.check_messages(&service, context).await;
        self.check_posts(&service, context).await;
        self.check_prices(&service, context).await;
        self.check_activity(&service, context).await;
        drop(service);
        hot.close().await;
        cold.close().await;
    }

    /// The same, and everything that the archive knows about itself.
    pub async fn check_whole(&self, context: &str) {
        self.check(context).await;
        let output = self.program.run("archive verify");
        assert!(output.status.success(), "{context}: {}", crate::program::said(&output));
    }

    async fn check_messages(&self, service: &Service, context: &str) {
        for conversation in [1, 2, 3, 77] {
            let mut expected: Vec<(i64, &Message)> =
                self.oracle.messages.iter().map(|(id, row)| (*id, row)).collect();
            expected.retain(|(_, message)| message.conversation == conversation);
            expected.sort_by_key(|(id, message)| std::cmp::Reverse((message.at, *id)));
            let path = format!("/api/conversations/{conversation}/messages");
            let shown = pages(service, &path, "messages", expected.len()).await;
            let shown: Vec<(i64, Message)> =
                shown.iter().map(|row| (row["id"].as_i64().expect("an id"), message(row))).collect();
            let expected: Vec<(i64, Message)> =
                expected.into_iter().map(|(id, message)| (id, message.clone())).collect();
            assert_eq!(shown, expected, "{context}: conversation {conversation}");
        }
    }

    async fn check_posts(&self, service: &Service, context: &str) {
        let shown = pages(service, "/api/posts", "posts", self.oracle.posts.len()).await;
        let mut expected: Vec<(i64, Post)> = self.oracle.posts.clone().into_iter().collect();
        expected.sort_by_key(|(id, post)| std::cmp::Reverse((post.at, *id)));
        let post = |row: &Value| {
            let post = Post {
                author: int(row, "author_id"),
                title: text(row, "title"),
                at: time(row),
                comments: int(row, "comment_count"),
                likes: int(row, "like_count"),
            };
            (int(row, "id"), post)
        };
        assert_eq!(shown.iter().map(post).collect::<Vec<_>>(), expected, "{context}: posts");
        for (id, post) in &expected {
            let path = format!("/api/posts/{id}/comments");
            pages(service, &path, "comments", post.comments as usize).await;
        }
    }

    async fn check_prices(&self, service: &Service, context: &str) {
        let stocks: std::collections::BTreeSet<i64> =
            self.oracle.prices.keys().map(|(stock, _)| *stock).collect();
        for stock in stocks {
            let (from, to) = (self.old.date(), self.old.plus(60 * thermocline::clock::DAY).date());
            let path = format!("/api/stocks/{stock}/prices?start_date={from}&end_date={to}&order=asc");
            let answer = service.json(1, &path).await;
            let row = |row: &Value| (text(row, "trade_date"), row["close_price"].to_string());
            let shown: Vec<_> = answer["prices"].as_array().expect("prices").iter().map(row).collect();
            let own = self.oracle.prices.iter().filter(|((of, _), _)| *of == stock);
            let expected: Vec<_> = own.map(|((_, day), price)| (day.clone(), price.clone())).collect();
            assert_eq!(shown, expected, "{context}: stock {stock}");
        }
    }

    async fn check_activity(&self, service: &Service, context: &str) {
        for ((user, day, action), count) in &self.oracle.activity {
            let answer =
                service.json(*user, &format!("/api/users/{user}/behavior?from={day}&to={day}")).await;
            let rows = answer["behavior"].as_array().expect("rows");
            let found: Vec<i64> = rows
                .iter()
                .filter(|row| row["action_type"] == **action)
                .map(|row| int(row, "action_count"))
                .collect();
            assert_eq!(found, [*count], "{context}: {action} of user {user} on {day}");
        }
    }
}

/// Reads a list page by page, forwards by number, and checks the total.
async fn pages(service: &Service, path: &str, name: &str, total: usize) -> Vec<Value> {
    let mut rows = Vec::new();
    for page in 1.. {
        let answer = service.get(&service.admin(1), &format!("{path}?page={page}&per_page=37")).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let answer: Value = answer.json();
        assert_eq!(answer["total"], total, "{path}");
        rows.extend(answer[name].as_array().expect("rows").iter().cloned());
        if answer["has_more"] != true {
            break;
        }
    }
    rows
}

fn message(row: &Value) -> Message {
    Message {
        conversation: int(row, "conversation_id"),
        sender: int(row, "sender_id"),
        content: text(row, "content"),
        at: time(row),
        is_read: row["is_read"].as_bool().expect("a bool"),
    }
}

fn int(row: &Value, name: &str) -> i64 {
    row[name].as_i64().unwrap_or_else(|| panic!("{name} of {row}"))
}

fn text(row: &Value, name: &str) -> String {
    row[name].as_str().unwrap_or_else(|| panic!("{name} of {row}")).to_owned()
}

fn time(row: &Value) -> Timestamp {
    text(row, "created_at").parse().expect("a time")
}
