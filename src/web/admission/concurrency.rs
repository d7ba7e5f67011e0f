//! The limit of concurrent requests, which adapts to the latency of the databases.
//!
//! A busy database answers no more for being asked more at once: each answer only takes longer, and a server that admits all of
//! them slows down until they time out. So the limit follows the time of answers. While they take more than [`TOLERANCE`] times as
//! long as usual, and more than [`FAST`], it falls in proportion; otherwise it grows, up to the connections there are. In a slow
//! database it comes to rest a little above twice of what is worked on at once.
//!
//! The usual time is measured while at most [`LEAST`] requests are worked on. Under load there is no such moment, so the limit
//! is lowered that far every [`MEASURE_AFTER`], for one window. Medians are compared: a few requests that wait for a lock, or for
//! a tier that does not answer, say nothing about the others.

use std::time::Duration;

use tokio::time::Instant;

/// A limit under which requests do not wait for each other, also in a small database.
const LEAST: usize = 2;
/// The limit before anything was measured.
const FIRST: usize = 8;
/// Answers may take so many times the usual time.
const TOLERANCE: f64 = 2.0;
/// A latency that is acceptable even if the usual one is far lower.
const FAST: Duration = Duration::from_millis(10);
/// The part of the limit that one window leaves at least.
const STEEPEST: f64 = 0.5;
/// A window is at least so long, and has at least so many answers.
const WINDOW: Duration = Duration::from_millis(100);
const ANSWERS: usize = 16;
/// The age at which the usual time is measured again.
const MEASURE_AFTER: Duration = Duration::from_secs(30);

/// A limit of requests at once.
#[derive(Debug)]
pub struct Concurrency {
    least: usize,
    most: usize,
    limit: f64,
    usual: Option<Usual>,
    is_measuring: bool,
    window: Window,
}

/// The time of answers without load.
#[derive(Clone, Copy, Debug)]
struct Usual {
    time: Duration,
    measured: Instant,
}

/// The answers since a moment.
#[derive(Debug)]
struct Window {
    begun: Instant,
    times: Vec<Duration>,
    /// The most requests at once.
    busiest: usize,
    /// Whether a request could not begin at once.
    is_full: bool,
}

impl Concurrency {
    /// Returns a limit that never changes.
    pub fn fixed(limit: usize) -> Self {
        Self {
            least: limit,
            most: limit,
            limit: limit as f64,
            usual: None,
            is_measuring: false,
            window: Window::new(Instant::now()),
        }
    }

    /// Returns a limit that follows the time of answers, up to `most`.
    pub fn adaptive(most: usize) -> Self {
        Self { least: most.min(LEAST), limit: most.min(FIRST) as f64, ..Self::fixed(most) }
    }

    /// Returns how many requests may be worked on at once now.
    pub fn limit(&self) -> usize {
        if self.is_measuring { self.least } else { self.limit as usize }
    }

    /// Notes that a request cannot begin at once.
    pub fn note_full(&mut self) {
        self.window.is_full = true;
    }

    /// Notes an answer that took `time`, one of `running` that were worked on at once until now.
    pub fn answered(&mut self, time: Duration, running: usize, now: Instant) {
        if self.least == self.most {
            return;
        }
        if self.is_measuring && running > self.least {
            // It began when more were worked on.
            self.window = Window::new(now);
            return;
        }
        self.window.times.push(time);
        self.window.busiest = self.window.busiest.max(running);
        if self.window.times.len() < ANSWERS || now.saturating_duration_since(self.window.begun) < WINDOW {
            return;
        }
        let mut window = std::mem::replace(&mut self.window, Window::new(now));
        let middle = window.times.len() / 2;
        let median = *window.times.select_nth_unstable(middle).1;
        self.close(&window, median, now);
    }

