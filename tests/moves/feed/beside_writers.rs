//! Readers of the feed and clients of a server's streams beside writers, a mover, restores, erasures and restarts of the server: what
//! each has put together equals the table, again and again and at the end.
//!
//! Writers keep transactions open for different times, so rows are committed out of the order of their versions, date rows
//! in the past and the future, and roll back. To compare, the writers and the mover stop between two transactions, and each
//! reader takes what is left.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use thermocline::archive::MoveError;
use thermocline::federation::sql::SqlList as _;
use thermocline::federation::{Change, ReadCache};
use thermocline::feed::Token;
use thermocline::journal::state;
use thermocline::resources::messages::archive::FAMILY;
use thermocline::resources::messages::{Message, Messages};
use thermocline::schema;
use thermocline::tier::{Session, Statement, TierError, Value};
use tokio::sync::{Mutex, RwLock};

use super::super::run;
use super::clients::Clients;
use super::day;
use super::world::World;
use crate::support::bounds::bound;
use crate::support::dice::Dice;
use crate::support::waiting::{LIMIT, until};

const WRITERS: u64 = 8;
/// How many rows each reader takes at once, and whether it follows two conversations or all.
const READERS: [(i64, bool); 6] =
    [(1, false), (3, false), (1_000, false), (7, true), (100, true), (50, false)];
/// The conversations that some readers follow.
const SCOPES: [i64; 2] = [1, 3];
/// Transactions of all writers between two comparisons.
const BETWEEN: u64 = 60;

/// The messages, by id.
type Rows = BTreeMap<i64, Message>;

/// What everybody shares.
struct Stage {
    world: World,
    /// Writers and the mover hold it while they have a transaction open.
    gate: RwLock<()>,
    written: AtomicU64,
    moved: AtomicU64,
    next_id: AtomicI64,
    stop: AtomicBool,
}

/// A reader, and what it has put together.
struct Reader {
    limit: i64,
    scopes: Option<&'static [i64]>,
    since: Token,
    rows: Rows,
    cache: ReadCache,
}

impl Reader {
    /// Reads the next part of the feed. Returns whether there is more at once.
    async fn read(&mut self, world: &World) -> bool {
        let part = world.feed(&self.cache).changes(self.since, self.scopes, self.limit).await;
        let part = part.unwrap_or_else(|error| panic!("{}: {error:?}", world.name));
        for changed in part.changes {
            match changed.change {
                Change::Row(placed) => {
                    self.rows.insert(placed.row.id, placed.row);
                }
                Change::Erased(id) => {
                    self.rows.remove(&id);
                }
            }
        }
        self.since = part.next;
        part.has_more
    }

