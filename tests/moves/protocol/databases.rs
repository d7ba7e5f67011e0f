//! The real pair and the processes at work on it, following the model.

use std::collections::BTreeMap;
use std::sync::Arc;

use thermocline::archive::{Consent, Mover};
use thermocline::clock::{Clock, DAY, Timestamp};
use thermocline::federation::reads::{Cold as _, ColdError, ColdRows, Hot as _, HotRows};
use thermocline::federation::sql::{SqlCold, SqlHot};
use thermocline::federation::{Count, HotSnapshot, ReadCache, Tiers};
use thermocline::journal::pair;
use thermocline::page::{Order, Slice, Span};
use thermocline::resources::messages::{Message, Messages, archive::FAMILY};
use thermocline::schema;
use thermocline::tier::{Begin, Engine, Replicated, Schema, Statement, Tier, Value, migrate};
use thermocline_protocol::reads;
use thermocline_protocol::rules::{Action, Event, Rules};
use thermocline_protocol::state::{IDS, Ids, KEYS, Kind, Phase, Rows, State, present};

use super::backups::Saved;
use super::compare::{ColdState, HotState, number};
use super::steps::{Process, Work};

/// The conversation of all rows.
const TALK: i64 = 1;
const ALL: Slice = Slice { span: Span::ALL, order: Order::Desc, skip: 0, take: 10 };

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().expect("a time")
}

/// Returns the time of the rows with this key.
pub fn at(key: u8) -> Timestamp {
    now().plus(-40 * DAY + i64::from(key))
}

/// Returns a row of the model as a message.
fn message(id: usize, content: u8) -> Message {
    Message {
        id: number(id),
        conversation_id: TALK,
        sender_id: 1,
        content: content.to_string(),
        created_at: at(KEYS[id]),
        is_read: false,
    }
}

/// Returns the rows of the model as messages, newest first.
fn messages(rows: Rows) -> Vec<Message> {
    let mut messages: Vec<Message> = present(&rows).map(|id| message(id, rows[id])).collect();
    messages.sort_by_key(|message| std::cmp::Reverse(message.created_at));
    messages
}

/// Merges hot rows and cold ones as a reader does.
fn merged(hot: &[Message], cold: &[Message]) -> Vec<Message> {
    let mut rows = [hot, cold].concat();
    rows.sort_by_key(|row| std::cmp::Reverse(row.created_at));
    rows
}

pub fn same_text(text: &str) -> Statement {
    let texts = "-- lockstep\n{}";
    Statement::new(texts).postgres(texts).with("{}", text)
}

/// The state of a request.
enum Request {
    Guessed(HotSnapshot, ColdRows<Message>),
    Asked(HotRows<Message>),
}

/// The databases of one run.
pub struct Databases {
    pub hot: Arc<dyn Schema>,
    pub cold: Arc<dyn Schema>,
    /// A copy of cold that lags behind.
    pub replica: Arc<dyn Schema>,
}

/// The real pair, and the processes at work on it.
pub struct RealPair {
    hot: Arc<dyn Engine>,
    cold: Arc<dyn Engine>,
    replica: Arc<dyn Engine>,
    /// Cold with its replica, as the server reads it.
    read: Arc<dyn Engine>,
    /// Shows the number of the move that takes a step, so that vacuum can tell which moves are old.
    clock: Clock,
    /// Movers by the number each has claimed.
    movers: BTreeMap<u8, Process>,
    request: Option<Request>,
    seen: Option<HotSnapshot>,
    memory: ReadCache,
    hot_backup: Option<Saved>,
    cold_backup: Option<Saved>,
}

