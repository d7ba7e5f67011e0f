//! Random ways through the model, gone on real databases: after every step both must be in the same state, and every
//! list must be the one of the model's logical table.

use std::collections::BTreeMap;
use std::sync::Arc;

use thermocline::archive::pair;
use thermocline::clock::{Clock, DAY, Timestamp};
use thermocline::federation::reads::{Cold as _, ColdRows, Hot as _, HotRows};
use thermocline::federation::sql::{SqlCold, SqlHot};
use thermocline::federation::{Count, Mark, Memory, Tiers};
use thermocline::page::{Order, Slice, Span};
use thermocline::resources::messages::{Message, Messages};
use thermocline::schema;
use thermocline::tier::{Begin, Engine, Sqlite, Statement, Tier, Value, migrate};
use thermocline_protocol::explore::next;
use thermocline_protocol::rules::{Action, End, Flaw, Happening, Rules};
use thermocline_protocol::state::{IDS, KEYS, Kind, Left, Phase, Rows, State, present};

use super::NOTHING;
use super::compare::{ColdState, HotState};
use super::driven::Driven;
use crate::moving::{Dice, setting};
use crate::support::postgres;

/// The conversation all rows are in.
const TALK: i64 = 1;
const ALL: Slice = Slice { span: Span::ALL, order: Order::Desc, skip: 0, take: 10 };

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().expect("a time")
}

/// When the rows with this key were written.
pub fn at(key: u8) -> Timestamp {
    now().plus(-40 * DAY + i64::from(key))
}

/// The row of the model as a message.
fn message(id: usize, content: u8) -> Message {
    Message {
        id: id as i64 + 1,
        conversation_id: TALK,
        sender_id: 1,
        content: content.to_string(),
        created_at: at(KEYS[id]),
        is_read: false,
    }
}

/// The messages of the model's rows, newest first.
fn messages(rows: Rows) -> Vec<Message> {
    let mut messages: Vec<Message> = present(&rows).map(|id| message(id, rows[id])).collect();
    messages.sort_by_key(|message| std::cmp::Reverse(message.created_at));
    messages
}

pub fn same_text(text: &str) -> Statement {
    let texts = "-- lockstep\n{}";
    Statement::new(texts).postgres(texts).with("{}", text)
}

/// What one request has in hand.
enum Request {
    Guessed(Mark, ColdRows<Message>),
    Asked(HotRows<Message>),
}

/// The real pair, and who is at work on it.
struct Real {
    hot: Arc<dyn Engine>,
    cold: Arc<dyn Engine>,
    clock: Clock,
    /// By the number each has claimed.
    movers: BTreeMap<u8, Driven>,
    request: Option<Request>,
    seen: Option<Mark>,
    memory: Memory,
}

impl Real {
    /// A pair with the rows that the model begins with.
    async fn new(hot: Arc<Sqlite>, cold: Arc<dyn Engine>, rows: Rows) -> Self {
        let clock = Clock::fixed(now());
        migrate::upgrade(&*hot).await.expect("a schema");
        pair::ensure(&*hot, &*cold, &clock).await.expect("a pair");
        let (movers, memory) = (BTreeMap::new(), Memory::default());
        let real = Self { hot, cold, clock, movers, request: None, seen: None, memory };
        for text in [
            "INSERT INTO users (id, username) VALUES (1, 'one'), (2, 'two')",
            "INSERT INTO conversations (id, user1_id, user2_id, created_at, updated_at) VALUES (1, 1, 2, 0, 0)",
        ] {
            real.write(text, &[]).await;
        }
        for id in present(&rows) {
            real.insert(id, rows[id]).await;
        }
        real
    }

    async fn write(&self, text: &str, params: &[Value]) {
        let mut session = self.hot.session().await.expect("a session");
        session.begin(Begin::Write).await.expect("a transaction");
        assert!(session.execute(&same_text(text), params).await.expect("written") > 0, "{text}");
        session.commit().await.expect("committed");
    }