    fn close(&mut self, window: &Window, median: Duration, now: Instant) {
        let was_measuring = std::mem::take(&mut self.is_measuring);
        if window.busiest <= self.least {
            self.usual = Some(Usual { time: median, measured: now });
        }
        let Some(usual) = &mut self.usual else {
            self.is_measuring = true;
            return;
        };
        usual.time = usual.time.min(median);
        let is_old = now.saturating_duration_since(usual.measured) > MEASURE_AFTER;
        if window.is_full && !was_measuring {
            let allowed = usual.time.mul_f64(TOLERANCE).max(FAST).as_secs_f64();
            let part = allowed / median.as_secs_f64().max(f64::MIN_POSITIVE);
            let limit = self.limit * part.clamp(STEEPEST, 1.0) + self.limit.sqrt();
            self.limit = limit.clamp(self.least as f64, self.most as f64);
            self.is_measuring = is_old;
        }
    }
}

impl Window {
    fn new(now: Instant) -> Self {
        Self { begun: now, times: Vec::new(), busiest: 0, is_full: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks a database for as much as the limit allows, so many windows long. It works on `cores` requests at once, for `time` each.
    fn overload(limit: &mut Concurrency, now: &mut Instant, windows: usize, cores: usize, time: Duration) {
        for _ in 0..windows {
            let running = limit.limit();
            let takes = time.mul_f64((running as f64 / cores as f64).max(1.0));
            let begun = *now;
            while now.saturating_duration_since(begun) < WINDOW {
                *now += takes / u32::try_from(running).expect("few");
                limit.note_full();
                limit.answered(takes, running, *now);
            }
        }
    }

    #[test]
    fn the_limit_comes_to_rest_above_what_the_database_works_on_at_once() {
        let (mut limit, mut now) = (Concurrency::adaptive(50), Instant::now());
        for cores in [2, 8, 2] {
            overload(&mut limit, &mut now, 1_000, cores, Duration::from_millis(20));
            let rests = limit.limit();
            assert!((2 * cores..=4 * cores).contains(&rests), "{cores} at once: {rests}");
        }
    }

    #[test]
    fn a_database_that_answers_many_at_once_gets_as_many() {
        let (mut limit, mut now) = (Concurrency::adaptive(50), Instant::now());
        overload(&mut limit, &mut now, 30, 100, Duration::from_millis(2));
        assert_eq!(limit.limit(), 50);
        // All answers take longer for another reason, such as another kind of requests.
        overload(&mut limit, &mut now, 400, 100, Duration::from_millis(20));
        assert_eq!(limit.limit(), 50);
    }

    #[test]
    fn a_fast_database_is_asked_as_much_as_its_answers_stay_fast() {
        let (mut limit, mut now) = (Concurrency::adaptive(50), Instant::now());
        overload(&mut limit, &mut now, 1_000, 2, Duration::from_millis(1));
        // Twenty take 10 ms.
        assert!((20..=30).contains(&limit.limit()), "{}", limit.limit());
    }

    #[test]
    fn a_tier_that_does_not_answer_a_few_changes_nothing() {
        let (mut limit, mut now) = (Concurrency::adaptive(50), Instant::now());
        overload(&mut limit, &mut now, 30, 100, Duration::from_millis(2));
        for number in 0..10_000_u32 {
            now += Duration::from_millis(1);
            limit.note_full();
            let takes = if number.is_multiple_of(3) { 100 } else { 2 };
            limit.answered(Duration::from_millis(takes), limit.limit(), now);
        }
        assert_eq!(limit.limit(), 50);
    }

    #[test]
    fn the_limit_stays_where_it_is_while_none_waits() {
        let (mut limit, mut now) = (Concurrency::adaptive(50), Instant::now());
        for _ in 0..10_000 {
            now += Duration::from_millis(1);
            limit.answered(Duration::from_millis(2), 1, now);
        }
        assert_eq!(limit.limit(), FIRST);
    }

    #[test]
    fn a_fixed_limit_never_changes() {
        let (mut limit, mut now) = (Concurrency::fixed(3), Instant::now());
        overload(&mut limit, &mut now, 100, 1, Duration::from_millis(2));
        assert_eq!(limit.limit(), 3);
    }
}