impl RealPair {
    /// Creates a pair with the first rows of the model.
    pub async fn new(Databases { hot, cold, replica }: Databases, rows: Rows) -> Self {
        let clock = Clock::fixed(now());
        for tier in [&hot, &cold, &replica] {
            migrate::upgrade(&**tier).await.expect("a schema");
        }
        let (hot, replica): (Arc<dyn Engine>, Arc<dyn Engine>) = (hot, replica);
        let read = Arc::new(Replicated::new(Arc::clone(&cold), vec![Arc::clone(&replica)]));
        let cold: Arc<dyn Engine> = cold;
        pair::ensure(&*hot, &*cold, &clock).await.expect("a pair");
        let (movers, memory) = (BTreeMap::new(), ReadCache::default());
        let (request, seen, hot_backup, cold_backup) = (None, None, None, None);
        let real =
            Self { hot, cold, replica, read, clock, movers, request, seen, memory, hot_backup, cold_backup };
        for text in [
            "INSERT INTO users (id, username) VALUES (1, 'one'), (2, 'two')",
            "INSERT INTO conversations (id, user1_id, user2_id, created_at, updated_at) VALUES (1, 1, 2, 0, 0)",
        ] {
            real.write(text, &[]).await;
        }
        for id in present(&rows) {
            real.insert(id, rows[id]).await;
        }
        real.replicate().await;
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

    async fn replicate(&self) {
        Saved::of(&*self.cold).await.put(&*self.replica).await;
    }

    fn start(&self, work: Work) -> Process {
        Process::start(work, Arc::clone(&self.hot), Arc::clone(&self.cold), self.clock.clone())
    }

    /// Returns whether a mover with this number is at work. After cold was restored from a backup, two could have the
    /// same number, and a step of the model would be ambiguous.
    pub fn moves(&self, number: u8) -> bool {
        self.movers.contains_key(&number)
    }

    /// Returns whether a mover would take exactly these rows.
    pub async fn would_take(&self, number: u8, ids: Ids, model: &State) -> bool {
        match self.movers[&number].work {
            // The oldest rows first.
            Work::Archive(most) => {
                let mut due: Vec<usize> = present(&model.hot.rows).collect();
                due.sort_unstable_by_key(|id| KEYS[*id]);
                ids == due.iter().take(most).fold(0, |ids, id| ids | 1 << id)
            }
            // The newest rows first.
            Work::Restore(most) => {
                let text = "SELECT original_id AS id FROM messages_archive WHERE to_epoch IS NULL \
                            ORDER BY messages_archive.id DESC";
                let records = self.cold.fetch(&same_text(text), &[]).await.expect("an answer");
                let next = records.iter().take(most).map(|record| record.int("id").expect("an id"));
                ids == next.fold(0, |ids, id| ids | 1 << (id - 1))
            }
            _ => true,
        }
    }

    /// Takes the step of the model from `before` to `after`. A mover that claims will take `most` rows.
    pub async fn take(&mut self, event: Event, most: usize, before: &State, after: &State) {
        let Event { mover, action } = event;
        if let Some(number) = mover {
            self.clock.set(now().plus(number.into()));
        }
        match (mover, action) {
            (Some(number), Action::Claim(kind, _)) => {
                let work = match kind {
                    Kind::Archive | Kind::None => Work::Archive(most),
                    Kind::Restore => Work::Restore(most),
                    Kind::Adopt => unreachable!("tests/adopt follows adoptions"),
                    Kind::Erase => Work::Erase,
                    Kind::Recover => Work::Recover(Consent::Lossless),
                    Kind::AcceptLoss => {
                        let (first, last) = thermocline_protocol::recovery::lost(before);
                        Work::Recover(Consent::AcceptLoss(first.into()..=last.into()))
                    }
                };
                let mut process = self.start(work);
                process.step(action).await;
                self.movers.insert(number, process);
            }
            (Some(number), Action::Crash) => self.remove(number).crash().await,
            (Some(number), Action::Stop(end)) => self.remove(number).ends(end).await,
            (Some(number), step) => {
                let process = self.movers.get_mut(&number).expect("a mover");
                process.step(step).await;
                let moved = matches!(step, Action::Commit | Action::CommitUnanswered);
                if moved && matches!(process.work, Work::Restore(_)) {
                    self.resume().await;
                }
            }
            (None, action) => self.apply(action, before, after).await,
        }
    }

    /// Releases restored rows for the mover, as an operator does: the model has no such hold.
    async fn resume(&self) {
        let (hot, cold) = (&*self.hot, &*self.cold);
        let sizes = thermocline::archive::BlockSizes::default();
        let mover = Mover { hot, cold, clock: &self.clock, name: "operator".to_owned(), sizes };
        mover.resume(&FAMILY).await.expect("resumed");
    }

    /// Takes a step that is not one of a mover.
    async fn apply(&mut self, action: Action, before: &State, after: &State) {
        let list = Messages::of(TALK);
        match action {
            Action::Insert => self.insert(IDS - 1, after.hot.rows[IDS - 1]).await,
            Action::Edit(id) => {
                let text = after.hot.rows[usize::from(id)].to_string();
                let params = [number(id.into()).into(), text.as_str().into()];
                self.write("UPDATE messages SET content = ?2 WHERE id = ?1", &params).await;
            }
            Action::Delete(id) => {
                self.write("DELETE FROM messages WHERE id = ?1", &[number(id.into()).into()]).await;
            }
            Action::RequestErasure(id) => self.kill_after_step(Work::Note(number(id.into())), action).await,
            Action::RaiseOldestReadable => {
                self.clock.set(now().plus(after.cold.oldest_readable_epoch.into()));
                self.kill_after_step(Work::Vacuum, action).await;
            }
            Action::Sweep => {
                self.clock.set(now().plus(after.cold.oldest_readable_epoch.into()));
                let (cold, clock) = (&*self.cold, &self.clock);
                let vacuum = thermocline::archive::vacuum::Vacuum { cold, clock, family: &FAMILY, keep: 0 };
                vacuum.run(&false.into()).await.expect("swept");
            }
            Action::BackupHot => self.hot_backup = Some(Saved::of(&*self.hot).await),
            Action::BackupCold => self.cold_backup = Some(Saved::of(&*self.cold).await),
            Action::RevertHot => {
                self.lose(Tier::Hot).await;
                self.hot_backup.take().expect("a backup").put(&*self.hot).await;
            }
            Action::RevertCold => {
                self.lose(Tier::Cold).await;
                self.cold_backup.take().expect("a backup").put(&*self.cold).await;
                self.replicate().await;
            }
            Action::DropState => self.drop_state().await,
            Action::RebuildHot => {
                self.drop_state().await;
                if present(&before.hot.rows).next().is_some() {
                    self.write("DELETE FROM messages", &[]).await;
                }
            }
            Action::Replicate => self.replicate().await,
            // A new server compares the databases, which `check` does after every step.
            Action::Compare => self.memory = ReadCache::default(),
            Action::SpeculateCold => {
                let mark = self.seen.expect("hot was asked before");
                let rows = SqlCold(&*self.cold).read(&list, mark, ALL).await.expect("an answer");
                self.request = Some(Request::Guessed(mark, rows));
            }
            Action::ReadHot => {
                let rows = SqlHot(&*self.hot).read(&list, ALL, true).await.expect("an answer");
                if let Some(Request::Guessed(mark, cold)) = self.request.take()
                    && mark == rows.snapshot
                {
                    assert_eq!(merged(&rows.rows, &cold.rows), messages(after.reader.truth), "a guess");
                }
                self.seen = Some(rows.snapshot);
                self.request = Some(Request::Asked(rows));
            }
            Action::EndRequest => self.request = None,
            other => panic!("{other} is not done to real databases"),
        }
    }

    /// Makes the tables of hot's state anew.
    async fn drop_state(&self) {
        self.lose(Tier::Hot).await;
        let mut session = self.hot.session().await.expect("a session");
        session.begin(Begin::Write).await.expect("a transaction");
        for text in [
            "DELETE FROM archive_erasures",
            "UPDATE archive_state SET pair = NULL, epoch = 0, token = NULL, cold_newest_at = NULL, \
             cold_newest_id = NULL, mover = NULL, held = 0",
        ] {
            session.execute(&same_text(text), &[]).await.expect("written");
        }
        session.commit().await.expect("committed");
    }

    /// Starts some work, and kills it after its first step.
    async fn kill_after_step(&self, work: Work, step: Action) {
        let mut process = self.start(work);
        process.step(step).await;
        process.crash().await;
    }

    /// Ends every session of a tier.
    async fn lose(&self, tier: Tier) {
        for process in self.movers.values() {
            process.lose(tier).await;
        }
    }

    fn remove(&mut self, number: u8) -> Process {
        self.movers.remove(&number).expect("a mover")
    }

    /// Kills all processes.
    pub async fn crash(&mut self) {
        for (_, mover) in std::mem::take(&mut self.movers) {
            mover.crash().await;
        }
    }

    /// Compares the whole state with the model.
    pub async fn check(&self, rules: &Rules, model: &State) {
        assert_eq!(HotState::real(&*self.hot).await, HotState::model(model), "hot");
        assert_eq!(ColdState::real(&*self.cold).await, ColdState::model(model), "cold");
        let consistency = pair::ensure_consistent(&*self.hot, &*self.cold).await;
        assert_eq!(consistency.is_ok(), model.is_consistent(), "consistency: {consistency:?}");
        if model.is_consistent() && model.checked {
            self.check_lists(model).await;
        }
        if let Some(Request::Asked(hot)) = &self.request {
            assert_eq!(model.reader.phase, Phase::HotRead);
            let servers = [(&self.cold, Some(model.cold)), (&self.replica, model.replica)];
            for (server, cold) in servers {
                let Some(cold) = cold else { continue };
                let told = self.ask(&**server, hot.snapshot, model).await;
                let expected = reads::cold_answer(rules, model, &cold, model.reader.snapshot);
                assert_eq!(told.is_some(), expected.is_some(), "whether a slow request is answered");
                if let Some(rows) = told {
                    let rows = merged(&hot.rows, &rows);
                    assert_eq!(rows, messages(model.reader.truth), "a slow request");
                }
            }
        }
    }

    /// Returns the answer of one cold server for a snapshot, if it may be used.
    async fn ask(&self, server: &dyn Engine, mark: HotSnapshot, model: &State) -> Option<Vec<Message>> {
        match SqlCold(server).read(&Messages::of(TALK), mark, ALL).await {
            // Cold may know of moves above the request's epoch, but not above the one that hot gives when it is asked
            // again.
            Ok(rows) if rows.confirmed > mark.epoch.max(model.hot.snapshot.epoch.into()) => None,
            Ok(rows) => Some(rows.rows),
            Err(ColdError::Unproven | ColdError::EpochExpired) => None,
            Err(error) => panic!("no answer: {error:?}"),
        }
    }

    /// Checks every way to read, each as a whole.
    async fn check_lists(&self, model: &State) {
        let (hot, cold) = (SqlHot(&*self.hot), SqlCold(&*self.read));
        let tiers = Tiers { hot: &hot, cold: Some(&cold), cache: &self.memory, partial: false };
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
            let found = tiers.find(&list, number(id)).await.expect("an answer").map(|placed| placed.row);
            assert_eq!(found.as_ref(), expected.iter().find(|row| row.id == number(id)), "row {id}");
        }
    }
}
