//! Searches over random histories: every page equals the oracle's, though blocks are skipped by their signatures.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use proptest::test_runner::TestCaseError;
use thermocline::archive::vacuum::Vacuum;
use thermocline::archive::{Outcome, Selection};
use thermocline::clock::{Clock, DAY, Timestamp};
use thermocline::federation::reads::{Cold as _, ColdError, Hot as _};
use thermocline::federation::sql::{SqlCold, SqlHot};
use thermocline::federation::{HotSnapshot, List as _};
use thermocline::journal::pair;
use thermocline::page::{Key, Order, Slice, Span};
use thermocline::resources;
use thermocline::resources::messages::{Message, Messages};
use thermocline::schema;
use thermocline::tier::{Begin, Engine, Record, Session, Statement, Tier, TierError, Value};
use thermocline_core::signature::Collector;

use super::expected_lists::{Checked, Expected, Reader};
use super::fault_injection::now;
use super::logical_table::{self, Table};
use super::random_histories::forget;
use super::{Pair, SIZES, execute, insert, plan, run_mover, sql};
use crate::support::bounds::bound;
use crate::support::dice::Dice;
use crate::support::engines::Engines;

/// Conversations with messages.
const TALKS: u64 = 2;
/// Rows of a history are at most this many days old.
const SPAN: u64 = 40;
/// Pieces of texts: ASCII in both cases, wildcards of `LIKE`, other scripts and characters outside of the basic plane. Some
/// differ in what only a collation would hold equal.
const PIECES: [&str; 24] = [
    "a",
    "B",
    "b",
    "ab",
    "Quark",
    "quartz",
    "%",
    "_",
    "\\",
    " ",
    "é",
    "E\u{301}",
    "É",
    "台",
    "積",
    "台積電",
    "聯電",
    "ｱ",
    "ア",
    "\u{1f600}",
    "\u{1f601}",
    "\u{1f468}\u{200d}\u{1f469}",
    "\u{20000}",
    "0",
];

struct History<'a> {
    pair: &'a Pair,
    rows: Table,
    ids: i64,
    dice: Dice,
    /// Whether signatures lack the last two characters of each text, the planted mistake.
    spoiled: bool,
}

/// The answers of cold before a step.
struct Before {
    snapshot: HotSnapshot,
    list: Messages,
    rows: Vec<Message>,
}

