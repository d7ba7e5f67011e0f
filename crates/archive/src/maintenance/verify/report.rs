//! The report of a verification.

use std::fmt;

use serde::Serialize;

use thermocline_core::keyset::Key;

/// Violations that a report spells out.
const SHOWN: usize = 100;

/// A kind of violation. Each is a row that readers miss or see twice, or a number that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ViolationKind {
    /// A batch in cold differs from what hot gave: other rows, or other contents.
    Digest,
    /// A row is visible in hot and in cold at one epoch.
    BothTiers,
    /// A row has left hot and is visible in neither tier, without an erasure or a restore.
    NeitherTier,
    /// A row is visible in cold twice at one epoch.
    TwiceInCold,
    /// A counted block does not hold as many rows as it counts, or its signature hides one of them from searches.
    Blocks,
    /// User activity is counted more or less often than cold holds it.
    Behavior,
    /// Rows of cold that no journal entry accounts for.
    Journal,
    /// A row is visible in cold above the watermark up to which hot sends readers there.
    ColdNewest,
    /// An erased row is visible in cold.
    Erased,
}

impl ViolationKind {
    /// All kinds.
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

    /// Returns the name used in reports and metrics.
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

impl fmt::Display for ViolationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One violation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Its kind.
    pub kind: ViolationKind,
    /// The batch it was found in; `None` for blocks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<i64>,
    /// The row, block or number, without contents of rows.
    pub detail: String,
}

/// The result of verifying one resource.
#[derive(Clone, Debug, Serialize)]
pub struct VerifyReport {
    /// The resource.
    pub resource: &'static str,
    /// Batches whose rows were read.
    pub batches: i64,
    /// Rows of these batches.
    pub rows: i64,
    /// Blocks whose rows were counted.
    pub blocks: i64,
    /// The number of violations.
    pub violations: usize,
    /// The first violations.
    pub found: Vec<Violation>,
    /// The duration in seconds.
    pub seconds: f64,
}

impl VerifyReport {
    pub(crate) fn new(resource: &'static str) -> Self {
        Self { resource, batches: 0, rows: 0, blocks: 0, violations: 0, found: Vec::new(), seconds: 0.0 }
    }

    pub(crate) fn add_batch(&mut self, findings: Findings) {
        self.batches += 1;
        self.rows += findings.rows;
        self.blocks += findings.blocks;
        self.add(findings.violations);
    }

    pub(super) fn add(&mut self, found: Vec<Violation>) {
        self.violations += found.len();
        let room = SHOWN.saturating_sub(self.found.len());
        self.found.extend(found.into_iter().take(room));
    }
}

/// A scope of counted blocks and a key in it.
pub type ScopeKey = (i64, Key);

/// The findings of one step.
#[derive(Debug, Default)]
pub struct Findings {
    pub(crate) rows: i64,
    pub(crate) blocks: i64,
    /// Where the rows are counted in blocks.
    pub(crate) counted_at: Vec<ScopeKey>,
    pub(crate) violations: Vec<Violation>,
}

impl Findings {
    pub(super) fn violation(&mut self, kind: ViolationKind, batch: Option<i64>, detail: String) {
        self.violations.push(Violation { kind, batch, detail });
    }

    /// Adds what another step of the same resource has read and found.
    pub(crate) fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.blocks += other.blocks;
        self.violations.extend(other.violations);
    }
}
