//! The tiers of a [`World`] as the federation reads them. Between the calls of a request the next steps of a script
//! happen, and all answers are recorded.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use thermocline::federation::reads::{Cold, ColdRows};
use thermocline::federation::{ColdCount, ColdError, Hot, HotCount, HotRows, HotSnapshot, List};
use thermocline::page::{Key, ListId, Order, Slice, Span};
use thermocline::tier::{Tier, TierError};

use super::world::{HotState, Row, Step, World};

/// The rows of one conversation, or the prices of one stock.
#[derive(Clone, Copy, Debug)]
pub struct Talk(pub i64);

impl List for Talk {
    type Row = Row;

    fn name(&self) -> &'static str {
        "rows"
    }

    fn resource(&self) -> &'static str {
        "rows"
    }

    fn id(&self) -> ListId {
        ListId::of(&["rows", &self.0.to_string()])
    }

    fn key(&self, row: &Row) -> Key {
        row.key
    }
}

/// A list at the instant of a hot read.
#[derive(Clone, Debug)]
pub struct Instant {
    pub mark: HotSnapshot,
    /// Rows in hot, newest first.
    pub hot: Vec<Row>,
    /// All rows, newest first.
    pub all: Vec<Row>,
}

/// The answers of the tiers to one request.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The list at each hot read.
    pub instants: Vec<Instant>,
    /// Number of rows of each hot read.
    pub hot: Vec<usize>,
    /// Number of rows of each cold read.
    pub cold: Vec<usize>,
    pub cold_counts: usize,
    /// The tiers that answered, in order.
    pub answered: Vec<Tier>,
    /// Whether cold was asked while it was unreachable.
    pub refused: bool,
    /// Whether any step happened during the request.
    pub disturbed: bool,
}

#[derive(Debug)]
struct Stage {
    world: World,
    script: VecDeque<Step>,
    seen: Seen,
}

/// Both tiers.
#[derive(Debug)]
pub struct Pair(Mutex<Stage>);

impl Pair {
    pub fn new(world: World) -> Self {
        Self(Mutex::new(Stage { world, script: VecDeque::new(), seen: Seen::default() }))
    }

    /// Begins a request during which `script` happens.
    pub fn begin(&self, script: &[Step]) {
        let mut stage = self.stage();
        stage.script = script.iter().copied().collect();
        stage.seen = Seen::default();
    }

    /// Returns what the request has read.
    pub fn seen(&self) -> Seen {
        self.stage().seen.clone()
    }

    pub fn world<T>(&self, with: impl FnOnce(&mut World) -> T) -> T {
        with(&mut self.stage().world)
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Handles a call after the next steps of the script.
    async fn turn(&self) -> MutexGuard<'_, Stage> {
        let step = self.stage().script.pop_front();
        match step {
            Some(Step::Wait) => tokio::task::yield_now().await,
            Some(step) => {
                let mut stage = self.stage();
                stage.world.apply(step);
                stage.seen.disturbed = true;
            }
            None => {}
        }
        self.stage()
    }

    async fn cold_turn(&self, mark: HotSnapshot) -> Result<MutexGuard<'_, Stage>, ColdError> {
        let mut stage = self.turn().await;
        let cold = &stage.world.cold;
        if cold.away {
            stage.seen.refused = true;
            return Err(ColdError::absent("away"));
        }
        if !cold.proves(mark) {
            return Err(ColdError::Unproven);
        }
        if mark.epoch < cold.floor {
            return Err(ColdError::EpochExpired);
        }
        stage.seen.answered.push(Tier::Cold);
        Ok(stage)
    }
}

impl Stage {
    fn instant(&self, list: Talk) -> Instant {
        let of = |rows: &[Row]| rows.iter().filter(|row| row.talk == list.0).cloned().collect();
        let World { hot, all, .. } = &self.world;
        Instant { mark: hot.mark, hot: of(&hot.rows), all: of(all) }
    }
}

fn inside(span: Span, row: &Row) -> bool {
    span.lower <= row.key && row.key < span.upper
}

fn cut<T>(mut rows: Vec<T>, key: impl Fn(&T) -> Key, slice: Slice) -> Vec<T> {
    rows.sort_by_key(|row| key(row));
    if slice.order == Order::Desc {
        rows.reverse();
    }
    rows.into_iter().skip(slice.skip as usize).take(slice.take as usize).collect()
}

fn hot_rows(instant: &Instant, slice: Slice, count: bool) -> HotRows<Row> {
    let within: Vec<Row> = instant.hot.iter().filter(|row| inside(slice.span, row)).cloned().collect();
    let mut counted = HotCount::default();
    if count {
        counted.rows = within.len() as i64;
        let late = within.iter().filter(|row| Some(row.key) < instant.mark.cold_watermark);
        counted.late = late.count() as i64;
    }
    HotRows { snapshot: instant.mark, rows: cut(within, |row| row.key, slice), count: counted, changes: None }
}