impl History<'_> {
    fn text(&mut self) -> String {
        let pieces = self.dice.roll(7);
        (0..pieces).map(|_| PIECES[self.dice.roll(PIECES.len() as u64) as usize]).collect()
    }

    /// Returns a text to find: mostly a part of a message, often in another case.
    fn wanted(&mut self) -> String {
        let nth = self.dice.roll(self.rows.messages.len().max(1) as u64) as usize;
        let characters: Vec<char> = match self.rows.messages.get(nth) {
            Some(message) if self.dice.roll(4) > 0 => message.content.chars().collect(),
            _ => self.text().chars().collect(),
        };
        let from = self.dice.roll(characters.len().max(1) as u64) as usize;
        let rest = characters.len() - from.min(characters.len());
        // A part at the end as often as any other.
        let length = if self.dice.roll(2) == 0 { rest } else { self.dice.roll(rest as u64 + 1) as usize };
        let part: String = characters.iter().skip(from).take(length).collect();
        match (part.is_empty(), self.dice.roll(3)) {
            (true, _) => "zz".to_owned(),
            (_, 0) => part.to_ascii_uppercase(),
            (_, 1) => part.to_ascii_lowercase(),
            _ => part,
        }
    }

    async fn step(&mut self) {
        let family = resources::families()[0];
        let mover = self.pair.mover(SIZES);
        let go_on = AtomicBool::new(false);
        match self.dice.roll(12) {
            0..5 => {
                let day = self.dice.roll(SPAN) as i64;
                let talk = 1 + self.dice.roll(TALKS) as i64;
                for _ in 0..=self.dice.roll(16) {
                    self.ids += 1;
                    let at = now().plus(-day * DAY + self.dice.roll(4) as i64);
                    let content = self.text();
                    let message = Message { content, ..logical_table::message(self.ids, talk, at) };
                    self.pair.put(&schema::MESSAGES, logical_table::message_row(&message)).await;
                    self.rows.messages.push(message);
                }
            }
            5..8 => {
                let plan = plan(self.dice.roll(SPAN) as i64, 1 + self.dice.roll(40) as i64);
                let report = run_mover(&mover, family, &plan).await;
                assert!(report.outcome != Outcome::Failed, "{:?}", report.error);
            }
            8 => {
                let nth = self.dice.roll(self.rows.messages.len().max(1) as u64) as usize;
                let Some(id) = self.rows.messages.get(nth).map(|row| row.id) else { return };
                assert_eq!(mover.erase(family, "messages", &[id]).await.expect("erased"), 1);
                self.rows.messages.retain(|row| row.id != id);
            }
            9 => {
                let from = Timestamp::midnight(now().plus(-(self.dice.roll(SPAN) as i64) * DAY).date());
                let chosen = Selection::Span(from, from.plus(10 * DAY));
                let report =
                    mover.restore(family, chosen, 1 + self.dice.roll(20) as i64, &go_on, &mut |_| {}).await;
                assert_eq!((report.outcome, &report.error), (Outcome::Done, &None));
                mover.resume(family).await.expect("resumed");
            }
            _ => {
                let keep = [0, 40 * DAY][self.dice.roll(2) as usize];
                let vacuum = Vacuum { cold: &*self.pair.cold, clock: &self.pair.clock, family, keep };
                vacuum.run(&go_on).await.expect("a vacuum");
            }
        }
        if self.spoiled {
            spoil(&*self.pair.cold, &self.rows).await;
        }
    }

    /// Checks some searches in both orders, from the middle too.
    async fn check(&mut self, reader: &Reader<'_>) -> Checked {
        for _ in 0..4 {
            let (talk, wanted) = (1 + self.dice.roll(TALKS) as i64, self.wanted());
            let (list, rows) = self.rows.containing(talk, &wanted);
            let limit = 1 + self.dice.roll(6) as i64;
            let (_, all) = self.rows.messages(talk);
            let nth = self.dice.roll(all.len().max(1) as u64) as usize;
            let middle = all.get(nth).map_or(Key::MAX, |row| list.key(row));
            let expected = Expected { reader, list, rows };
            let told = |error| TestCaseError::fail(format!("{wanted:?} in {talk}: {error}"));
            expected.seek(Span::ALL, limit).await.map_err(told)?;
            expected.seek(Span::ALL.below(middle), limit).await.map_err(told)?;
            expected.seek(Span::ALL.from(middle), limit).await.map_err(told)?;
        }
        Ok(())
    }

    /// Asks cold as a reader does who has read hot before the next step.
    async fn read(&mut self) -> Before {
        let list = Messages::containing(1 + self.dice.roll(TALKS) as i64, &self.wanted());
        let hot =
            SqlHot(&*self.pair.hot).read(&list, Slice::newest(Span::ALL, 0), false).await.expect("an answer");
        let rows = cold_rows(&*self.pair.cold, &list, hot.snapshot).await.expect("an answer");
        Before { snapshot: hot.snapshot, list, rows: rows.expect("the present epoch") }
    }
}

/// Returns the first rows of cold as of an epoch; `None` when it has expired.
async fn cold_rows(
    cold: &dyn Engine,
    list: &Messages,
    snapshot: HotSnapshot,
) -> Result<Option<Vec<Message>>, String> {
    match SqlCold(cold)
        .read(list, snapshot, Slice { span: Span::ALL, order: Order::Desc, skip: 0, take: 100 })
        .await
    {
        Ok(cold) => Ok(Some(cold.rows)),
        Err(ColdError::EpochExpired) => Ok(None),
        Err(error) => Err(format!("{error:?}")),
    }
}

