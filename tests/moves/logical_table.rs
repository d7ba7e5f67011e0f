//! The oracle: the logical table as plain vectors, and the same rows as they go into hot.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use thermocline::clock::{DAY, Timestamp};
use thermocline::federation::List;
use thermocline::federation::sql::{ListStatements, SqlList};
use thermocline::page::{Key, ListId, Span};
use thermocline::resources::messages::{Message, Messages};
use thermocline::resources::posts::comments::{Comment, Comments};
use thermocline::resources::posts::{Post, Posts};
use thermocline::resources::stocks::prices::{Price, Prices};
use thermocline::schema::{self, ColumnType};
use thermocline::tier::{Begin, Record, TierError, Value};

use super::expected_lists::{Checked, Expected, Reader};
use super::{Pair, insert};
use crate::support::dice::Dice;

pub const USERS: i64 = 5;
pub const TALKS: i64 = 3;
pub const STOCKS: i64 = 2;

/// The prices of a stock without their ids, because a correction has another id than the price it corrects.
#[derive(Clone, Copy, Debug)]
pub struct Days(pub Prices);

impl List for Days {
    type Row = Price;

    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn resource(&self) -> &'static str {
        self.0.resource()
    }

    fn id(&self) -> ListId {
        self.0.id()
    }

    fn key(&self, row: &Price) -> Key {
        self.0.key(row)
    }
}

impl SqlList for Days {
    fn statements(&self) -> &'static ListStatements {
        self.0.statements()
    }

    fn filter(&self) -> Vec<Value> {
        self.0.filter()
    }

    fn read(&self, record: &Record) -> Result<Price, TierError> {
        Ok(Price { id: 0, ..self.0.read(record)? })
    }
}

pub fn days(stock: i64) -> Days {
    Days(Prices { stock })
}

/// All rows, in whichever tier.
#[derive(Clone, Debug, Default)]
pub struct Table {
    pub messages: Vec<Message>,
    pub posts: Vec<Post>,
    pub comments: Vec<Comment>,
    pub likes: Vec<(i64, i64)>,
    pub prices: BTreeMap<(i64, NaiveDate), Price>,
}

fn newest_first<L: List>(list: L, mut rows: Vec<L::Row>) -> (L, Vec<L::Row>) {
    rows.sort_by_key(|row| std::cmp::Reverse(list.key(row)));
    (list, rows)
}

impl Table {
    pub fn messages(&self, talk: i64) -> (Messages, Vec<Message>) {
        let of = |message: &&Message| message.conversation_id == talk;
        newest_first(Messages::of(talk), self.messages.iter().filter(of).cloned().collect())
    }

    /// Returns the messages that a search must find.
    pub fn containing(&self, talk: i64, text: &str) -> (Messages, Vec<Message>) {
        let folded = text.to_ascii_lowercase();
        let of = |message: &&Message| {
            message.conversation_id == talk && message.content.to_ascii_lowercase().contains(&folded)
        };
        newest_first(Messages::containing(talk, text), self.messages.iter().filter(of).cloned().collect())
    }

    pub fn posts(&self, author: Option<i64>) -> (Posts, Vec<Post>) {
        let of = |post: &&Post| author.is_none_or(|author| post.author_id == author);
        let counted = |post: &Post| Post {
            comment_count: self.comments.iter().filter(|comment| comment.post_id == post.id).count() as i64,
            like_count: self.likes.iter().filter(|(_, liked)| *liked == post.id).count() as i64,
            ..post.clone()
        };
        newest_first(Posts { author }, self.posts.iter().filter(of).map(counted).collect())
    }

    pub fn comments(&self, post: i64) -> (Comments, Vec<Comment>) {
        let of = |comment: &&Comment| comment.post_id == post;
        newest_first(Comments { post }, self.comments.iter().filter(of).cloned().collect())
    }

    pub fn prices(&self, stock: i64) -> (Days, Vec<Price>) {
        let of = |((of, _), price): (&(i64, NaiveDate), &Price)| (*of == stock).then(|| price.clone());
        newest_first(days(stock), self.prices.iter().filter_map(of).collect())
    }

    /// Removes a post and its children.
    pub fn forget_post(&mut self, id: i64) {
        self.posts.retain(|post| post.id != id);
        self.comments.retain(|comment| comment.post_id != id);
        self.likes.retain(|(_, post)| *post != id);
    }

    /// Removes all rows of a user.
    pub fn forget_user(&mut self, user: i64) {
        self.messages.retain(|message| message.sender_id != user);
        let posts: Vec<i64> =
            self.posts.iter().filter(|post| post.author_id == user).map(|post| post.id).collect();
        for post in posts {
            self.forget_post(post);
        }
        self.comments.retain(|comment| comment.author_id != user);
        self.likes.retain(|(liker, _)| *liker != user);
    }

