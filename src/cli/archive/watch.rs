//! `thermocline archive status --watch`: how fast rows move, by any mover, and how long it will take.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::mover::stop_on_signal;
use super::pace;
use crate::archive::status::{Status, StatusReader};
use crate::archive::{Family, Rule};
use crate::cli::failure::Failure;
use crate::cli::tiers::Tiers;
use crate::clock::{Clock, Timestamp};
use crate::telemetry::explain;

/// The looks that a rate is taken over.
const LOOKS: usize = 10;
/// The interval at which a pause checks whether the process is to stop.
const CHECK: Duration = Duration::from_millis(100);

/// A look at a resource.
#[derive(Debug)]
struct Look {
    at: Timestamp,
    due: i64,
    epoch: i64,
}

/// The progress of a resource over the last looks.
#[derive(Debug, PartialEq, Serialize)]
struct Progress {
    at: Timestamp,
    resource: &'static str,
    /// The number of the last move.
    epoch: i64,
    /// Rows of the resource that are due.
    due: i64,
    /// The rows by which these became fewer in a second. `None` at the first look.
    rows_per_second: Option<f64>,
    /// The time until none are due, at this rate.
    seconds_left: Option<f64>,
    /// The mover that has claimed a number, and the number.
    mover: Option<String>,
    claimed: Option<i64>,
    /// Whether an operator has paused its movers.
    paused: bool,
    /// The pace that operators allow.
    rows_per_second_at_most: Option<i64>,
    max_hot_latency_ms: Option<i64>,
    /// Why due rows do not move.
    waits: Vec<String>,
}