    /// Reads on until it has put together the table, which it returns. A commit whose answer was lost may happen late, and another
    /// database of the server may hold the bound back for a moment.
    async fn catch_up(&mut self, world: &World) -> Rows {
        let begun = Instant::now();
        loop {
            let (table, now) = (table(world).await, world.now().await);
            while self.read(world).await {}
            let expected = self.expected(&table);
            if self.since >= now && self.rows == expected {
                return table;
            }
            assert!(
                begun.elapsed() < LIMIT,
                "{}: a reader of {} has read to {} of {now}; rows that differ, its own first: {:?}",
                world.name,
                self.limit,
                self.since,
                differences(&self.rows, &expected),
            );
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Returns the rows of a table that it follows.
    fn expected(&self, table: &Rows) -> Rows {
        let is_of = |row: &Message| self.scopes.is_none_or(|scopes| scopes.contains(&row.conversation_id));
        table.iter().filter(|(_, row)| is_of(row)).map(|(id, row)| (*id, row.clone())).collect()
    }
}

#[test]
fn every_reader_sees_every_change() {
    // The whole proof takes 100.
    let comparisons = bound("THERMOCLINE_TEST_FEED", 5, 3);
    run(async {
        for world in Box::pin(World::all()).await {
            let world = follow(world, comparisons).await;
            world.drop().await;
        }
    });
}

/// Lets everybody work on a pair, and compares so often.
async fn follow(world: World, comparisons: u64) -> World {
    let name = world.name;
    let start = world.now().await;
    let mut clients = Clients::start(&world).await;
    let stage = Arc::new(Stage {
        world,
        gate: RwLock::new(()),
        written: AtomicU64::new(0),
        moved: AtomicU64::new(0),
        next_id: AtomicI64::new(1),
        stop: AtomicBool::new(false),
    });
    let mut tasks = tokio::task::JoinSet::new();
    for seed in 0..WRITERS {
        tasks.spawn(write(Arc::clone(&stage), Dice(seed)));
    }
    tasks.spawn(move_rows(Arc::clone(&stage), Dice(99)));
    let reader = |(limit, follows): &(i64, bool)| {
        let scopes = follows.then_some(&SCOPES[..]);
        Reader { limit: *limit, scopes, since: start, rows: Rows::new(), cache: ReadCache::default() }
    };
    let readers = Arc::new(Mutex::new(READERS.iter().map(reader).collect::<Vec<_>>()));
    tasks.spawn(read_on(Arc::clone(&stage), Arc::clone(&readers)));
    let mut compared = 0;
    for comparison in 1..=comparisons {
        until("the writers have written", async || {
            stage.written.load(Ordering::SeqCst) >= comparison * BETWEEN || !is_well(&mut tasks)
        })
        .await;
        if comparison % 2 == 0 {
            clients.restart().await;
        }
        let _paused = stage.gate.write().await;
        let mut shown = Rows::new();
        for reader in readers.lock().await.iter_mut() {
            shown = reader.catch_up(&stage.world).await;
            // Another process goes on with the token alone.
            reader.cache = ReadCache::default();
            compared += reader.rows.len();
        }
        let shown = shown.values().map(|row| (row.id, serde_json::to_value(row).expect("JSON"))).collect();
        until("every client shows the table", async || clients.show(&shown)).await;
    }
    clients.end().await;
    stage.stop.store(true, Ordering::SeqCst);
    while let Some(ended) = tasks.join_next().await {
        ended.expect("it does not panic");
    }
    let moved = stage.moved.load(Ordering::SeqCst);
    assert!(moved > 0, "{name}: no row has moved");
    println!(
        "{name}: {} transactions, {} messages, {moved} moves of rows, {compared} rows compared in {comparisons} comparisons, \
         0 missed",
        stage.written.load(Ordering::SeqCst),
        stage.next_id.load(Ordering::SeqCst) - 1,
    );
    drop(readers);
    Arc::into_inner(stage).expect("nobody else").world
}

/// Returns whether no task has ended, which only a failure does.
fn is_well(tasks: &mut tokio::task::JoinSet<()>) -> bool {
    if let Some(ended) = tasks.try_join_next() {
        ended.expect("it does not panic");
        panic!("it ends only when it is told to");
    }
    true
}

/// Returns the ids whose rows differ, with both rows.
fn differences<'a>(ours: &'a Rows, theirs: &'a Rows) -> Vec<(i64, Option<&'a Message>, Option<&'a Message>)> {
    let ids: BTreeSet<i64> = ours.keys().chain(theirs.keys()).copied().collect();
    let both = ids.into_iter().map(|id| (id, ours.get(&id), theirs.get(&id)));
    both.filter(|(_, ours, theirs)| ours != theirs).collect()
}

/// Lets every reader take the next part again and again.
async fn read_on(stage: Arc<Stage>, readers: Arc<Mutex<Vec<Reader>>>) {
    while !stage.stop.load(Ordering::SeqCst) {
        let mut has_more = false;
        for reader in readers.lock().await.iter_mut() {
            has_more |= reader.read(&stage.world).await;
        }
        if !has_more {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// Reads the whole table out of both databases, as it is at the epoch of hot: a move that failed may have left more in cold.
async fn table(world: &World) -> Rows {
    let hot =
        "-- test.hot\nSELECT id, conversation_id, sender_id, content, created_at, is_read FROM messages";
    let cold = "-- test.cold\nSELECT original_id AS id, conversation_id, sender_id, content, created_at, is_read \
        FROM messages_archive WHERE from_epoch <= $1 AND (to_epoch IS NULL OR to_epoch > $1)";
    let epoch = state::read(&*world.hot, FAMILY.resource).await.expect("a state").epoch;
    let mut rows = Rows::new();
    let list = Messages::of(0);
    let in_hot = world.hot.fetch(&Statement::new(hot).postgres(hot).mssql(hot), &[]).await.expect("hot");
    let cold = Statement::new(cold).postgres(cold);
    let in_cold = world.cold.fetch(&cold, &[epoch.into()]).await.expect("cold");
    for record in in_hot.iter().chain(&in_cold) {
        let row = list.read(record).expect("a message");
        assert!(rows.insert(row.id, row).is_none(), "{}: a row is in both tiers", world.name);
    }
    rows
}

/// Writes transaction after transaction.
async fn write(stage: Arc<Stage>, mut dice: Dice) {
    while !stage.stop.load(Ordering::SeqCst) {
        let _open = stage.gate.read().await;
        match transaction(&stage, &mut dice).await {
            Ok(()) => {
                stage.written.fetch_add(1, Ordering::SeqCst);
            }
            // A deadlock with the mover or another writer, or a lock for too long: nothing was written.
            Err(TierError::Conflict { .. } | TierError::Unavailable { .. }) => {}
            Err(error) => panic!("{}: {error:?}", stage.world.name),
        }
    }
}

async fn transaction(stage: &Stage, dice: &mut Dice) -> Result<(), TierError> {
    let mut session = stage.world.hot.session().await?;
    session.begin(thermocline::tier::Begin::Write).await?;
    for _ in 0..=dice.roll(4) {
        operation(stage, &mut *session, dice).await?;
        // SQLite has one writer at a time, who need not wait.
        if !stage.world.is_embedded() {
            tokio::time::sleep(Duration::from_micros(dice.roll(8_000))).await;
        }
    }
    if dice.roll(10) == 0 { session.rollback().await } else { session.commit().await }
}

async fn operation(stage: &Stage, session: &mut dyn Session, dice: &mut Dice) -> Result<(), TierError> {
    let written = stage.next_id.load(Ordering::SeqCst);
    if dice.roll(2) == 0 || written < 20 {
        let id = stage.next_id.fetch_add(1, Ordering::SeqCst);
        // Long past, due at once, today, or years ahead.
        let days = [-400, -31, -60, 0, -1, 1500][dice.roll(6) as usize];
        let talk = 1 + dice.roll(3) as i64;
        let text = format!("message {id}");
        let columns: Vec<&str> = schema::MESSAGES.columns.iter().map(|column| column.name).collect();
        let row = vec![id.into(), talk.into(), 1.into(), text.as_str().into(), day(days), false.into()];
        return session.insert("messages", &columns, &[row]).await.map(drop);
    }
    let read = Statement::new("-- test.read\nUPDATE messages SET is_read = 1 WHERE id = $1")
        .postgres("-- test.read\nUPDATE messages SET is_read = true WHERE id = $1")
        .mssql("-- test.read\nUPDATE messages SET is_read = 1 WHERE id = @P1");
    let edit = "-- test.edit\nUPDATE messages SET content = $2 WHERE id = $1";
    let edit = Statement::new(edit)
        .postgres(edit)
        .mssql("-- test.edit\nUPDATE messages SET content = @P2 WHERE id = @P1");
    let id = Value::from(1 + dice.roll(written.unsigned_abs()) as i64);
    if dice.roll(2) == 0 {
        session.execute(&read, &[id]).await.map(drop)
    } else {
        let text = format!("edited {}", dice.roll(1_000_000));
        session.execute(&edit, &[id, text.as_str().into()]).await.map(drop)
    }
}

/// Moves rows to cold, brings all back now and then, and erases some. A move that meets a deadlock is repeated later.
async fn move_rows(stage: Arc<Stage>, mut dice: Dice) {
    let mut seen = 0;
    while !stage.stop.load(Ordering::SeqCst) {
        // The writers need the only lock of a file too.
        let written = stage.written.load(Ordering::SeqCst);
        if written < seen + WRITERS {
            tokio::time::sleep(Duration::from_millis(2)).await;
            continue;
        }
        seen = written;
        let _open = stage.gate.read().await;
        let rows = match dice.roll(10) {
            0 => stage.world.bring_back(200).await.rows,
            1 => {
                let id = 1 + dice.roll(stage.next_id.load(Ordering::SeqCst).unsigned_abs()) as i64;
                let erased = stage.world.mover().erase(&FAMILY, "messages", &[id]).await;
                erased.unwrap_or_else(|error| {
                    assert!(matches!(&error, MoveError::Tier(error) if error.is_conflict()), "{error:?}");
                    0
                })
            }
            _ => stage.world.run_mover(50).await.rows,
        };
        stage.moved.fetch_add(rows.unsigned_abs(), Ordering::SeqCst);
    }
}