    /// Checks all rows of a resource in every way they can be read.
    pub async fn check(&self, resource: &str, reader: &Reader<'_>) -> Checked {
        match resource {
            "messages" => self.check_messages(reader).await,
            "posts" => self.check_posts(reader).await,
            _ => self.check_prices(reader).await,
        }
    }

    async fn check_messages(&self, reader: &Reader<'_>) -> Checked {
        for talk in 1..=TALKS {
            let (list, rows) = self.messages(talk);
            let ids: Vec<i64> = rows.iter().map(|row| row.id).step_by(8).chain([9_999]).collect();
            let middle = rows.get(rows.len() / 2).map_or(Key::MAX, |row| list.key(row));
            let expected = Expected { reader, list, rows };
            expected.seek(Span::ALL, 9).await?;
            expected.all_pages(Span::ALL, 11).await?;
            expected.page(Span::ALL.from(middle), 2, 5).await?;
            expected.page(Span::ALL.below(middle), 1, 5).await?;
            expected.around(middle, 6).await?;
            for id in ids {
                expected.find(id).await?;
            }
        }
        Ok(())
    }

    async fn check_posts(&self, reader: &Reader<'_>) -> Checked {
        for author in [None, Some(1), Some(2)] {
            let (list, rows) = self.posts(author);
            let expected = Expected { reader, list, rows };
            expected.seek(Span::ALL, 7).await?;
            expected.all_pages(Span::ALL, 9).await?;
        }
        for post in self.posts.iter().step_by(4) {
            let (list, rows) = self.comments(post.id);
            let expected = Expected { reader, list, rows };
            expected.seek(Span::ALL, 5).await?;
            expected.page(Span::ALL, 1, 3).await?;
            let (list, rows) = self.posts(None);
            Expected { reader, list, rows }.find(post.id).await?;
        }
        Ok(())
    }

    async fn check_prices(&self, reader: &Reader<'_>) -> Checked {
        for stock in 1..=STOCKS {
            let (list, rows) = self.prices(stock);
            let middle = rows.get(rows.len() / 2).map_or(Key::MAX, |row| list.key(row));
            let expected = Expected { reader, list, rows };
            expected.seek(Span::ALL, 7).await?;
            expected.seek(Span::ALL.from(middle), 6).await?;
            expected.seek(Span::ALL.below(middle), 6).await?;
            expected.around(middle, 6).await?;
        }
        Ok(())
    }

    /// Returns rows of all kinds within 40 days before `now`, with equal times, nulls and zeros.
    pub fn sample(now: Timestamp) -> Self {
        let mut table = Self::default();
        let mut dice = Dice(1);
        let at = |dice: &mut Dice, day: i64| now.plus(-day * DAY + dice.roll(3) as i64);
        for nth in 1..=120 {
            let day = 40 - nth / 3;
            let created_at = at(&mut dice, day);
            let conversation_id = 1 + dice.roll(TALKS as u64 + 1).min(TALKS as u64 - 1) as i64;
            table.messages.push(message(nth, conversation_id, created_at));
        }
        for nth in 1..=24 {
            let created_at = at(&mut dice, 40 - nth);
            table.posts.push(post(nth, 1 + dice.roll(3) as i64, created_at));
            for _ in 0..dice.roll(4) {
                let id = table.comments.len() as i64 + 1;
                table.comments.push(comment(id, nth, created_at.plus(dice.roll(2) as i64)));
            }
            for user in 1..=dice.roll(4) as i64 {
                table.likes.push((user, nth));
            }
        }
        for stock in 1..=STOCKS {
            for day in 0..30 {
                let date = now.plus((day - 40) * DAY).date();
                table.prices.insert((stock, date), price(date, day));
            }
        }
        table
    }
}

pub fn message(id: i64, conversation_id: i64, created_at: Timestamp) -> Message {
    let content = match id % 5 {
        0 => String::new(),
        1 => format!("Message 100% {id}"),
        2 => format!("第{id}則 é_É"),
        _ => format!("message\n{id}\u{1}"),
    };
    Message { id, conversation_id, sender_id: 1 + id % USERS, content, created_at, is_read: id % 2 == 0 }
}

pub fn post(id: i64, author_id: i64, created_at: Timestamp) -> Post {
    let (title, body) = (format!("Post {id}"), "text ".repeat(id as usize % 4));
    Post { id, author_id, title, body, created_at, comment_count: 0, like_count: 0 }
}

