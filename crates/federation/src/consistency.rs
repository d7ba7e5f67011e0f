//! Reads that prove that the two tiers belong to one instant, and detect that one of them came back from a backup.
//!
//! | seen | means |
//! |---|---|
//! | hot is at a lower move than it was before | hot is older |
//! | cold knows of a committed move above hot's | hot is older |
//! | cold has vacuumed past hot's epoch | hot is older |
//! | the journal of cold's primary does not know hot's last move | cold is older |
//!
//! From then on nothing is answered, not even from hot alone, because its answers would have gaps. After hot went back, it
//! answers again once its epoch is not below the highest that was seen of it. A cold that did not agree is quarantined: every reader has the primary prove hot's
//! epoch before it answers, until that succeeds. A recovery ends both without a restart.

use super::attempt::{Attempt, Interruption};
use super::cache::ReadCache;
use super::error::ReadError;
use super::reads::{Cold, ColdError, ColdRows, Hot, HotSnapshot, List};
use thermocline_core::keyset::{Key, Slice, Span};
use thermocline_database::TierError;
use thermocline_journal::{ConsistencyError, Disagreement};

/// The two tiers of a list, read so that their answers agree.
pub(super) struct Consistent<'a, L: List> {
    pub hot: &'a dyn Hot<L>,
    pub cold: Option<&'a dyn Cold<L>>,
    pub cache: &'a ReadCache,
}

impl<L: List> Consistent<'_, L> {
    /// Checks that hot rows of `snapshot` may be part of an answer.
    pub async fn check(&self, list: &L, snapshot: HotSnapshot) -> Attempt<()> {
        let seen = self.cache.note_epoch(list.resource(), snapshot.epoch);
        // This reader may only have been slow: a later read of hot sees every move that was seen before.
        if snapshot.epoch < seen && self.current(list).await?.epoch < seen {
            return Err(disagree(list, Disagreement::HotWentBack { seen, epoch: snapshot.epoch }).into());
        }
        let Some(cold) = self.cold.filter(|_| self.cache.is_quarantined(list.resource())) else {
            return Ok(());
        };
        match cold.prove(list, snapshot).await {
            Ok(confirmed) => {
                self.check_confirmed(list, snapshot, confirmed).await?;
                self.cache.release(list.resource());
                Ok(())
            }
            // An unavailable cold stays quarantined.
            Err(ColdError::Tier(error)) => {
                Err(disagree(list, Disagreement::Quarantined(error.to_string())).into())
            }
            Err(error) => self.retry_or_fail(list, snapshot, error).await,
        }
    }

    /// Reads a slice of cold as of `snapshot`.
    pub async fn cold_rows(&self, list: &L, snapshot: HotSnapshot, slice: Slice) -> Attempt<Vec<L::Row>> {
        let rows = self.cold(list)?.read(list, snapshot, slice).await;
        self.accept(list, snapshot, rows).await
    }

    /// Returns the number of rows of `span` in cold as of `snapshot`, from the cache if it is known.
    pub async fn cold_total(&self, list: &L, span: Span, snapshot: HotSnapshot) -> Attempt<i64> {
        if watermark_in(snapshot, span).is_none() {
            return Ok(0);
        }
        if let Some(total) = self.cache.total(list.id(), span, snapshot).await {
            return Ok(total);
        }
        match self.cold(list)?.count(list, snapshot, span).await {
            Ok(total) => {
                self.check_confirmed(list, snapshot, total.confirmed).await?;
                self.cache.keep_total(list.id(), span, snapshot, total.rows).await;
                Ok(total.rows)
            }
            Err(error) => self.retry_or_fail(list, snapshot, error).await,
        }
    }

    /// Accepts an answer of cold, after a look at what hot says now if cold knows of later moves.
    pub async fn accept(
        &self,
        list: &L,
        snapshot: HotSnapshot,
        answer: Result<ColdRows<L::Row>, ColdError>,
    ) -> Attempt<Vec<L::Row>> {
        match answer {
            Ok(cold) => {
                self.check_confirmed(list, snapshot, cold.confirmed).await?;
                // The answer holds at the epoch it was asked for, also if rows have moved since.
                Ok(cold.rows)
            }
            Err(error) => self.retry_or_fail(list, snapshot, error).await,
        }
    }

    pub fn cold(&self, list: &L) -> Result<&dyn Cold<L>, ReadError> {
        self.cold.ok_or(ReadError::NoCold { resource: list.resource() })
    }

    /// Returns what an error of cold means for a read of this snapshot. It is never an answer.
    pub async fn retry_or_fail<T>(&self, list: &L, snapshot: HotSnapshot, error: ColdError) -> Attempt<T> {
        let disagreement = match error {
            ColdError::Tier(error) => return Err(error.into()),
            // Hot may have moved on, or been recovered.
            ColdError::EpochExpired | ColdError::Unproven if self.current(list).await? != snapshot => {
                return Err(Interruption::Retry);
            }
            ColdError::EpochExpired => {
                // Vacuum keeps every epoch from hot's on.
                self.cache.note_epoch(list.resource(), snapshot.epoch + 1);
                Disagreement::Vacuumed(snapshot.epoch)
            }
            ColdError::Unproven => {
                self.cache.quarantine(list.resource());
                Disagreement::UnknownMove(snapshot.epoch)
            }
        };
        Err(disagree(list, disagreement).into())
    }

    /// Checks that cold has confirmed no move above the epoch of hot. It may have confirmed moves above that of the reader.
    pub async fn check_confirmed(
        &self,
        list: &L,
        snapshot: HotSnapshot,
        confirmed: i64,
    ) -> Result<(), ReadError> {
        if confirmed <= snapshot.epoch {
            return Ok(());
        }
        let epoch = self.current(list).await?.epoch;
        if epoch >= confirmed {
            return Ok(());
        }
        self.cache.note_epoch(list.resource(), confirmed);
        Err(disagree(list, Disagreement::ConfirmedAbove { confirmed, epoch }))
    }

    async fn current(&self, list: &L) -> Result<HotSnapshot, TierError> {
        Ok(self.hot.read(list, Slice::newest(Span::ALL, 0), false).await?.snapshot)
    }
}

/// Returns the newest key cold may hold, if a row of `span` can be at or below it.
pub(super) fn watermark_in(snapshot: HotSnapshot, span: Span) -> Option<Key> {
    snapshot.cold_watermark.filter(|newest| span.lower <= *newest && !span.is_empty())
}

fn disagree<L: List>(list: &L, disagreement: Disagreement) -> ReadError {
    ConsistencyError::new(list.resource(), disagreement).into()
}