/// Takes the last two characters of each text out of every signature.
async fn spoil(cold: &dyn Engine, rows: &Table) {
    let fetch = async |text: &str| cold.fetch(&sql(text), &[]).await.expect("an answer");
    let key = |record: &Record| {
        let upper =
            Key::new(record.time("upper_at").expect("a time"), record.int("upper_id").expect("an id"));
        (record.int("scope").expect("a scope"), upper)
    };
    let blocks =
        fetch("SELECT DISTINCT scope, upper_at, upper_id FROM messages_archive_blocks WHERE level = 0").await;
    let blocks: Vec<_> = blocks.iter().map(key).collect();
    for record in fetch("SELECT DISTINCT scope, upper_at, upper_id FROM messages_archive_signatures").await {
        let (scope, upper) = key(&record);
        let below =
            blocks.iter().filter(|(other, bound)| *other == scope && *bound < upper).map(|(_, bound)| *bound);
        let lower = below.max().unwrap_or(Key::MIN);
        let mut texts = Collector::default();
        let (list, rows) = rows.messages(scope);
        for row in rows.iter().filter(|row| lower < list.key(row) && list.key(row) <= upper) {
            let mut text = row.content.clone();
            text.pop();
            texts.add(&text);
        }
        let params: [Value; 4] =
            [Value::Bytes(texts.signature().into()), scope.into(), upper.at.into(), upper.id.into()];
        let text = "UPDATE messages_archive_signatures SET bits = ?1 WHERE scope = ?2 AND upper_at = ?3 AND upper_id = ?4";
        execute(cold, text, &params).await;
    }
}

/// Lives one history; fails with the step after which a search was wrong.
async fn live(pair: &Pair, seed: u64, steps: u64, spoiled: bool) -> Checked {
    let reader = Reader::new(&*pair.hot, &*pair.cold);
    let mut history = History { pair, rows: Table::default(), ids: 0, dice: Dice(seed), spoiled };
    for step in 0..steps {
        let before = history.read().await;
        history.step().await;
        let fails = |error: String| TestCaseError::fail(format!("seed {seed}, after step {step}: {error}"));
        history.check(&reader).await.map_err(|error| fails(error.to_string()))?;
        if let Some(now) = cold_rows(&*pair.cold, &before.list, before.snapshot).await.map_err(fails)?
            && now != before.rows
        {
            // An erased row is gone at every epoch.
            let is_left = |row: &&Message| history.rows.messages.iter().any(|other| other.id == row.id);
            let left: Vec<_> = before.rows.iter().filter(is_left).cloned().collect();
            if now != left {
                return Err(fails(format!("at {:?}: {now:?}, before: {left:?}", before.snapshot)));
            }
        }
    }
    Ok(())
}

/// Lives histories on a pair of engines; returns the first failure, and how many blocks were signed in the end.
fn lives(
    engines: impl Future<Output = Option<Engines>>,
    (cases, steps): (u64, u64),
    spoiled: bool,
) -> Option<(Checked, i64)> {
    super::run(async {
        let engines = engines.await?;
        let clock = Clock::fixed(now());
        let pair = Pair { hot: Arc::clone(&engines.hot), cold: Arc::clone(&engines.cold), clock };
        pair::ensure(&*pair.hot, &*pair.cold, &pair.clock).await.expect("a pair");
        logical_table::fill_references(&pair).await;
        let (mut checked, mut signed) = (Ok(()), 0);
        for seed in 1..=cases {
            forget(&pair).await;
            checked = live(&pair, seed, steps, spoiled).await;
            let count = "SELECT count(*) AS n FROM messages_archive_signatures";
            signed +=
                pair.cold.fetch(&sql(count), &[]).await.expect("a count")[0].int("n").expect("a number");
            if checked.is_err() {
                break;
            }
        }
        drop(pair);
        engines.drop().await;
        Some((checked, signed))
    })
}

fn holds(engines: impl Future<Output = Option<Engines>>, cases: u64) {
    let cases = bound("PROPTEST_CASES", cases, 1);
    if let Some((checked, signed)) = lives(engines, (cases, 30), false) {
        checked.expect("every search is right");
        assert!(signed > 5 * cases as i64, "only {signed} blocks were signed");
    }
}

/// A cold tier that notes the spans in which rows are read.
#[derive(Debug)]
struct Noting<'a> {
    cold: &'a dyn Engine,
    statements: Mutex<Vec<(&'static str, Span)>>,
}