pub fn comment(id: i64, post_id: i64, created_at: Timestamp) -> Comment {
    Comment { id, post_id, author_id: 1 + id % USERS, body: format!("comment {id}"), created_at }
}

/// Returns a price whose values depend on `kind`: nulls, zeros or numbers.
pub fn price(trade_date: NaiveDate, kind: i64) -> Price {
    let decimal = |hundredths: i64| (kind % 4 != 0).then(|| Decimal::new(hundredths * (kind % 4 - 1), 2));
    let count = |n: i64| (kind % 5 != 0).then_some(n * (kind % 5 - 1));
    Price {
        id: 0,
        trade_date,
        open: decimal(1_050 + kind),
        high: decimal(1_100 + kind),
        low: decimal(1_000),
        close: decimal(1_070 + kind),
        change: (kind % 3 != 0).then(|| Decimal::new(-35, 2)),
        volume: count(7_000_000_000),
        turnover: count(90_000_000_000),
        transactions: count(12),
    }
}

pub fn message_row(message: &Message) -> Vec<Value> {
    let Message { id, conversation_id, sender_id, content, created_at, is_read } = message;
    let content = content.as_str().into();
    vec![
        (*id).into(),
        (*conversation_id).into(),
        (*sender_id).into(),
        content,
        (*created_at).into(),
        (*is_read).into(),
    ]
}

pub fn post_row(post: &Post) -> Vec<Value> {
    let (title, body) = (post.title.as_str().into(), post.body.as_str().into());
    vec![post.id.into(), post.author_id.into(), title, body, post.created_at.into()]
}

pub fn comment_row(comment: &Comment) -> Vec<Value> {
    let body = comment.body.as_str().into();
    vec![comment.id.into(), comment.post_id.into(), comment.author_id.into(), body, comment.created_at.into()]
}

pub fn price_row(stock: i64, price: &Price) -> Vec<Value> {
    let decimal = |value| Value::or_null(value, ColumnType::Price);
    let int = |value| Value::or_null(value, ColumnType::Int);
    let id = stock * 1_000_000 + Timestamp::midnight(price.trade_date).micros() / DAY;
    vec![
        id.into(),
        stock.into(),
        price.trade_date.into(),
        decimal(price.open),
        decimal(price.high),
        decimal(price.low),
        decimal(price.close),
        decimal(price.change),
        int(price.volume),
        int(price.turnover),
        int(price.transactions),
        Timestamp::default().into(),
    ]
}

/// Inserts the rows that others refer to.
pub async fn fill_references(pair: &Pair) {
    let mut session = pair.hot.session().await.expect("a session");
    session.begin(Begin::Write).await.expect("a transaction");
    let null = Value::Null(ColumnType::Text);
    let time = || Value::from(Timestamp::default());
    let users: Vec<_> =
        (1..=USERS).map(|id| vec![id.into(), format!("user{id}").as_str().into(), null.clone()]).collect();
    insert(&mut *session, &schema::USERS, &users).await;
    let talks: Vec<_> = (1..=TALKS).map(|id| vec![id.into(), 1.into(), 2.into(), time(), time()]).collect();
    insert(&mut *session, &schema::CONVERSATIONS, &talks).await;
    let stock = |id: i64| {
        let symbol = format!("000{id}");
        vec![id.into(), symbol.as_str().into(), null.clone(), null.clone(), null.clone(), time(), time()]
    };
    insert(&mut *session, &schema::STOCKS, &(1..=STOCKS).map(stock).collect::<Vec<_>>()).await;
    session.commit().await.expect("a commit");
}

/// Inserts all rows into hot.
pub async fn fill(pair: &Pair, table: &Table) {
    fill_references(pair).await;
    let mut session = pair.hot.session().await.expect("a session");
    session.begin(Begin::Write).await.expect("a transaction");
    let rows: Vec<_> = table.messages.iter().map(message_row).collect();
    insert(&mut *session, &schema::MESSAGES, &rows).await;
    let rows: Vec<_> = table.posts.iter().map(post_row).collect();
    insert(&mut *session, &schema::POSTS, &rows).await;
    let rows: Vec<_> = table.comments.iter().map(comment_row).collect();
    insert(&mut *session, &schema::COMMENTS, &rows).await;
    let rows: Vec<_> = table.likes.iter().map(|(user, post)| vec![(*user).into(), (*post).into()]).collect();
    insert(&mut *session, &schema::LIKES, &rows).await;
    let rows: Vec<_> = table.prices.iter().map(|((stock, _), price)| price_row(*stock, price)).collect();
    insert(&mut *session, &schema::PRICES, &rows).await;
    session.commit().await.expect("a commit");
}