fn found(instant: &Instant, id: i64) -> HotRows<Row> {
    let rows = instant.hot.iter().filter(|row| row.key.id == id).cloned().collect();
    HotRows { snapshot: instant.mark, rows, count: HotCount::default(), changes: None }
}

fn note(stage: &mut Stage, instant: Instant, slice: Slice, given: usize) {
    // A read of the state alone is no part of an answer.
    if slice.take > 0 {
        stage.seen.instants.push(instant);
        stage.seen.hot.push(given);
        stage.seen.answered.push(Tier::Hot);
    }
}

#[async_trait]
impl Hot<Talk> for Pair {
    async fn read(&self, list: &Talk, slice: Slice, count: bool) -> Result<HotRows<Row>, TierError> {
        let mut stage = self.turn().await;
        let instant = stage.instant(*list);
        let rows = hot_rows(&instant, slice, count);
        note(&mut stage, instant, slice, rows.rows.len());
        Ok(rows)
    }

    async fn find(&self, list: &Talk, id: i64) -> Result<HotRows<Row>, TierError> {
        let mut stage = self.turn().await;
        let instant = stage.instant(*list);
        let rows = found(&instant, id);
        note(&mut stage, instant, Slice::newest(Span::ALL, 1), rows.rows.len());
        Ok(rows)
    }

    async fn snapshot(&self) -> Result<Box<dyn Hot<Talk> + '_>, TierError> {
        let stage = self.turn().await;
        let (hot, all) = (stage.world.hot.clone(), stage.world.all.clone());
        drop(stage);
        Ok(Box::new(Snapshot { pair: self, hot, all }))
    }
}

/// A snapshot of hot, which later steps do not change.
struct Snapshot<'a> {
    pair: &'a Pair,
    hot: HotState,
    all: Vec<Row>,
}

impl Snapshot<'_> {
    fn instant(&self, list: Talk) -> Instant {
        let of = |rows: &[Row]| rows.iter().filter(|row| row.talk == list.0).cloned().collect();
        Instant { mark: self.hot.mark, hot: of(&self.hot.rows), all: of(&self.all) }
    }
}

#[async_trait]
impl Hot<Talk> for Snapshot<'_> {
    async fn read(&self, list: &Talk, slice: Slice, count: bool) -> Result<HotRows<Row>, TierError> {
        let mut stage = self.pair.turn().await;
        let rows = hot_rows(&self.instant(*list), slice, count);
        note(&mut stage, self.instant(*list), slice, rows.rows.len());
        Ok(rows)
    }

    async fn find(&self, list: &Talk, id: i64) -> Result<HotRows<Row>, TierError> {
        let mut stage = self.pair.turn().await;
        let rows = found(&self.instant(*list), id);
        note(&mut stage, self.instant(*list), Slice::newest(Span::ALL, 1), rows.rows.len());
        Ok(rows)
    }

    async fn snapshot(&self) -> Result<Box<dyn Hot<Talk> + '_>, TierError> {
        unreachable!("a snapshot of a snapshot")
    }
}

#[async_trait]
impl Cold<Talk> for Pair {
    async fn prove(&self, _: &Talk, mark: HotSnapshot) -> Result<i64, ColdError> {
        Ok(self.cold_turn(mark).await?.world.cold.confirmed())
    }

    async fn read(&self, list: &Talk, mark: HotSnapshot, slice: Slice) -> Result<ColdRows<Row>, ColdError> {
        let mut stage = self.cold_turn(mark).await?;
        let cold = &stage.world.cold;
        let visible = cold.visible(mark.epoch).filter(|row| row.talk == list.0 && inside(slice.span, row));
        let rows = cut(visible.collect(), |row: &&Row| row.key, slice);
        let rows: Vec<Row> = rows.into_iter().cloned().collect();
        let confirmed = cold.confirmed();
        stage.seen.cold.push(rows.len());
        Ok(ColdRows { rows, confirmed })
    }

    async fn count(&self, list: &Talk, mark: HotSnapshot, span: Span) -> Result<ColdCount, ColdError> {
        let mut stage = self.cold_turn(mark).await?;
        stage.seen.cold_counts += 1;
        let visible = stage.world.cold.visible(mark.epoch);
        let rows = visible.filter(|row| row.talk == list.0 && inside(span, row)).count() as i64;
        let confirmed = stage.world.cold.confirmed();
        Ok(ColdCount { rows, confirmed })
    }

    async fn find(&self, list: &Talk, mark: HotSnapshot, id: i64) -> Result<ColdRows<Row>, ColdError> {
        let mut stage = self.cold_turn(mark).await?;
        let cold = &stage.world.cold;
        let found: Vec<_> =
            cold.visible(mark.epoch).filter(|row| row.talk == list.0 && row.key.id == id).collect();
        let rows: Vec<Row> = found.into_iter().cloned().collect();
        let confirmed = cold.confirmed();
        stage.seen.cold.push(rows.len());
        Ok(ColdRows { rows, confirmed })
    }
    async fn find_all(&self, _: &Talk, _: HotSnapshot, _: &[i64]) -> Result<ColdRows<Row>, ColdError> {
        unreachable!("the list has no change feed")
    }
}
