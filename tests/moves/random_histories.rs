//! Random histories of a pair, compared after each step with a naive oracle.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};
use tempfile::TempDir;
use thermocline::archive::{Outcome, Selection};
use thermocline::clock::{Clock, DAY, Timestamp};
use thermocline::import::Record;
use thermocline::journal::pair;
use thermocline::load::nouns;
use thermocline::load::{Loader, Verdict};
use thermocline::page::{Key, Span};
use thermocline::resources::{self, stocks::prices::Price};
use thermocline::schema;

use super::audit::audit;
use super::expected_lists::{Checked, Expected, Reader};
use super::fault_injection::now;
use super::logical_table::{self, STOCKS, TALKS, Table};
use super::{Pair, SIZES, copy_pair, execute, plan, run, run_mover, scratch};
use crate::support::bounds::bound;
use crate::support::dice::Dice;
use crate::support::engines::Engines;

/// Rows of a history are at most this many days old.
const SPAN: i64 = 40;

#[derive(Clone, Debug)]
enum Step {
    /// Inserts messages from a day on, some at the same instant; those of the past are late when that day is archived.
    Messages {
        count: i64,
        talk: i64,
        day: i64,
    },
    EditMessage(usize),
    DeleteMessage(usize),
    /// Inserts a post with children.
    Post {
        author: i64,
        day: i64,
        comments: i64,
        likes: i64,
    },
    /// Inserts a comment on a post, which fails when the post is archived.
    Comment(usize),
    DeleteComment(usize),
    /// Imports prices of some days of a stock, new ones and corrections.
    Prices {
        stock: i64,
        day: i64,
        count: i64,
        kind: i64,
    },
    Archive {
        resource: usize,
        days: i64,
        batch: i64,
        max_rows: Option<i64>,
    },
    /// Erases one row of a kind, or all rows of a user.
    Erase {
        kind: usize,
        nth: usize,
    },
    /// Restores rows by days, by id or all, and may release the resource for the mover.
    Restore {
        resource: usize,
        days: Option<(i64, i64)>,
        row: Option<i64>,
        rows: i64,
    },
}

fn any_step() -> impl Strategy<Value = Step> {
    let day = || 0..SPAN;
    prop_oneof![
        5 => (1..14i64, 1..=TALKS, day()).prop_map(|(count, talk, day)| Step::Messages { count, talk, day }),
        1 => any::<usize>().prop_map(Step::EditMessage),
        1 => any::<usize>().prop_map(Step::DeleteMessage),
        3 => (1..4i64, day(), 0..4i64, 0..4i64)
            .prop_map(|(author, day, comments, likes)| Step::Post { author, day, comments, likes }),
        1 => any::<usize>().prop_map(Step::Comment),
        1 => any::<usize>().prop_map(Step::DeleteComment),
        3 => (1..=STOCKS, day(), 1..9i64, 0..20i64)
            .prop_map(|(stock, day, count, kind)| Step::Prices { stock, day, count, kind }),
        6 => (0..3usize, day(), 1..16i64, proptest::option::of(1..30i64))
            .prop_map(|(resource, days, batch, max_rows)| Step::Archive { resource, days, batch, max_rows }),
        1 => (0..5usize, any::<usize>()).prop_map(|(kind, nth)| Step::Erase { kind, nth }),
        3 => (0..3usize, proptest::option::weighted(0.7, (day(), 1..30i64)), proptest::option::weighted(0.2, 1..90i64), 1..16i64)
            .prop_map(|(resource, days, row, rows)| Step::Restore { resource, days, row, rows }),
    ]
}

/// A new pair, created once and copied.
fn fresh() -> &'static Path {
    static FRESH: OnceLock<TempDir> = OnceLock::new();
    let made = FRESH.get_or_init(|| {
        let folder = scratch();
        run(async {
            let pair = Pair::open(folder.path(), now()).await;
            logical_table::fill_references(&pair).await;
            pair.close().await;
        });
        folder
    });
    made.path()
}

struct Fixture<'a> {
    pair: &'a Pair,
    rows: Table,
    /// Number of ids given out, of all kinds.
    ids: i64,
    dice: Dice,
}