    async fn insert(&self, id: usize, content: u8) {
        let row = message(id, content);
        let row = [row.id.into(), TALK.into(), 1.into(), row.content.as_str().into(), row.created_at.into()];
        let text =
            format!("INSERT INTO messages ({}) VALUES (?1, ?2, ?3, ?4, ?5, 0)", schema::MESSAGES.names());
        self.write(&text, &row).await;
    }

    /// Does what the model has done on its way to `after`; a mover that claims will take `most` rows.
    async fn take(&mut self, Happening { mover, action }: Happening, most: usize, after: &State) {
        let list = Messages::of(TALK);
        let (hot, cold) = (SqlHot(&*self.hot), SqlCold(&*self.cold));
        match (mover, action) {
            (Some(number), Action::Claim(Kind::Archive, _)) => {
                let (hot, cold) = (Arc::clone(&self.hot), Arc::clone(&self.cold));
                let driven = Driven::claim(hot, cold, self.clock.clone(), most).await;
                self.movers.insert(number, driven);
            }
            (Some(number), Action::Crash) => self.remove(number).crash().await,
            (Some(number), Action::Stop(end)) => self.remove(number).ends(end).await,
            (Some(number), step) => self.movers.get_mut(&number).expect("a mover").step(step).await,
            (None, Action::Insert) => self.insert(IDS - 1, after.hot.rows[IDS - 1]).await,
            (None, Action::Edit(id)) => {
                let text = after.hot.rows[usize::from(id)].to_string();
                let params = [(i64::from(id) + 1).into(), text.as_str().into()];
                self.write("UPDATE messages SET content = ?2 WHERE id = ?1", &params).await;
            }
            (None, Action::Delete(id)) => {
                self.write("DELETE FROM messages WHERE id = ?1", &[(i64::from(id) + 1).into()]).await;
            }
            (None, Action::GuessCold) => {
                let mark = self.seen.expect("hot was asked before");
                let rows = cold.read(&list, mark, ALL).await.expect("an answer");
                self.request = Some(Request::Guessed(mark, rows));
            }
            (None, Action::ReadHot) => {
                let rows = hot.read(&list, ALL, true).await.expect("an answer");
                if let Some(Request::Guessed(mark, cold)) = self.request.take()
                    && mark == rows.mark
                {
                    assert_eq!(together(&rows.rows, &cold.rows), messages(after.reader.truth), "a guess");
                }
                self.seen = Some(rows.mark);
                self.request = Some(Request::Asked(rows));
            }
            (None, Action::EndRequest) => self.request = None,
            (None, other) => panic!("{other} is not done to real databases"),
        }
    }

    fn remove(&mut self, number: u8) -> Driven {
        self.movers.remove(&number).expect("a mover")
    }

    /// Compares everything there is with the model.
    async fn check(&self, model: &State) {
        assert_eq!(HotState::real(&*self.hot).await, HotState::model(model), "hot");
        assert_eq!(ColdState::real(&*self.cold).await, ColdState::model(model), "cold");
        self.check_lists(model).await;
        if let Some(Request::Asked(hot)) = &self.request {
            assert_eq!(model.reader.phase, Phase::Asked);
            let cold =
                SqlCold(&*self.cold).read(&Messages::of(TALK), hot.mark, ALL).await.expect("an answer");
            assert_eq!(together(&hot.rows, &cold.rows), messages(model.reader.truth), "a slow request");
        }
    }