/// Looks again and again until the process is told to stop, and prints a line for each resource.
pub async fn run(
    resources: &[(&'static Family, Rule)],
    every: Duration,
    tiers: &Tiers,
    clock: &Clock,
    json: bool,
) -> Result<(), Failure> {
    let stop = stop_on_signal();
    let watched =
        |(family, rule): &(&'static Family, Rule)| (StatusReader::new(family, *rule), VecDeque::new());
    let mut watched: Vec<(StatusReader, VecDeque<Look>)> = resources.iter().map(watched).collect();
    while !stop.load(Ordering::Relaxed) {
        for (reader, looks) in &mut watched {
            match reader.read(&*tiers.hot, tiers.cold(), clock).await {
                Ok(status) => {
                    let progress = add(looks, clock.now(), &status);
                    if json {
                        outln!("{}", serde_json::to_string(&progress).map_err(Failure::of)?);
                    } else {
                        outln!("{}", line(&progress));
                    }
                }
                // It may be back at the next look.
                Err(error) => errln!("{}: {}", reader.resource(), explain(&error)),
            }
        }
        pause(every, &stop).await;
    }
    Ok(())
}

async fn pause(duration: Duration, stop: &AtomicBool) {
    let begun = Instant::now();
    while begun.elapsed() < duration && !stop.load(Ordering::Relaxed) {
        tokio::time::sleep(CHECK.min(duration)).await;
    }
}

/// Adds a look and returns the progress over the last ones.
fn add(looks: &mut VecDeque<Look>, at: Timestamp, status: &Status) -> Progress {
    looks.push_back(Look { at, due: status.due, epoch: status.epoch });
    if looks.len() > LOOKS {
        looks.pop_front();
    }
    let rows_per_second = rate(looks.make_contiguous());
    let seconds_left = rows_per_second.filter(|rate| *rate > 0.0).map(|rate| status.due as f64 / rate);
    let claim = status.cold.as_ref().and_then(|cold| cold.mover.as_ref());
    Progress {
        at,
        resource: status.resource,
        epoch: status.epoch,
        due: status.due,
        rows_per_second,
        seconds_left,
        mover: claim.map(|claim| claim.name.clone()),
        claimed: claim.map(|claim| claim.epoch),
        paused: status.paused,
        rows_per_second_at_most: status.rows_per_second,
        max_hot_latency_ms: status.max_hot_latency_ms,
        waits: status.waits.clone(),
    }
}

/// Returns the due rows that moved in a second. Rows that became due meanwhile do not count, and neither do rows that the platform itself
/// removed.
fn rate(looks: &[Look]) -> Option<f64> {
    let (first, last) = looks.first().zip(looks.last())?;
    let micros = last.at.micros() - first.at.micros();
    let moved =
        |pair: &[Look]| if pair[1].epoch > pair[0].epoch { (pair[0].due - pair[1].due).max(0) } else { 0 };
    let moved: i64 = looks.windows(2).map(moved).sum();
    (micros > 0).then(|| (moved as f64 * 1e7 / micros as f64).round() / 10.0)
}

fn line(progress: &Progress) -> String {
    let Progress { at, resource, due, rows_per_second, seconds_left, mover, claimed, waits, epoch, .. } =
        progress;
    let at = at.to_string();
    let time = at.get(11..19).unwrap_or(&at);
    let mut parts = vec![format!("{time} {resource}: epoch {epoch}, {due} due")];
    parts.extend(rows_per_second.map(|rate| format!("{rate:.0} rows/s")));
    parts.extend(seconds_left.filter(|_| *due > 0).map(|left| format!("{} left", span(left))));
    let claim = mover.as_ref().zip(*claimed);
    parts.extend(claim.map(|(mover, number)| format!("move {number} by {mover}")));
    let pace = pace::describe(progress.rows_per_second_at_most, progress.max_hot_latency_ms);
    parts.extend(pace.map(|pace| format!("pace: {pace}")));
    parts.extend(waits.iter().map(|reason| format!("waiting: {reason}")));
    parts.join(", ")
}

/// Returns a time in its two largest units.
fn span(seconds: f64) -> String {
    let seconds = seconds.ceil() as i64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(second: i64, due: i64, epoch: i64) -> Look {
        let begin: Timestamp = "2026-11-20T02:00:00Z".parse().expect("a time");
        Look { at: begin.plus(second * 1_000_000), due, epoch }
    }

    #[test]
    fn the_rate_is_that_of_rows_which_moved() {
        let of = |looks: &[(i64, i64, i64)]| {
            let looks: Vec<Look> =
                looks.iter().map(|(second, due, epoch)| look(*second, *due, *epoch)).collect();
            rate(&looks)
        };
        assert_eq!(of(&[(0, 10_000, 1), (4, 2_000, 9)]), Some(2000.0));
        assert_eq!(of(&[(0, 10_000, 1), (3, 9_999, 2)]), Some(0.3));
        assert_eq!(of(&[(0, 10_000, 1), (4, 2_000, 1)]), Some(0.0), "removed by the platform");
        assert_eq!(of(&[(0, 10, 1), (4, 50, 2)]), Some(0.0), "more became due than moved");
        assert_eq!(
            of(&[(0, 1_000, 1), (2, 400, 2), (4, 900, 2), (6, 600, 3)]),
            Some(150.0),
            "some became due"
        );
        assert_eq!(of(&[(0, 10, 1)]), None, "one look alone");
    }

    #[test]
    fn a_line_tells_rate_rest_and_mover() {
        let progress = Progress {
            at: "2026-11-20T02:00:41.5Z".parse().expect("a time"),
            resource: "messages",
            epoch: 417,
            due: 812_000,
            rows_per_second: Some(5210.4),
            seconds_left: Some(155.2),
            mover: Some("server, process 71".to_owned()),
            claimed: Some(418),
            paused: false,
            rows_per_second_at_most: Some(6000),
            max_hot_latency_ms: None,
            waits: Vec::new(),
        };
        let expected = "02:00:41 messages: epoch 417, 812000 due, 5210 rows/s, 2 min 36 s left, move 418 by server, process 71, \
            pace: at most 6000 rows/s";
        assert_eq!(line(&progress), expected);
    }

    #[test]
    fn times_have_two_units() {
        assert_eq!(
            [span(0.2), span(59.0), span(3599.0), span(7322.0)],
            ["1 s", "59 s", "59 min 59 s", "2 h 2 min"]
        );
    }
}
