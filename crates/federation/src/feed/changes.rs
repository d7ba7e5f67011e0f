//! Reading the feed.

use thermocline_core::feed::Token;
use thermocline_database::Engine;

use super::{Changes, FeedError};
use crate::cache::ReadCache;
use crate::sql::{SqlCold, SqlList};

/// The change feed of a list's rows, over both tiers. The filter of the list does not matter.
#[derive(Clone, Copy, Debug)]
pub struct Feed<'a, L: SqlList> {
    /// The hot tier.
    pub hot: &'a dyn Engine,
    /// The cold tier; absent in hot-only mode.
    pub cold: Option<SqlCold<'a>>,
    /// What earlier reads have seen.
    pub cache: &'a ReadCache,
    /// The list.
    pub list: &'a L,
}

impl<L: SqlList> Feed<'_, L> {
    /// Returns the token of now: everything that is committed before this call is below it. Read it before the rows that it
    /// is given out with.
    ///
    /// # Errors
    /// [`FeedError::Off`] without a feed; the error of hot.
    pub async fn now(&self) -> Result<Token, FeedError> {
        Err(FeedError::Off)
    }

    /// Returns the changes from `since` on, at most `limit`, of these scopes or of all.
    ///
    /// # Errors
    /// [`FeedError::Off`] without a feed; [`FeedError::Expired`] if changes behind the token may be missing; the errors of
    /// the tiers.
    pub async fn changes(
        &self,
        _since: Token,
        _scopes: Option<&[i64]>,
        _limit: i64,
    ) -> Result<Changes<L::Row>, FeedError> {
        Err(FeedError::Off)
    }
}