    /// Every way to read, each whole.
    async fn check_lists(&self, model: &State) {
        let (hot, cold) = (SqlHot(&*self.hot), SqlCold(&*self.cold));
        let tiers = Tiers { hot: &hot, cold: Some(&cold), memory: &self.memory, partial: false };
        let (list, expected) = (Messages::of(TALK), messages(model.ghost.truth));
        for order in [Order::Desc, Order::Asc] {
            let page = tiers.seek(&list, Span::ALL, order, 2).await.expect("a page");
            let mut rows = expected.clone();
            if order == Order::Asc {
                rows.reverse();
            }
            rows.truncate(2);
            assert_eq!(page.rows.into_iter().map(|placed| placed.row).collect::<Vec<_>>(), rows, "{order:?}");
        }
        for offset in 0..=expected.len() {
            let page = tiers.page(&list, Span::ALL, offset as i64, 1, Count::Exact).await.expect("a page");
            assert_eq!(page.total, Some(expected.len() as i64));
            let row = page.rows.into_iter().map(|placed| placed.row).next();
            assert_eq!(row.as_ref(), expected.get(offset), "the row at {offset}");
        }
        for id in 0..IDS {
            let found = tiers.find(&list, id as i64 + 1).await.expect("an answer").map(|placed| placed.row);
            assert_eq!(found.as_ref(), expected.iter().find(|row| row.id == id as i64 + 1), "row {id}");
        }
    }
}

/// What a reader shows of hot rows and cold ones.
fn together(hot: &[Message], cold: &[Message]) -> Vec<Message> {
    let mut rows = [hot, cold].concat();
    rows.sort_by_key(|row| std::cmp::Reverse(row.created_at));
    rows
}

/// What may happen on the way.
const LIFE: Left =
    Left { archives: 4, crashes: 2, zombies: 1, answers: 2, inserts: 1, edits: 2, deletes: 1, ..NOTHING };

/// The model as the real code has it: the files of SQLite have one writer.
const REAL: Rules =
    Rules { left: LIFE, corrections: false, replica: false, file_lock: true, most: 2, flaw: None };

/// Which way is gone.
#[derive(Clone, Copy)]
enum Way<'a> {
    /// Any, by the roll of dice.
    Random(u64),
    /// This one.
    Known(&'a [Action]),
}

impl Way<'_> {
    /// Picks the next of what can happen, after so many steps.
    fn pick(&mut self, gone: usize, out: &[(Happening, State)]) -> Option<usize> {
        match self {
            Self::Random(seed) => {
                let nth = Dice(*seed).roll(out.len() as u64);
                *seed = seed.wrapping_add(nth + 1).rotate_left(7);
                (nth as usize).checked_rem(out.len())
            }
            Self::Known(actions) => {
                let action = actions.get(gone)?;
                let nth = out.iter().position(|(happening, _)| happening.action == *action);
                assert!(nth.is_some(), "the model cannot go on with {action}");
                nth
            }
        }
    }
}

/// Goes one way, at most to where nothing more can happen, and tells how long it was.
async fn go(
    (hot, cold): (Arc<Sqlite>, Arc<dyn Engine>),
    rules: Rules,
    mut way: Way<'_>,
    seen: &mut Vec<Action>,
) -> usize {
    let mut model = State::start(rules.left, false);
    let mut real = Real::new(hot, cold, model.hot.rows).await;
    let (mut gone, mut out) = (0, Vec::new());
    while gone < 80 {
        next(&rules, &model, &mut out);
        let possible = |(happening, _): &(Happening, State)| match happening.action {
            // A real batch takes as many rows as it was told to.
            Action::Take(ids) => {
                let most = real.movers[&happening.mover.expect("a mover")].most;
                ids.count_ones() as usize == most.min(present(&model.hot.rows).count())
            }
            // The request goes on or ends; nothing new begins for ever.
            Action::ReadHot | Action::GuessCold => gone < 60,
            _ => true,
        };
        out.retain(possible);
        let Some(nth) = way.pick(gone, &out) else { break };
        let (happening, after) = out.swap_remove(nth);
        seen.push(happening.action);
        let most = if let Way::Random(seed) = way { 1 + Dice(seed).roll(2) as usize } else { 1 };
        real.take(happening, most, &after).await;
        (model, gone) = (after, gone + 1);
        real.check(&model).await;
    }
    for (_, mover) in std::mem::take(&mut real.movers) {
        mover.crash().await;
    }
    gone
}

