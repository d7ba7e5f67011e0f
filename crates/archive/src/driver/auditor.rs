//! Continuous verification: random batches and blocks, at a given rate, as metrics that must stay 0.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::pace::pause;
use crate::maintenance::verify::{Findings, Verifier, VerifyReport, ViolationKind};
use crate::model::Family;
use thermocline_core::clock::Clock;
use thermocline_core::error::explain;
use thermocline_database::{Engine, TierError};
use thermocline_journal::entry;

/// Rows of the archive that were checked, by resource.
pub const ROWS: &str = "thermocline_archive_audit_rows_total";
/// Violations found, by resource and kind. Each is a row that readers miss, see twice, or see changed.
pub const VIOLATIONS: &str = "thermocline_archive_audit_violations_total";
/// Checks that failed because a tier did not answer, by resource.
pub const FAILURES: &str = "thermocline_archive_audit_failures_total";

/// Blocks that are checked after each batch.
const BLOCKS: i64 = 4;
/// The pause after a failure, and while nothing is archived.
const IDLE: Duration = Duration::from_secs(5);
/// The interval of progress messages in the log.
const LOG_INTERVAL: Duration = Duration::from_mins(1);

/// Checks random parts of the archive until it is stopped.
#[derive(Clone, Copy, Debug)]
pub struct Auditor<'a> {
    /// The hot tier.
    pub hot: &'a dyn Engine,
    /// The cold tier.
    pub cold: &'a dyn Engine,
    /// The source of the seed of the random choices.
    pub clock: &'a Clock,
    /// The resources.
    pub families: &'a [&'static Family],
    /// The maximum number of rows to check in a second.
    pub rate: u32,
}

impl Auditor<'_> {
    /// Runs until told to stop, through outages of a tier; returns a report for each resource.
    pub async fn run(&self, stop: &AtomicBool) -> Vec<VerifyReport> {
        let mut reports: Vec<VerifyReport> =
            self.families.iter().map(|family| VerifyReport::new(family.resource)).collect();
        for VerifyReport { resource, .. } in &reports {
            metrics::counter!(ROWS, "resource" => *resource).increment(0);
            metrics::counter!(FAILURES, "resource" => *resource).increment(0);
            for kind in ViolationKind::ALL {
                metrics::counter!(VIOLATIONS, "resource" => *resource, "kind" => kind.name()).increment(0);
            }
        }
        let mut rng = StdRng::seed_from_u64(self.clock.draw().cast_unsigned());
        let (begun, mut logged) = (Instant::now(), Instant::now());
        while !stop.load(Ordering::Relaxed) && !reports.is_empty() {
            let nth = rng.random_range(0..reports.len());
            let (family, report) = (self.families[nth], &mut reports[nth]);
            let duration = match self.check(family, &mut rng).await {
                Ok(findings) if findings.rows == 0 => IDLE,
                Ok(findings) => {
                    let duration =
                        Duration::from_secs_f64(findings.rows as f64 / f64::from(self.rate.max(1)));
                    record(report, findings);
                    duration
                }
                Err(error) => {
                    metrics::counter!(FAILURES, "resource" => family.resource).increment(1);
                    tracing::warn!(resource = family.resource, error = explain(&error), "could not check");
                    IDLE
                }
            };
            report.seconds = begun.elapsed().as_secs_f64();
            if logged.elapsed() >= LOG_INTERVAL {
                logged = Instant::now();
                for VerifyReport { resource, batches, rows, blocks, violations, .. } in &reports {
                    tracing::info!(resource, batches, rows, blocks, violations, "audited");
                }
            }
            pause(duration, stop).await;
        }
        reports
    }

    /// Checks a random batch, and some blocks of either level where a random row of it is counted.
    async fn check(&self, family: &Family, rng: &mut StdRng) -> Result<Findings, TierError> {
        let verifier = Verifier { hot: self.hot, cold: self.cold, family };
        let newest = entry::newest(self.cold, family.resource).await?;
        let from = rng.random_range(1..=newest.max(1));
        let Some((_, mut findings)) = verifier.check_next_batch(from).await? else {
            return Ok(Findings::default());
        };
        if let Some(at) = findings.counted_at.choose(rng).copied() {
            findings.merge(verifier.check_blocks_at(at, rng.random_range(0..=1), BLOCKS).await?);
        }
        // A batch that only closed rows counts as one.
        findings.rows = findings.rows.max(1);
        Ok(findings)
    }
}

fn record(report: &mut VerifyReport, findings: Findings) {
    let resource = report.resource;
    metrics::counter!(ROWS, "resource" => resource).increment(findings.rows.cast_unsigned());
    for violation in &findings.violations {
        let (kind, batch, detail) = (violation.kind.name(), violation.batch, &violation.detail);
        metrics::counter!(VIOLATIONS, "resource" => resource, "kind" => kind).increment(1);
        tracing::error!(resource, kind, batch, detail, "the archive is damaged");
    }
    report.add_batch(findings);
}