impl Fixture<'_> {
    fn id(&mut self) -> i64 {
        self.ids += 1;
        self.ids
    }

    fn at(&mut self, day: i64) -> Timestamp {
        now().plus(-day * DAY + self.dice.roll(4) as i64)
    }

    async fn take(&mut self, step: &Step) -> Checked {
        match *step {
            Step::Messages { count, talk, day } => {
                for _ in 0..count {
                    let message = logical_table::message(self.id(), talk, self.at(day));
                    let row = logical_table::message_row(&message);
                    self.pair.put(&schema::MESSAGES, row).await;
                    self.rows.messages.push(message);
                }
            }
            Step::EditMessage(nth) => {
                let Some(at) = nth.checked_rem(self.rows.messages.len()) else { return Ok(()) };
                let message = &mut self.rows.messages[at];
                let params = [message.id.into(), "Edited".into()];
                if self.pair.change("UPDATE messages SET content = ?2 WHERE id = ?1", &params).await > 0 {
                    "Edited".clone_into(&mut message.content);
                }
            }
            Step::DeleteMessage(nth) => {
                let Some(at) = nth.checked_rem(self.rows.messages.len()) else { return Ok(()) };
                let id = self.rows.messages[at].id;
                if self.pair.change("DELETE FROM messages WHERE id = ?1", &[id.into()]).await > 0 {
                    self.rows.messages.swap_remove(at);
                }
            }
            Step::Post { author, day, comments, likes } => {
                let post = logical_table::post(self.id(), author, self.at(day));
                self.pair.put(&schema::POSTS, logical_table::post_row(&post)).await;
                for _ in 0..comments {
                    self.comment(post.id).await;
                }
                for user in 1..=likes {
                    self.pair.put(&schema::LIKES, vec![user.into(), post.id.into()]).await;
                    self.rows.likes.push((user, post.id));
                }
                self.rows.posts.push(post);
            }
            Step::Comment(nth) => {
                let Some(at) = nth.checked_rem(self.rows.posts.len()) else { return Ok(()) };
                let post = self.rows.posts[at].id;
                if self.pair.change("UPDATE posts SET title = title WHERE id = ?1", &[post.into()]).await > 0
                {
                    self.comment(post).await;
                }
            }
            Step::DeleteComment(nth) => {
                let Some(at) = nth.checked_rem(self.rows.comments.len()) else { return Ok(()) };
                let id = self.rows.comments[at].id;
                if self.pair.change("DELETE FROM comments WHERE id = ?1", &[id.into()]).await > 0 {
                    self.rows.comments.swap_remove(at);
                }
            }
            Step::Prices { stock, day, count, kind } => self.prices(stock, day, count, kind).await?,
            Step::Archive { resource, days, batch, max_rows } => {
                let mut plan = plan(days, batch);
                plan.max_rows = max_rows;
                let report = run_mover(&self.pair.mover(SIZES), resources::families()[resource], &plan).await;
                prop_assert!(report.outcome != Outcome::Failed, "{:?}", report.error);
            }
            Step::Erase { kind, nth } => self.erase(kind, nth).await,
            Step::Restore { resource, days, row, rows } => {
                let chosen = match (row, days) {
                    (Some(id), _) => Selection::Row(id),
                    (_, Some((day, count))) => {
                        let from = Timestamp::midnight(now().plus(-day * DAY).date());
                        Selection::Span(from, from.plus(count * DAY))
                    }
                    _ => Selection::All,
                };
                let (mover, family) = (self.pair.mover(SIZES), resources::families()[resource]);
                let due = mover.restorable(family, chosen).await.expect("a count");
                let report = mover.restore(family, chosen, rows, &AtomicBool::new(false), &mut |_| {}).await;
                prop_assert_eq!((report.outcome, &report.error), (Outcome::Done, &None));
                prop_assert_eq!(report.of_resource, due);
                prop_assert_eq!(mover.restorable(family, chosen).await.expect("a count"), 0);
                prop_assert_eq!(mover.is_held(family).await.expect("a state"), due > 0);
                mover.resume(family).await.expect("resumed");
            }
        }
        Ok(())
    }

    async fn erase(&mut self, kind: usize, nth: usize) {
        fn some<R>(rows: &[R], nth: usize, id: impl Fn(&R) -> i64) -> Option<i64> {
            rows.get(nth.checked_rem(rows.len())?).map(id)
        }
        let mover = self.pair.mover(SIZES);
        let [messages, posts, _] = resources::families();
        let rows = &mut self.rows;
        let (noun, family, id) = match kind {
            0 | 1 => ("messages", messages, some(&rows.messages, nth, |row| row.id)),
            2 => ("posts", posts, some(&rows.posts, nth, |row| row.id)),
            3 => ("comments", posts, some(&rows.comments, nth, |row| row.id)),
            _ => {
                let user = 1 + (nth as i64).rem_euclid(logical_table::USERS);
                for family in [messages, posts] {
                    mover.erase_user(family, user).await.expect("erased");
                }
                rows.forget_user(user);
                return;
            }
        };
        let Some(id) = id else { return };
        assert!(mover.erase(family, noun, &[id]).await.expect("erased") > 0, "{noun} {id}");
        match noun {
            "messages" => rows.messages.retain(|row| row.id != id),
            "posts" => rows.forget_post(id),
            _ => rows.comments.retain(|row| row.id != id),
        }
    }

    async fn comment(&mut self, post: i64) {
        let day = self.dice.roll(SPAN as u64) as i64;
        let comment = logical_table::comment(self.id(), post, self.at(day));
        let row = logical_table::comment_row(&comment);
        self.pair.put(&schema::COMMENTS, row).await;
        self.rows.comments.push(comment);
    }

    /// Imports prices; the verdicts must be those of the oracle.
    async fn prices(&mut self, stock: i64, day: i64, count: i64, kind: i64) -> Checked {
        let (mut records, mut expected) = (Vec::new(), Vec::new());
        for nth in 0..count {
            let date = now().plus((nth - day) * DAY).date();
            let price = logical_table::price(date, kind + nth % 3);
            records.push(as_record(stock, &price));
            expected.push(match self.rows.prices.insert((stock, date), price.clone()) {
                None => Verdict::Inserted,
                Some(old) if old == price => Verdict::Known,
                Some(_) => Verdict::Corrected,
            });
        }
        let mut loader = Loader::new(&*self.pair.hot, Some(&*self.pair.cold), &self.pair.clock);
        let verdicts = loader.load(&nouns::PRICES, records).await.expect("a load");
        prop_assert_eq!(verdicts, expected);
        Ok(())
    }

    /// Checks all rows by cursor, and pages at random places.
    async fn check(&mut self, reader: &Reader<'_>) -> Checked {
        let mut roll = |below: usize| self.dice.roll(below as u64) as i64;
        let talk = 1 + roll(TALKS as usize);
        let lists = [self.rows.messages(talk), self.rows.containing(talk, "mESSAGE")];
        // A search is read by cursor only: it has no total.
        for ((list, rows), counted) in lists.into_iter().zip([true, false]) {
            let some = |n: i64| {
                rows.get(n as usize % rows.len().max(1))
                    .map_or(Key::MIN, |row| Key::new(row.created_at, row.id + n % 2))
            };
            let (a, b) = (some(roll(100)), some(roll(100)));
            let (offset, limit) = (roll(rows.len() + 4), 1 + roll(7));
            let expected = Expected { reader, list, rows };
            expected.seek(Span::ALL, 3 + limit).await?;
            expected.seek(Span { lower: a.min(b), upper: a.max(b) }, limit).await?;
            expected.around(a, limit).await?;
            if counted {
                expected.page(Span::ALL, offset, limit).await?;
                expected.page(Span { lower: a.min(b), upper: a.max(b) }, offset / 2, limit).await?;
                expected.page(Span::ALL.below(a), offset / 3, limit).await?;
                expected.page(Span::ALL.from(b), 0, limit).await?;
                expected.find(1 + roll(self.ids as usize + 1)).await?;
            }
        }
        let author = Some(1 + roll(4)).filter(|author| *author < 4);
        let (list, rows) = self.rows.posts(author);
        let (offset, post) =
            (roll(rows.len() + 2), rows.get(roll(rows.len().max(1)) as usize).map(|row| row.id));
        let expected = Expected { reader, list, rows };
        expected.seek(Span::ALL, 4).await?;
        expected.page(Span::ALL, offset, 3).await?;
        if let Some(post) = post {
            expected.find(post).await?;
            let (list, rows) = self.rows.comments(post);
            let expected = Expected { reader, list, rows };
            expected.seek(Span::ALL, 2).await?;
            expected.page(Span::ALL, 1, 2).await?;
        }
        let (list, rows) = self.rows.prices(1 + roll(STOCKS as usize));
        let middle =
            rows.get(rows.len() / 2).map_or(Key::MAX, |row| Key::new(Timestamp::midnight(row.trade_date), 0));
        let expected = Expected { reader, list, rows };
        expected.seek(Span::ALL, 5).await?;
        expected.seek(Span::ALL.below(middle), 3).await?;
        expected.around(middle, 4).await
    }
}

