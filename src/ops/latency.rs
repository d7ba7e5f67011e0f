//! The latency of answers over the last hour, by the tiers that they asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::web::timing::TiersAsked;

/// Minutes that are remembered, the present one included.
const MINUTES: usize = 60;
/// The groups of answers, by their names in the metrics.
const GROUPS: [&str; 3] = ["hot", "cold", "both"];
/// The paths of operators, whose answers say nothing of reading.
const OPERATORS: &str = "/api/archive/";

/// Milliseconds below which times are not told apart.
const SHORTEST: f64 = 0.05;
/// Classes in which times double. A time is told by the middle of its class, so it is exact to 5 %.
const CLASSES_OF_DOUBLING: f64 = 8.0;
/// Classes of times, up to about a minute.
const CLASSES: usize = 164;

/// The answers of a minute in one group, by the class of their time.
type Counts = [u32; CLASSES];

#[derive(Debug)]
struct Minute {
    /// Minutes since the start.
    number: u64,
    counts: Box<[Counts; GROUPS.len()]>,
}

/// The minutes with answers, oldest first.
#[derive(Debug, Default)]
struct Hour(VecDeque<Minute>);

impl Hour {
    fn add(&mut self, now: u64, group: usize, time: Duration) {
        if self.0.back().is_none_or(|minute| minute.number != now) {
            self.0.retain(|minute| is_recent(minute, now));
            self.0.push_back(Minute { number: now, counts: Box::new([[0; CLASSES]; GROUPS.len()]) });
        }
        if let Some(minute) = self.0.back_mut() {
            let count = &mut minute.counts[group][class(time)];
            *count = count.saturating_add(1);
        }
    }

    fn latency(&self, now: u64, group: usize) -> Latency {
        let mut all = [0; CLASSES];
        let mut p95_by_minute_ms = vec![None; MINUTES];
        for minute in self.0.iter().filter(|minute| is_recent(minute, now)) {
            let counts = &minute.counts[group];
            all.iter_mut().zip(counts).for_each(|(all, count)| *all += count);
            p95_by_minute_ms[MINUTES - 1 - (now - minute.number) as usize] = quantile(counts, 0.95);
        }
        Latency {
            tiers: GROUPS[group],
            answers: all.iter().map(|count| u64::from(*count)).sum(),
            p50_ms: quantile(&all, 0.5),
            p95_ms: quantile(&all, 0.95),
            p95_by_minute_ms,
        }
    }
}

fn is_recent(minute: &Minute, now: u64) -> bool {
    minute.number + (MINUTES as u64) > now
}

fn class(time: Duration) -> usize {
    let doublings = (time.as_secs_f64() * 1e3 / SHORTEST).log2().max(0.0);
    ((doublings * CLASSES_OF_DOUBLING) as usize).min(CLASSES - 1)
}

/// Returns the time in milliseconds that this part of the answers did not exceed; `None` without answers.
fn quantile(counts: &Counts, part: f64) -> Option<f64> {
    let all: u64 = counts.iter().map(|count| u64::from(*count)).sum();
    let wanted = ((all as f64 * part).ceil() as u64).max(1);
    let mut seen = 0;
    let class = counts.iter().position(|count| {
        seen += u64::from(*count);
        seen >= wanted
    })?;
    let millis = SHORTEST * ((class as f64 + 0.5) / CLASSES_OF_DOUBLING).exp2();
    Some((millis * 1e3).round() / 1e3)
}

/// The answers of a server over the last hour. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Latencies {
    begun: Instant,
    hour: Arc<Mutex<Hour>>,
}

impl Default for Latencies {
    fn default() -> Self {
        Self { begun: Instant::now(), hour: Arc::default() }
    }
}

impl Latencies {
    fn now(&self) -> u64 {
        self.begun.elapsed().as_secs() / 60
    }

