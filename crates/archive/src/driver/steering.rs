//! Requests of operators to movers while they run. Movers read them between batches, when they hold no lock and no transaction.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::outcome::Outcome;
use super::pace::pause;
use super::report::RunReport;
use crate::moves::MoveError;
use thermocline_database::Engine;
use thermocline_journal::{Control, control};

/// The interval at which a mover that waits asks again whether it may go on.
pub(super) const CHECK_AGAIN: Duration = Duration::from_secs(1);

/// The next step of a mover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Go on.
    Go,
    /// An operator keeps movers away from the resource.
    Held,
    /// An operator has paused the resource.
    Paused,
}

/// Steers the mover of a resource.
#[derive(Debug)]
pub(super) struct Steering<'a> {
    hot: &'a dyn Engine,
    resource: &'static str,
    ignores_hold: bool,
    control: Control,
    /// The duration of the last read of `control`: the latency of hot.
    latency: Duration,
    is_paused: bool,
    /// When the last batch began, and how many rows it moved.
    begun: Instant,
    rows: i64,
}

impl<'a> Steering<'a> {
    /// Steers a mover that leaves a held resource alone.
    pub(super) fn new(hot: &'a dyn Engine, resource: &'static str) -> Self {
        Self {
            ignores_hold: false,
            hot,
            resource,
            control: Control::default(),
            latency: Duration::ZERO,
            is_paused: false,
            begun: Instant::now(),
            rows: 0,
        }
    }

    /// Steers a restore, which holds the resource itself.
    pub(super) fn of_restore(hot: &'a dyn Engine, resource: &'static str) -> Self {
        Self { ignores_hold: true, ..Self::new(hot, resource) }
    }

    /// Waits until the next batch may begin, and notes that it does. Returns the outcome of a mover that is to end instead.
    pub(super) async fn wait(
        &mut self,
        report: &mut RunReport,
        progress: &mut (dyn FnMut(&RunReport) + Send),
        stop: &AtomicBool,
    ) -> Result<Option<Outcome>, MoveError> {
        while !stop.load(Ordering::Relaxed) {
            match self.read().await? {
                Order::Held => return Ok(Some(Outcome::Held)),
                Order::Paused => self.wait_paused(report, progress, stop).await,
                Order::Go if self.hot_is_slow(None) => pause(CHECK_AGAIN, stop).await,
                Order::Go => {
                    if self.keeps_pace(stop).await {
                        self.begin();
                        return Ok(None);
                    }
                }
            }
        }
        Ok(Some(Outcome::Stopped))
    }

    /// Reads the requests of operators. Logs when the resource was paused or goes on.
    pub(super) async fn read(&mut self) -> Result<Order, MoveError> {
        let asked = Instant::now();
        let (held, control) = control::read(self.hot, self.resource).await?;
        self.latency = asked.elapsed();
        self.control = control;
        if control.paused != self.is_paused {
            self.is_paused = control.paused;
            let said =
                if control.paused { "paused until `thermocline archive continue`" } else { "going on" };
            tracing::info!(resource = self.resource, "{said}");
        }
        Ok(match (held, control.paused) {
            (true, _) if !self.ignores_hold => Order::Held,
            (_, true) => Order::Paused,
            (_, false) => Order::Go,
        })
    }

    /// Waits for a moment while the resource is paused, and shows that in the report.
    pub(super) async fn wait_paused(
        &self,
        report: &mut RunReport,
        progress: &mut (dyn FnMut(&RunReport) + Send),
        stop: &AtomicBool,
    ) {
        report.paused = true;
        progress(report);
        pause(CHECK_AGAIN, stop).await;
        report.paused = false;
    }

    /// Returns whether hot answered later than operators, or the options of the run, allow.
    pub(super) fn hot_is_slow(&self, most: Option<Duration>) -> bool {
        let limits = [most, self.control.max_hot_latency];
        limits.into_iter().flatten().min().is_some_and(|most| self.latency > most)
    }

    /// Returns the largest number of rows of the next batch: what may move in a second, if that is less than `most`.
    pub(super) fn rows(&self, most: i64) -> i64 {
        self.control.rows_per_second.map_or(most, |rate| rate.min(most)).max(1)
    }

    /// Returns whether the next batch may begin within the pace. Otherwise waits for a moment first: the pace may change
    /// meanwhile.
    pub(super) async fn keeps_pace(&self, stop: &AtomicBool) -> bool {
        let left = self.left();
        pause(left.min(CHECK_AGAIN), stop).await;
        left.is_zero()
    }

    /// Returns the rest of the time that the rows of the last batch take at the pace.
    fn left(&self) -> Duration {
        let Some(rate) = self.control.rows_per_second else { return Duration::ZERO };
        let whole = Duration::from_secs_f64(self.rows.max(0) as f64 / rate as f64);
        whole.saturating_sub(self.begun.elapsed())
    }

    /// Notes that a batch begins now.
    pub(super) fn begin(&mut self) {
        (self.begun, self.rows) = (Instant::now(), 0);
    }

    /// Notes how many rows the batch has moved, children included.
    pub(super) const fn moved(&mut self, rows: i64) {
        self.rows = rows;
    }
}