fn as_record(stock: i64, price: &Price) -> Record {
    Record::new(&nouns::PRICES)
        .with("stock_id", stock)
        .with("trade_date", price.trade_date)
        .with_optional("open_price", price.open)
        .with_optional("high_price", price.high)
        .with_optional("low_price", price.low)
        .with_optional("close_price", price.close)
        .with_optional("change_amount", price.change)
        .with_optional("volume", price.volume)
        .with_optional("turnover", price.turnover)
        .with_optional("transaction_count", price.transactions)
}

/// Performs the steps on an empty pair.
async fn live(pair: &Pair, steps: &[Step], seed: u64) -> Checked {
    let reader = Reader::new(&*pair.hot, &*pair.cold);
    let mut fixture = Fixture { pair, rows: Table::default(), ids: 0, dice: Dice(seed) };
    for (nth, step) in steps.iter().enumerate() {
        fixture.take(step).await?;
        if let Err(error) = fixture.check(&reader).await {
            return Err(TestCaseError::fail(format!("after step {nth}, {step:?}: {error}")));
        }
    }
    audit(pair).await;
    Ok(())
}

async fn live_on_files(steps: Vec<Step>, seed: u64, fresh: &Path) -> Checked {
    let folder = scratch();
    copy_pair(fresh, folder.path());
    let pair = Pair::open_unpaired(folder.path(), now()).await;
    live(&pair, &steps, seed).await?;
    pair.close().await;
    Ok(())
}