    fn add(&self, asked: TiersAsked, time: Duration) {
        let Some(group) = GROUPS.iter().position(|group| asked.name() == Some(group)) else { return };
        self.hour.lock().unwrap_or_else(PoisonError::into_inner).add(self.now(), group, time);
    }

    /// Returns how long the answers of the last hour took: of those that asked hot alone, cold alone, and both.
    pub fn last_hour(&self) -> Vec<Latency> {
        let hour = self.hour.lock().unwrap_or_else(PoisonError::into_inner);
        (0..GROUPS.len()).map(|group| hour.latency(self.now(), group)).collect()
    }
}

/// The latency of those answers of the last hour that asked the same tiers. Times are milliseconds until an answer began, exact
/// to 5 %.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub struct Latency {
    /// The tiers.
    #[schema(value_type = AskedTiers)]
    tiers: &'static str,
    /// The number of answers.
    answers: u64,
    /// Half of the answers took no longer; null without answers.
    #[schema(required = true)]
    p50_ms: Option<f64>,
    /// 95 % of the answers took no longer; null without answers.
    #[schema(required = true)]
    p95_ms: Option<f64>,
    /// The same for each of the 60 minutes, oldest first, the present one last; null for a minute without answers.
    // Without `min_items`: generators make an array of a fixed length into a type that not every library can read.
    #[schema(max_items = 60)]
    p95_by_minute_ms: Vec<Option<f64>>,
}

/// The tiers that an answer asked.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "only described")]
enum AskedTiers {
    Hot,
    Cold,
    Both,
}

/// Middleware that measures answers, for `axum::middleware::from_fn_with_state`. Probes and the routes of the archive do not
/// count.
pub async fn measure(State(latencies): State<Latencies>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let path = request.uri().path();
    let is_operators = super::PATHS.contains(&path) || path.starts_with(OPERATORS);
    let response = next.run(request).await;
    if let Some(asked) = response.extensions().get::<TiersAsked>().filter(|_| !is_operators) {
        latencies.add(*asked, begun.elapsed());
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: f64) -> Duration {
        Duration::from_secs_f64(millis / 1e3)
    }

    #[test]
    fn times_are_exact_to_a_twentieth() {
        for time in [0.06, 0.1, 0.73, 1.0, 12.5, 99.0, 1_234.0, 50_000.0] {
            let mut counts = [0; CLASSES];
            counts[class(millis(time))] = 1;
            let told = quantile(&counts, 0.95).expect("an answer");
            assert!((told / time - 1.0).abs() < 0.05, "{time}: {told}");
        }
        for (time, end) in [(0.0, 0), (0.001, 0), (3_600_000.0, CLASSES - 1)] {
            assert_eq!(class(millis(time)), end, "{time}");
        }
        assert_eq!(quantile(&[0; CLASSES], 0.5), None);
    }

    #[test]
    fn minutes_are_forgotten_after_an_hour() {
        let mut hour = Hour::default();
        for _ in 0..19 {
            hour.add(0, 0, millis(1.0));
        }
        hour.add(7, 0, millis(100.0));
        hour.add(7, 2, millis(3.0));
        let latency = hour.latency(59, 0);
        assert_eq!(latency.answers, 20);
        assert!(latency.p95_ms.is_some_and(|p95| p95 < 2.0), "19 of 20 are quick: {latency:?}");
        let of = |minute: usize| latency.p95_by_minute_ms[minute].is_some();
        assert_eq!(
            (latency.p95_by_minute_ms.len(), of(0), of(1), of(7), of(59)),
            (60, true, false, true, false)
        );
        assert_eq!((hour.latency(59, 1).answers, hour.latency(59, 1).p50_ms), (0, None));
        assert_eq!(hour.latency(59, 2).answers, 1);

        let later = hour.latency(60, 0);
        assert_eq!(later.answers, 1);
        assert!(later.p95_by_minute_ms[6].is_some(), "minutes move up");
        hour.add(1_000, 1, millis(1.0));
        assert_eq!((hour.0.len(), hour.latency(1_000, 0).answers), (1, 0));
    }
}
