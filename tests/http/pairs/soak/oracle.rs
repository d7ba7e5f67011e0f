//! All loaded rows, as naive vectors of what the API must show.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde_json::{Value, json};
use thermocline::clock::{DAY, Timestamp};
use thermocline::import::Record;
use thermocline::load::{Loader, Verdict, nouns};

use crate::http_lists::world::Row;
use crate::support::dice::Dice;
use crate::support::{Service, at, comment, conversation, cutoff, like, message, post, price, stock};

pub const TALKS: u64 = 3;
pub const AUTHORS: u64 = 3;
/// Range of the rows on both sides of what is due, in days.
const REACH: i64 = 30;

/// The rows of each list, newest first, without their tier.
#[derive(Default)]
pub struct Oracle {
    pub messages: BTreeMap<u64, Vec<Row>>,
    pub posts: Vec<Row>,
    pub comments: BTreeMap<i64, Vec<Row>>,
    pub prices: BTreeMap<NaiveDate, Value>,
    ids: i64,
}

impl Oracle {
    /// Inserts conversations, a stock and the first rows.
    pub async fn fill(service: &Service, dice: &mut Dice) -> Self {
        let begun = at("2025-12-01T00:00:00Z");
        let talks = (1..=TALKS).map(|talk| conversation(talk as i64, 1, Some(2), begun));
        service.load(&nouns::CONVERSATIONS, talks.collect()).await;
        service.load(&nouns::STOCKS, vec![stock(1, "2330", "台積電")]).await;
        let mut oracle = Self::default();
        oracle.grow(service, dice).await;
        oracle
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        let listed = self.messages.values().chain(self.comments.values());
        listed.map(Vec::len).sum::<usize>() + self.posts.len() + self.prices.len()
    }

    /// Adds rows of every kind on both sides of what is due: late rows and corrections of archived prices included.
    pub async fn grow(&mut self, service: &Service, dice: &mut Dice) {
        self.say(service, dice).await;
        self.write(service, dice).await;
        self.trade(service, dice).await;
        for rows in self.messages.values_mut().chain(self.comments.values_mut()).chain([&mut self.posts]) {
            rows.sort_by_key(|row| std::cmp::Reverse((row.at, row.id)));
        }
    }

    fn id(&mut self) -> i64 {
        self.ids += 1;
        self.ids
    }

    async fn say(&mut self, service: &Service, dice: &mut Dice) {
        let mut records = Vec::new();
        for _ in 0..120 {
            let (id, talk, when) = (self.id(), 1 + dice.roll(TALKS), some_time(dice));
            let content = match dice.roll(5) {
                0 => String::new(),
                1 => format!("Number {id} 50% 👍"),
                2 => format!("第{id}則"),
                _ => format!("number {}", dice.roll(40)),
            };
            records.push(message(id, talk as i64, 1, &content, when));
            let json = json!({"id": id, "conversation_id": talk, "sender_id": 1, "content": content,
                "created_at": when.to_string(), "is_read": id % 3 == 0});
            self.messages.entry(talk).or_default().push(Row { at: when, id, json });
        }
        service.load(&nouns::MESSAGES, records).await;
    }

    async fn write(&mut self, service: &Service, dice: &mut Dice) {
        let (mut posts, mut comments, mut likes) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..20 {
            let (id, author, when) = (self.id(), 1 + dice.roll(AUTHORS) as i64, some_time(dice));
            posts.push(post(id, author, "a post", when));
            let (said, liked) = (dice.roll(6), dice.roll(4));
            for _ in 0..said {
                let (comment_id, when) = (self.id(), when.plus(dice.roll(3) as i64));
                comments.push(comment(comment_id, id, 2, "a comment", when));
                let json = json!({"id": comment_id, "post_id": id, "author_id": 2, "body": "a comment",
                    "created_at": when.to_string()});
                self.comments.entry(id).or_default().push(Row { at: when, id: comment_id, json });
            }
            likes.extend((0..liked).map(|user| like(1 + user as i64, id)));
            let json = json!({"id": id, "author_id": author, "title": format!("Post {id}"), "body": "a post",
                "created_at": when.to_string(), "comment_count": said, "like_count": liked});
            self.posts.push(Row { at: when, id, json });
        }
        service.load(&nouns::POSTS, posts).await;
        service.load(&nouns::COMMENTS, comments).await;
        service.load(&nouns::LIKES, likes).await;
    }

    async fn trade(&mut self, service: &Service, dice: &mut Dice) {
        let mut days: BTreeMap<NaiveDate, Record> = BTreeMap::new();
        for _ in 0..15 {
            let day = some_time(dice).date();
            let cents = [(); 5].map(|()| (dice.roll(5) > 0).then(|| dice.roll(100_000) as i64 - 500));
            let counts = [(); 3].map(|()| (dice.roll(5) > 0).then(|| dice.roll(1 << 40) as i64));
            days.insert(day, price(None, 1, day, cents, counts));
            let digits = |cents: i64| {
                let sign = if cents < 0 { "-" } else { "" };
                let text = format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100);
                serde_json::from_str::<Value>(&text).expect("a number")
            };
            let [open, high, low, close, change] = cents.map(|cents| cents.map(digits));
            let [volume, turnover, transactions] = counts;
            let json = json!({"trade_date": day.to_string(), "open_price": open, "high_price": high,
                "low_price": low, "close_price": close, "change_amount": change, "volume": volume,
                "turnover": turnover, "transaction_count": transactions});
            self.prices.insert(day, json);
        }
        let mut loader = Loader::new(&*service.hot, Some(&*service.cold), &service.clock);
        let verdicts = loader.load(&nouns::PRICES, days.into_values().collect()).await.expect("a load");
        let refused = verdicts.iter().find(|verdict| matches!(verdict, Verdict::Rejected(_)));
        assert_eq!(refused, None);
    }
}

/// Returns mostly different instants, sometimes the same one.
fn some_time(dice: &mut Dice) -> Timestamp {
    let day = dice.roll(2 * REACH as u64) as i64 - REACH;
    cutoff(day * DAY + dice.roll(3) as i64)
}