/// The tables that a move writes to, children first.
const HOT: [&str; 7] =
    ["likes", "comments", "posts", "messages", "stock_prices", "archive_erasures", "archive_rejects"];
const COLD: [&str; 11] = [
    "likes_archive",
    "comments_archive",
    "posts_archive",
    "messages_archive",
    "stock_prices_history",
    "messages_archive_blocks",
    "messages_archive_signatures",
    "posts_archive_blocks",
    "user_behavior_analytics",
    "archive_batches",
    "archive_erasures",
];

/// Empties a pair, because creating databases on a server for each history takes longer.
pub async fn forget(pair: &Pair) {
    for table in HOT {
        execute(&*pair.hot, &format!("DELETE FROM {table}"), &[]).await;
    }
    let state = "UPDATE archive_state SET epoch = 0, token = NULL, cold_newest_at = NULL, cold_newest_id = NULL, held = ?1";
    execute(&*pair.hot, state, &[false.into()]).await;
    for table in COLD {
        execute(&*pair.cold, &format!("DELETE FROM {table}"), &[]).await;
    }
    execute(&*pair.cold, "UPDATE archive_head SET claimed = 0, floor = 0", &[]).await;
}

/// Runs random histories on a pair of servers.
fn live_on(engines: impl Future<Output = Option<Engines>>, cases: u64, steps: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let Some(engines) = runtime.block_on(engines) else { return };
    let clock = Clock::fixed(now());
    let pair = Pair { hot: Arc::clone(&engines.hot), cold: Arc::clone(&engines.cold), clock };
    runtime.block_on(async {
        pair::ensure(&*pair.hot, &*pair.cold, &pair.clock).await.expect("a pair");
        logical_table::fill_references(&pair).await;
    });
    let cases = bound("PROPTEST_CASES", cases, 1) as u32;
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let lives = (vec(any_step(), 1..steps), any::<u64>());
    let lived = TestRunner::new(config).run(&lives, |(steps, seed)| {
        runtime.block_on(async {
            forget(&pair).await;
            live(&pair, &steps, seed).await
        })
    });
    println!("{cases} lives on {}", engines.name);
    drop(pair);
    runtime.block_on(engines.drop());
    if let Err(error) = lived {
        panic!("{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: bound("PROPTEST_CASES", 24, 3) as u32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_histories_on_files(steps in vec(any_step(), 1..40), seed in any::<u64>()) {
        run(live_on_files(steps, seed, fresh()))?;
    }
}

#[test]
fn random_histories_on_sqlite_and_postgres() {
    live_on(Engines::mixed(), 6, 40);
}

#[test]
fn random_histories_on_postgres() {
    live_on(Engines::on_postgres(), 3, 40);
}

#[test]
fn random_histories_on_servers() {
    live_on(Engines::real(), 2, 25);
}
