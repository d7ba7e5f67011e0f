//! The context of every check.

use crate::model::Family;
use thermocline_database::{Begin, Engine, Session, TierError};
use thermocline_journal::entry;

/// Verifies one resource.
#[derive(Clone, Copy, Debug)]
pub struct Verifier<'a> {
    /// The hot tier.
    pub hot: &'a dyn Engine,
    /// The cold tier.
    pub cold: &'a dyn Engine,
    /// The resource.
    pub family: &'a Family,
}

impl Verifier<'_> {
    /// Returns whether the journal has a move with this number.
    pub async fn has_batch(&self, epoch: i64) -> Result<bool, TierError> {
        Ok(!entry::kinds(self.cold, self.family.resource, vec![epoch]).await?.is_empty())
    }

    /// Opens a session with a read transaction. Its statements may take longer than those of readers.
    pub(super) async fn read_cold(&self) -> Result<Box<dyn Session>, TierError> {
        let mut cold = self.cold.session().await?;
        cold.begin(Begin::Read).await?;
        Ok(cold)
    }
}
