//! The change feed: every row of a list that was inserted or changed in hot, in the order of its versions, whichever tier it
//! is in when it is read.
//!
//! A row gets a **version** when it is inserted or changed. A **bound** is a version below which every transaction has ended.
//! A reader takes what lies between its last bound and the present one, so a row that is committed late is never missed: its
//! version lies at or above the bound until its commit.

mod changes;

use thermocline_core::feed::Token;
use thermocline_database::TierError;

use crate::error::ReadError;
use crate::merge::Placed;

pub use changes::Feed;

/// A row that was inserted, changed or erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<R> {
    /// The row at its newest state, in whichever tier it is.
    Row(Placed<R>),
    /// The row with this id was erased from both tiers.
    Erased(i64),
}

/// A change and its place in the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed<R> {
    /// The id of the group that the row belongs to: the conversation of a message.
    pub scope: i64,
    /// Everything behind this change is still to come.
    pub next: Token,
    /// The change.
    pub change: Change<R>,
}

/// Part of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes<R> {
    /// The changes, in the order of their versions.
    pub changes: Vec<Changed<R>>,
    /// Everything behind this part is still to come.
    pub next: Token,
    /// Whether there is more at once. Otherwise the part reaches up to the present bound.
    pub has_more: bool,
}

/// Why the feed was not read.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The hot database has no change feed.
    #[error("the hot database has no change feed")]
    Off,
    /// The token is too old to be answered whole, or belongs to another database: the list has to be read anew.
    #[error("the token is too old, or of another database")]
    Expired,
    /// A tier failed, or the databases disagree.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl From<TierError> for FeedError {
    fn from(error: TierError) -> Self {
        Self::Read(error.into())
    }
}