/// What a set of ways has to have met, or they prove little.
fn met_everything(seen: &[Action]) {
    let met = |what: &str, is: fn(&Action) -> bool| assert!(seen.iter().any(is), "no way met {what}");
    met("an overtaken mover", |action| *action == Action::Stop(End::Overtaken));
    met("a move", |action| *action == Action::Stop(End::Done));
    met("a crash", |action| *action == Action::Crash);
    met("a lost hot session", |action| *action == Action::LoseHot);
    met("a mover that noticed it", |action| *action == Action::Stop(End::Failed));
    met("an unanswered commit that happened", |action| *action == Action::CommitUnanswered);
    met("a lost commit", |action| *action == Action::CommitLost);
    met("a guess", |action| *action == Action::GuessCold);
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

async fn open(tier: Tier, folder: &std::path::Path) -> Arc<Sqlite> {
    Arc::new(Sqlite::open(tier, &folder.join(tier.name())).await.expect("a file"))
}

/// A way on two fresh files.
async fn go_on_files(rules: Rules, way: Way<'_>, seen: &mut Vec<Action>) -> usize {
    let folder = tempfile::tempdir().expect("a folder");
    let (hot, cold) = (open(Tier::Hot, folder.path()).await, open(Tier::Cold, folder.path()).await);
    migrate::upgrade(&*cold).await.expect("a schema");
    go((hot, cold), rules, way, seen).await
}

#[test]
fn sqlite_goes_every_way_the_model_goes() {
    let mut seen = Vec::new();
    let ways = setting("THERMOCLINE_TEST_WAYS", 40);
    let steps: usize = (0..ways).map(|seed| run(go_on_files(REAL, Way::Random(seed), &mut seen))).sum();
    println!("{ways} ways of {steps} steps on SQLite");
    met_everything(&seen);
}

#[test]
fn postgres_goes_every_way_the_model_goes() {
    let (mut seen, mut steps) = (Vec::new(), 0);
    let ways = setting("THERMOCLINE_TEST_WAYS", 40) / 5;
    for seed in 1_000..1_000 + ways {
        let folder = tempfile::tempdir().expect("a folder");
        let gone = run(async {
            let (cold, _) = postgres::cold().await?;
            let pair = (open(Tier::Hot, folder.path()).await, Arc::new(cold) as _);
            Some(go(pair, REAL, Way::Random(seed), &mut seen).await)
        });
        let Some(gone) = gone else { return };
        steps += gone;
    }
    println!("{ways} ways of {steps} steps on PostgreSQL");
}

/// Nothing tells a row that was deleted after a crash from one that a restored hot never had: the mover stops, and
/// whoever recovers then brings the row back.
#[test]
fn a_row_deleted_between_a_crash_and_the_next_claim_stops_the_mover() {
    let way = [
        Action::Claim(Kind::Archive, 1),
        Action::Lock,
        Action::Settle,
        Action::Take(0b001),
        Action::Copy,
        Action::Crash,
        Action::Delete(0),
        Action::Claim(Kind::Archive, 2),
        Action::Lock,
        Action::Stop(End::RecoverDue),
    ];
    let mut seen = Vec::new();
    run(go_on_files(REAL, Way::Known(&way), &mut seen));
    assert_eq!(seen, way);
}

/// What the comparison is worth: a model that leaves something out parts from the real code.
fn parts(flaw: Flaw) {
    for seed in 0..40 {
        run(go_on_files(Rules { flaw: Some(flaw), ..REAL }, Way::Random(seed), &mut Vec::new()));
    }
}

#[test]
#[should_panic(expected = "cold")]
fn a_model_without_undo_parts_from_the_code() {
    parts(Flaw::NoUndo);
}

#[test]
#[should_panic(expected = "cold")]
fn a_model_without_counts_parts_from_the_code() {
    parts(Flaw::CountForgotten);
}

#[test]
#[should_panic(expected = "hot")]
fn a_model_without_the_newest_key_parts_from_the_code() {
    parts(Flaw::NewestForgotten);
}
