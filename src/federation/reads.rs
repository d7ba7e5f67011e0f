//! What the federation asks of a tier. An in-memory tier answers it in the property tests, [`super::sql`] for real.

use async_trait::async_trait;

use crate::page::{Key, ListId, Slice, Span};
use crate::tier::{Source, Tier, TierError};

/// A list the API shows, with the values it is filtered by.
pub trait List: Send + Sync {
    /// One row of it.
    type Row: Send + Sync;

    /// What its rows are called in the API, such as `messages`.
    fn name(&self) -> &'static str;

    /// The resource whose epoch its rows move with.
    fn resource(&self) -> &'static str;

    /// Its name and filter, for cursors and caches.
    fn id(&self) -> ListId;

    /// Where a row stands.
    fn key(&self, row: &Self::Row) -> Key;
}

/// The state of a resource in hot at the instant its rows were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mark {
    /// The number of the last move; 0 before any.
    pub epoch: i64,
    /// The random token of that move, which tells it from one of the same number in a restored database.
    pub token: Option<i64>,
    /// No row of the list in cold is newer than this; `None`: cold holds none.
    pub cold_newest: Option<Key>,
}

/// Rows of the hot tier and the state they belong to, of one instant.
#[derive(Clone, Debug)]
pub struct HotRows<R> {
    /// The state.
    pub mark: Mark,
    /// The slice asked for.
    pub rows: Vec<R>,
    /// The count over the whole span, when it was asked for.
    pub count: HotCount,
}

/// How many rows of a span hot holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HotCount {
    /// All of them.
    pub rows: i64,
    /// Those older than [`Mark::cold_newest`]: they may lie among cold rows.
    pub late: i64,
}

/// The hot tier, as one list is read from it.
#[async_trait]
pub trait Hot<L: List>: Send + Sync {
    /// State, slice and, with `count`, the count over the slice's span, in one statement. Without `count` zeros.
    async fn read(&self, list: &L, slice: Slice, count: bool) -> Result<HotRows<L::Row>, TierError>;

    /// The row with this id, if the list has it in hot.
    async fn find(&self, list: &L, id: i64) -> Result<HotRows<L::Row>, TierError>;

    /// A view in which every read sees one instant.
    async fn snapshot(&self) -> Result<Box<dyn Hot<L> + '_>, TierError>;
}

/// Why cold did not answer at an epoch.
#[derive(Debug)]
pub enum ColdError {
    /// It failed.
    Tier(TierError),
    /// Its journal does not know the epoch and token: an older cold, or no pair of this hot.
    Unproven,
    /// The epoch lies below what vacuum has kept: ask hot again.
    BelowFloor,
}

impl From<TierError> for ColdError {
    fn from(error: TierError) -> Self {
        Self::Tier(error)
    }
}

impl ColdError {
    /// For a cold tier that is not there at all.
    pub fn absent(source: impl Into<Source>) -> Self {
        Self::Tier(TierError::Unavailable { tier: Tier::Cold, source: source.into() })
    }
}

/// Rows of the cold tier, visible at the epoch they were asked for.
#[derive(Clone, Debug)]
pub struct ColdRows<R> {
    /// The slice.
    pub rows: Vec<R>,
    /// The highest move cold knows to be committed in hot.
    pub confirmed: i64,
}

/// A count in the cold tier, of the epoch it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColdCount {
    /// How many rows.
    pub rows: i64,
    /// The highest move cold knows to be committed in hot.
    pub confirmed: i64,
}

/// The cold tier, as one list is read from it at one epoch. Every answer is proven against the journal.
#[async_trait]
pub trait Cold<L: List>: Send + Sync {
    /// Whether the primary's own journal knows `mark`, whatever its replicas know; returns the highest move it knows to be
    /// committed in hot.
    async fn prove(&self, list: &L, mark: Mark) -> Result<i64, ColdError>;

    /// A slice of what is visible at `mark`.
    async fn read(&self, list: &L, mark: Mark, slice: Slice) -> Result<ColdRows<L::Row>, ColdError>;

    /// How many rows of `span` are visible at `mark`.
    async fn count(&self, list: &L, mark: Mark, span: Span) -> Result<ColdCount, ColdError>;

    /// The row with this id, if the list has it visible at `mark`.
    async fn find(&self, list: &L, mark: Mark, id: i64) -> Result<ColdRows<L::Row>, ColdError>;
}
