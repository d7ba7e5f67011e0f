//! Reads that prove that the two tiers belong to one instant, and detect that one of them came back from a backup.
//!
//! | seen | means |
//! |---|---|
//! | hot is at a lower move than it was before | hot is older |
//! | cold knows of a committed move above hot's | hot is older |
//! | cold has vacuumed past hot's epoch | hot is older |
//! | the journal of cold's primary does not know hot's last move | cold is older |
//!
//! From then on nothing is answered, not even from hot alone, because its answers would have gaps. An older hot must pass the
//! highest epoch that was seen of it. A cold that did not agree is quarantined: every reader has the primary prove hot's
//! epoch before it answers, until that succeeds. A recovery ends both without a restart.

use super::cache::ReadCache;
use super::error::ReadError;
use super::reads::{Cold, ColdError, ColdRows, Hot, HotSnapshot, List};
use thermocline_core::keyset::{Key, Slice, Span};
use thermocline_database::TierError;
use thermocline_journal::{ConsistencyError, Disagreement};

/// The result of a read that needed cold.
pub(super) enum Outcome<T> {
    Answer(T),
    /// The epoch asked for is gone: begin again from hot.
    Retry,
}

impl<T> Outcome<T> {
    /// Applies `change` to an answer.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Outcome<U> {
        match self {
            Self::Answer(answer) => Outcome::Answer(change(answer)),
            Self::Retry => Outcome::Retry,
        }
    }
}

/// The two tiers of a list, read so that their answers agree.
pub(super) struct Consistent<'a, L: List> {
    pub hot: &'a dyn Hot<L>,
    pub cold: Option<&'a dyn Cold<L>>,
    pub cache: &'a ReadCache,
}

impl<L: List> Consistent<'_, L> {
    /// Checks that hot rows of `snapshot` may be part of an answer. Returns false if hot must be read again.
    pub async fn check(&self, list: &L, snapshot: HotSnapshot) -> Result<bool, ReadError> {
        let seen = self.cache.note_epoch(list.resource(), snapshot.epoch);
        // This reader may only have been slow: a later read of hot sees every move that was seen before.
        if snapshot.epoch < seen && self.current(list).await?.epoch < seen {
            return Err(disagree(list, Disagreement::HotWentBack { seen, epoch: snapshot.epoch }));
        }
        let Some(cold) = self.cold.filter(|_| self.cache.is_quarantined(list.resource())) else {
            return Ok(true);
        };
        match cold.prove(list, snapshot).await {
            Ok(confirmed) => {
                self.check_confirmed(list, snapshot, confirmed).await?;
                self.cache.release(list.resource());
                Ok(true)
            }
            // An unavailable cold stays quarantined.
            Err(ColdError::Tier(error)) => Err(disagree(list, Disagreement::Quarantined(error.to_string()))),
            Err(error) => self.explain(list, snapshot, error).await.map(|()| false),
        }
    }

    /// Reads a slice of cold as of `snapshot`.
    pub async fn cold_rows(
        &self,
        list: &L,
        snapshot: HotSnapshot,
        stretch: Slice,
    ) -> Result<Outcome<Vec<L::Row>>, ReadError> {
        let rows = self.cold(list)?.read(list, snapshot, stretch).await;
        self.settle(list, snapshot, rows).await
    }

    /// Returns the number of rows of `span` in cold as of `snapshot`, from the cache if it is known.
    pub async fn cold_total(
        &self,
        list: &L,
        span: Span,
        snapshot: HotSnapshot,
    ) -> Result<Outcome<Option<i64>>, ReadError> {
        if reach(snapshot, span).is_none() {
            return Ok(Outcome::Answer(Some(0)));
        }
        if let Some(total) = self.cache.total(list.id(), span, snapshot).await {
            return Ok(Outcome::Answer(Some(total)));
        }
        match self.cold(list)?.count(list, snapshot, span).await {
            Ok(total) => {
                self.check_confirmed(list, snapshot, total.confirmed).await?;
                self.cache.keep_total(list.id(), span, snapshot, total.rows).await;
                Ok(Outcome::Answer(Some(total.rows)))
            }
            Err(error) => self.explain(list, snapshot, error).await.map(|()| Outcome::Retry),
        }
    }

    /// Checks an answer of cold against what hot says now, if cold knows of later moves.
    pub async fn settle(
        &self,
        list: &L,
        snapshot: HotSnapshot,
        answer: Result<ColdRows<L::Row>, ColdError>,
    ) -> Result<Outcome<Vec<L::Row>>, ReadError> {
        match answer {
            Ok(cold) => {
                self.check_confirmed(list, snapshot, cold.confirmed).await?;
                // The answer holds at the epoch it was asked for, whatever has moved since.
                Ok(Outcome::Answer(cold.rows))
            }
            Err(error) => self.explain(list, snapshot, error).await.map(|()| Outcome::Retry),
        }
    }

    pub fn cold(&self, list: &L) -> Result<&dyn Cold<L>, ReadError> {
        self.cold.ok_or(ReadError::NoCold { resource: list.resource() })
    }

    /// Maps an error of cold. Returns `Ok` if the read must begin again.
    pub async fn explain(&self, list: &L, snapshot: HotSnapshot, error: ColdError) -> Result<(), ReadError> {
        let disagreement = match error {
            ColdError::Tier(error) => return Err(error.into()),
            // Hot may have moved on, or been recovered.
            ColdError::EpochExpired | ColdError::Unproven if self.current(list).await? != snapshot => {
                return Ok(());
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
        Err(disagree(list, disagreement))
    }

    /// Checks that cold has confirmed no move above the epoch of hot. It may have confirmed moves above that of the reader.
    async fn check_confirmed(
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
pub(super) fn reach(snapshot: HotSnapshot, span: Span) -> Option<Key> {
    snapshot.cold_watermark.filter(|newest| span.lower <= *newest && !span.is_empty())
}

fn disagree<L: List>(list: &L, disagreement: Disagreement) -> ReadError {
    ConsistencyError::new(list.resource(), disagreement).into()
}
