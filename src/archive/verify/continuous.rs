//! The auditor that never stops: random batches and blocks, at a settable rate, as numbers that must stay 0.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::{Kind, Looked, Report, Verifier};
use crate::archive::Family;
use crate::archive::pace::rest;
use crate::clock::Clock;
use crate::telemetry::explain;
use crate::tier::{Engine, TierError};

/// Rows of the archive that were looked at, by resource.
pub const ROWS: &str = "thermocline_archive_audit_rows_total";
/// Violations found, by resource and kind. Anything but 0 is a row that readers miss, see twice, or see changed.
pub const VIOLATIONS: &str = "thermocline_archive_audit_violations_total";
/// Looks that failed because a tier did not answer, by resource.
pub const FAILURES: &str = "thermocline_archive_audit_failures_total";

/// Blocks that are counted after each batch.
const BLOCKS: i64 = 4;
/// How long to wait after a failure, and where nothing is archived yet.
const REST: Duration = Duration::from_secs(5);
/// How often the log says how far it has got.
const SAY: Duration = Duration::from_mins(1);

/// Looks at random parts of the archive until it is stopped.
#[derive(Clone, Copy, Debug)]
pub struct Auditor<'a> {
    /// The hot tier.
    pub hot: &'a dyn Engine,
    /// The cold tier.
    pub cold: &'a dyn Engine,
    /// Where the seed of the random choices comes from.
    pub clock: &'a Clock,
    /// What is archived.
    pub families: &'a [&'static Family],
    /// Rows to look at in a second, at most.
    pub rate: u32,
}

impl Auditor<'_> {
    /// Runs until told to stop; returns what it has seen, by resource. A tier that is away is waited for.
    pub async fn run(&self, stop: &AtomicBool) -> Vec<Report> {
        let mut reports: Vec<Report> =
            self.families.iter().map(|family| Report::new(family.resource)).collect();
        for Report { resource, .. } in &reports {
            metrics::counter!(ROWS, "resource" => *resource).increment(0);
            metrics::counter!(FAILURES, "resource" => *resource).increment(0);
            for kind in Kind::ALL {
                metrics::counter!(VIOLATIONS, "resource" => *resource, "kind" => kind.name()).increment(0);
            }
        }
        let mut dice = StdRng::seed_from_u64(self.clock.draw().cast_unsigned());
        let (begun, mut said) = (Instant::now(), Instant::now());
        while !stop.load(Ordering::Relaxed) && !reports.is_empty() {
            let nth = dice.random_range(0..reports.len());
            let (family, report) = (self.families[nth], &mut reports[nth]);
            let pause = match self.look(family, &mut dice).await {
                Ok(looked) if looked.rows == 0 => REST,
                Ok(looked) => {
                    let pause = Duration::from_secs_f64(looked.rows as f64 / f64::from(self.rate.max(1)));
                    note(report, looked);
                    pause
                }
                Err(error) => {
                    metrics::counter!(FAILURES, "resource" => family.resource).increment(1);
                    tracing::warn!(resource = family.resource, error = explain(&error), "could not look");
                    REST
                }
            };
            report.seconds = begun.elapsed().as_secs_f64();
            if said.elapsed() >= SAY {
                said = Instant::now();
                for Report { resource, batches, rows, blocks, violations, .. } in &reports {
                    tracing::info!(resource, batches, rows, blocks, violations, "audited");
                }
            }
            rest(pause, stop).await;
        }
        reports
    }

    /// A random batch, and some blocks where a random row of it is counted, on either level.
    async fn look(&self, family: &Family, dice: &mut StdRng) -> Result<Looked, TierError> {
        let verifier = Verifier { hot: self.hot, cold: self.cold, family };
        let newest = verifier.newest().await?;
        let any = dice.random_range(1..=newest.max(1));
        let Some((_, mut looked)) = verifier.batch_from(any).await? else { return Ok(Looked::default()) };
        if let Some(place) = looked.places.choose(dice).copied() {
            let blocks = verifier.blocks_from(place, dice.random_range(0..=1), BLOCKS).await?;
            looked.rows += blocks.rows;
            looked.blocks += blocks.blocks;
            looked.found.extend(blocks.found);
        }
        // A batch that only closed rows was looked at too.
        looked.rows = looked.rows.max(1);
        Ok(looked)
    }
}

fn note(report: &mut Report, looked: Looked) {
    let resource = report.resource;
    metrics::counter!(ROWS, "resource" => resource).increment(looked.rows.cast_unsigned());
    for violation in &looked.found {
        metrics::counter!(VIOLATIONS, "resource" => resource, "kind" => violation.kind.name()).increment(1);
        let (kind, batch, detail) = (violation.kind.name(), violation.batch, &violation.detail);
        tracing::error!(resource, kind, batch, detail, "the archive is wrong");
    }
    report.batches += 1;
    report.rows += looked.rows;
    report.blocks += looked.blocks;
    report.add(looked.found);
}
