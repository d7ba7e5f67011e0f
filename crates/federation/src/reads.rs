//! The reads that the federation asks of one tier. [`super::sql`] answers them from a database, and an in-memory tier in the
//! property tests.

use async_trait::async_trait;

use thermocline_core::feed::Token;
use thermocline_core::keyset::{Key, ListId, Slice, Span};
use thermocline_database::{Source, Tier, TierError};

/// A list of the API, with the values it is filtered by.
pub trait List: Send + Sync {
    /// One row of it.
    type Row: Clone + Send + Sync + 'static;

    /// Returns the name of its rows in the API, such as `messages`.
    fn name(&self) -> &'static str;

    /// Returns the resource whose epoch its rows move with.
    fn resource(&self) -> &'static str;

    /// Returns the identity of its name and filter, for cursors and caches.
    fn id(&self) -> ListId;

    /// Returns the size of a row in memory, in bytes.
    fn size(&self, _row: &Self::Row) -> usize {
        size_of::<Self::Row>()
    }

    /// Returns the key of a row.
    fn key(&self, row: &Self::Row) -> Key;
}

/// The state of a resource in hot at the instant its rows were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct HotSnapshot {
    /// The number of the last move; 0 before any.
    pub epoch: i64,
    /// The random token of that move, which differs from that of a move with the same number in a restored database.
    pub token: Option<i64>,
    /// No row of the list in cold is newer than this; `None` if cold holds none.
    pub cold_watermark: Option<Key>,
}

/// Rows of the hot tier and the state of the instant they were read at.
#[derive(Clone, Debug)]
pub struct HotRows<R> {
    /// The state.
    pub snapshot: HotSnapshot,
    /// The slice that was asked for.
    pub rows: Vec<R>,
    /// The count over the whole span, when it was asked for.
    pub count: HotCount,
    /// The token of the change feed at that instant or before, if the list asks for it with its newest rows.
    pub changes: Option<Token>,
}

/// The number of rows of a span in hot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HotCount {
    /// All of them.
    pub rows: i64,
    /// The number of rows older than [`HotSnapshot::cold_watermark`], which may lie among cold rows.
    pub late: i64,
}

/// The hot tier, as one list is read from it.
#[async_trait]
pub trait Hot<L: List>: Send + Sync {
    /// Reads state, slice and, with `count`, the count over the slice's span in one statement. Without `count` the numbers are 0.
    async fn read(&self, list: &L, slice: Slice, count: bool) -> Result<HotRows<L::Row>, TierError>;

    /// Reads the row with this id, if the list has it in hot.
    async fn find(&self, list: &L, id: i64) -> Result<HotRows<L::Row>, TierError>;

    /// Returns a view in which every read sees one instant.
    async fn snapshot(&self) -> Result<Box<dyn Hot<L> + '_>, TierError>;
}

/// The reason why cold did not answer at an epoch.
#[derive(Debug)]
pub enum ColdError {
    /// It failed.
    Tier(TierError),
    /// Its journal does not know the epoch and token: cold is older, or does not belong to this hot.
    Unproven,
    /// The epoch is older than the oldest readable one, because of vacuum: ask hot again.
    EpochExpired,
}

impl From<TierError> for ColdError {
    fn from(error: TierError) -> Self {
        Self::Tier(error)
    }
}

impl ColdError {
    /// Creates the error of a cold tier that is not there at all.
    pub fn absent(source: impl Into<Source>) -> Self {
        Self::Tier(TierError::Unavailable { tier: Tier::Cold, source: source.into() })
    }
}

/// Rows of the cold tier, visible at the epoch they were asked for.
#[derive(Clone, Debug)]
pub struct ColdRows<R> {
    /// The slice.
    pub rows: Vec<R>,
    /// The highest move that cold knows to be committed in hot.
    pub confirmed: i64,
}

/// A count in the cold tier, of the epoch it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColdCount {
    /// The number of rows.
    pub rows: i64,
    /// The highest move that cold knows to be committed in hot.
    pub confirmed: i64,
}

/// The cold tier, as one list is read from it at one epoch. Every answer is proven against the journal.
#[async_trait]
pub trait Cold<L: List>: Send + Sync {
    /// Checks that the primary's own journal knows `snapshot`, independent of its replicas. Returns the highest move that it
    /// knows to be committed in hot.
    async fn prove(&self, list: &L, snapshot: HotSnapshot) -> Result<i64, ColdError>;

    /// Reads a slice of what is visible at `snapshot`.
    async fn read(
        &self,
        list: &L,
        snapshot: HotSnapshot,
        slice: Slice,
    ) -> Result<ColdRows<L::Row>, ColdError>;

    /// Counts the rows of `span` that are visible at `snapshot`.
    async fn count(&self, list: &L, snapshot: HotSnapshot, span: Span) -> Result<ColdCount, ColdError>;

    /// Reads the row with this id, if the list has it visible at `snapshot`.
    async fn find(&self, list: &L, snapshot: HotSnapshot, id: i64) -> Result<ColdRows<L::Row>, ColdError>;

    /// Reads the rows with these ids that are visible at `snapshot`, independent of the filter of the list.
    async fn find_all(
        &self,
        list: &L,
        snapshot: HotSnapshot,
        ids: &[i64],
    ) -> Result<ColdRows<L::Row>, ColdError>;
}
