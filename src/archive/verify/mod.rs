//! Whether the archive still holds what it was given: `archive verify`, and the auditor that never stops.
//!
//! Everything is looked at in small steps, each of one instant, so that rows may move meanwhile and memory stays flat:
//! a batch of the journal with its rows (`batches`), a stretch of counted blocks (`blocks`), what users did
//! (`behavior`). Nothing is changed.

mod batches;
pub(super) mod behavior;
mod blocks;
pub mod continuous;
mod strays;

use std::fmt;
use std::time::Instant;

use serde::Serialize;

pub(super) use self::batches::TableStatements;
pub(super) use self::blocks::BlockStatements;
use self::blocks::{Cursor, Place};
use super::family::Family;
use crate::tier::{Engine, TierError};

/// Blocks of one step: what they hold is counted in one snapshot, which should not stay open for long.
const STRETCH: i64 = 200;
/// How many violations a report spells out.
const SHOWN: usize = 100;

/// What is checked.
#[derive(Clone, Copy, Debug)]
pub struct Verifier<'a> {
    /// The hot tier.
    pub hot: &'a dyn Engine,
    /// The cold tier.
    pub cold: &'a dyn Engine,
    /// The resource.
    pub family: &'a Family,
}

/// What can be wrong. Each of these is a row that readers miss or see twice, or a number they are told wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A batch in cold is not what hot gave: other rows, or other contents.
    Digest,
    /// A row is visible in hot and in cold at one epoch.
    BothTiers,
    /// A row has left hot and is visible in neither tier, and no erasure or restore took it.
    NeitherTier,
    /// A row is visible in cold twice at one epoch.
    TwiceInCold,
    /// A counted block does not hold as many rows as it says.
    Blocks,
    /// What users did is not counted as often as cold holds it.
    Behavior,
    /// Rows of cold that no entry of the journal explains.
    Journal,
    /// A row is visible in cold above the key up to which hot sends readers there.
    ColdNewest,
    /// A row that was erased is visible in cold.
    Erased,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Digest,
        Self::BothTiers,
        Self::NeitherTier,
        Self::TwiceInCold,
        Self::Blocks,
        Self::Behavior,
        Self::Journal,
        Self::ColdNewest,
        Self::Erased,
    ];

    /// Its name in reports and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Digest => "digest",
            Self::BothTiers => "both_tiers",
            Self::NeitherTier => "neither_tier",
            Self::TwiceInCold => "twice_in_cold",
            Self::Blocks => "blocks",
            Self::Behavior => "behavior",
            Self::Journal => "journal",
            Self::ColdNewest => "cold_newest",
            Self::Erased => "erased",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// What kind.
    pub kind: Kind,
    /// The batch it was found in; none for blocks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<i64>,
    /// Which row, block or number, without contents.
    pub detail: String,
}

/// What was looked at and found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The resource.
    pub resource: &'static str,
    /// Batches whose rows were read.
    pub batches: i64,
    /// Their rows.
    pub rows: i64,
    /// Blocks whose rows were counted.
    pub blocks: i64,
    /// How many violations there are.
    pub violations: usize,
    /// The first of them.
    pub found: Vec<Violation>,
    /// Seconds it took.
    pub seconds: f64,
}

impl Report {
    fn new(resource: &'static str) -> Self {
        Self { resource, batches: 0, rows: 0, blocks: 0, violations: 0, found: Vec::new(), seconds: 0.0 }
    }

    fn add(&mut self, found: Vec<Violation>) {
        self.violations += found.len();
        let room = SHOWN.saturating_sub(self.found.len());
        self.found.extend(found.into_iter().take(room));
    }
}

/// One step's work: what was looked at, and what is wrong with it.
#[derive(Debug, Default)]
struct Looked {
    rows: i64,
    blocks: i64,
    /// The lists that the rows are counted in, and where.
    places: Vec<Place>,
    found: Vec<Violation>,
}

impl Looked {
    fn violation(&mut self, kind: Kind, batch: Option<i64>, detail: String) {
        self.found.push(Violation { kind, batch, detail });
    }
}

impl Verifier<'_> {
    /// Checks one batch, if the journal has it, or everything. `progress` hears of every step.
    pub async fn run(
        &self,
        batch: Option<i64>,
        progress: &mut (dyn FnMut(&Report) + Send),
    ) -> Result<Report, TierError> {
        let begun = Instant::now();
        let mut report = Report::new(self.family.resource);
        let mut from = batch.unwrap_or(0);
        while let Some((epoch, looked)) = self.batch_from(from).await? {
            if batch.is_some_and(|batch| batch != epoch) {
                break;
            }
            report.batches += 1;
            report.rows += looked.rows;
            report.add(looked.found);
            report.seconds = begun.elapsed().as_secs_f64();
            progress(&report);
            if batch.is_some() {
                break;
            }
            from = epoch + 1;
        }
        if batch.is_none() {
            report.add(self.strays().await?.found);
            report.add(self.erased().await?.found);
            report.add(self.folded_actions().await?.found);
            let mut cursor = Cursor::default();
            while let Some(looked) = self.blocks_after(&mut cursor, STRETCH).await? {
                report.blocks += looked.blocks;
                report.add(looked.found);
                report.seconds = begun.elapsed().as_secs_f64();
                progress(&report);
            }
        }
        report.seconds = begun.elapsed().as_secs_f64();
        Ok(report)
    }
}