#[async_trait]
impl Engine for Noting<'_> {
    fn tier(&self) -> Tier {
        Tier::Cold
    }

    async fn fetch(&self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError> {
        let key = |at: usize| Key::new(params[at].time(), params[at + 1].int());
        let span = match statement.name {
            "messages_containing.cold_newest" => Span::ALL,
            "messages_containing.cold_before" => Span::ALL.below(key(0)),
            "messages_containing.cold_after" => Span::ALL.from(key(0)),
            "messages_containing.cold_between" => Span { lower: key(0), upper: key(2) },
            "messages_containing.blocks_matching" => Span { lower: Key::MAX, upper: Key::MAX },
            other => panic!("{other} is no statement of a search"),
        };
        self.statements.lock().expect("unpoisoned").push((statement.name, span));
        self.cold.fetch(statement, params).await
    }

    async fn session(&self) -> Result<Box<dyn Session>, TierError> {
        self.cold.session().await
    }

    async fn close(&self) {}
}

/// The cost of a search is that of the blocks that can match, and of the newest one, which is not signed.
#[test]
fn a_search_reads_only_blocks_that_can_match() {
    super::run(async {
        let engines = Engines::embedded().await;
        let clock = Clock::fixed(now());
        let pair = Pair { hot: Arc::clone(&engines.hot), cold: Arc::clone(&engines.cold), clock };
        pair::ensure(&*pair.hot, &*pair.cold, &pair.clock).await.expect("a pair");
        logical_table::fill_references(&pair).await;
        let mut table = Table::default();
        for id in 1..=1_000 {
            let content = match id {
                200 | 500 | 800 => format!("the zebra number {id}"),
                _ => format!("I would wait for 台積電 at {id}"),
            };
            let at = now().plus(-60 * DAY + id);
            table.messages.push(Message { content, ..logical_table::message(id, 1, at) });
        }
        let rows: Vec<_> = table.messages.iter().map(logical_table::message_row).collect();
        let mut session = pair.hot.session().await.expect("a session");
        session.begin(Begin::Write).await.expect("a transaction");
        insert(&mut *session, &schema::MESSAGES, &rows).await;
        session.commit().await.expect("a commit");
        drop(session);
        let family = resources::families()[0];
        let report = run_mover(&pair.mover(SIZES), family, &plan(30, 100)).await;
        assert_eq!((report.outcome, report.rows), (Outcome::Done, 1_000));
        let newest = SIZES.most[0] as usize;
        // The text, the number of rows that may be read, and the number of matches.
        let cases = [
            ("giraffe", newest, 0),
            ("聯發科股票", newest, 0),
            ("zebra", newest + 3 * newest, 3),
            // Four blocks at first, then eight times as many.
            ("台積電", 36 * newest, 20),
        ];
        for (wanted, most, found) in cases {
            let list = Messages::containing(1, wanted);
            let hot =
                SqlHot(&*pair.hot).read(&list, Slice::newest(Span::ALL, 0), false).await.expect("an answer");
            let noting = Noting { cold: &*pair.cold, statements: Mutex::default() };
            let cold = SqlCold(&noting).read(&list, hot.snapshot, Slice::newest(Span::ALL, 20)).await;
            assert_eq!(cold.expect("an answer").rows.len(), found, "{wanted}");
            let statements = noting.statements.into_inner().expect("unpoisoned");
            let is_read = |message: &&Message| {
                let key = list.key(message);
                statements.iter().any(|(_, span)| span.lower <= key && key < span.upper)
            };
            let read = table.messages.iter().filter(is_read).count();
            assert!(read <= most, "{wanted}: {read} rows of {statements:?}");
            assert!(statements.len() <= 8, "{wanted}: {statements:?}");
        }
        drop(pair);
        engines.drop().await;
    });
}

#[test]
fn searches_equal_the_oracle_on_files() {
    holds(async { Some(Engines::embedded().await) }, 4);
}

#[test]
fn searches_equal_the_oracle_on_sqlite_and_postgres() {
    holds(Engines::mixed(), 2);
}

#[test]
fn a_signature_without_the_last_gram_is_found() {
    let (checked, _) =
        lives(async { Some(Engines::embedded().await) }, (20, 40), true).expect("embedded engines are there");
    checked.expect_err("a row is hidden");
}
