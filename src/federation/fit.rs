//! Whether the two tiers belong to one instant: what tells that one of them has come back from a backup.
//!
//! | seen | means |
//! |---|---|
//! | hot stands before a move it has had | hot is older |
//! | cold knows of a committed move above hot's number | hot is older |
//! | cold has vacuumed past where hot stands | hot is older |
//! | the journal of cold's primary does not know hot's last move | cold is older |
//!
//! From then on nothing is answered, what hot would answer alone neither, which would have gaps. Of an older hot the highest
//! number is remembered, above which hot has to come; of a cold that did not fit that it did not, and every reader has the
//! primary prove what hot says before he answers, until it does. A recovery ends both, without a restart.

use super::ReadError;
use super::reads::{ColdError, List, Mark};
use super::window::Tiers;
use crate::page::{Slice, Span};
use crate::tier::TierError;

impl<L: List> Tiers<'_, L> {
    /// Whether what hot said at `mark` may be part of an answer; false: ask it again.
    pub(super) async fn fits(&self, list: &L, mark: Mark) -> Result<bool, ReadError> {
        let seen = self.memory.note_epoch(list.resource(), mark.epoch);
        // This reader may only have been slow: whoever asks now sees every move that was seen before.
        if mark.epoch < seen && self.hot_mark(list).await?.epoch < seen {
            let detail = format!("hot has been at move {seen}, and stands at {}", mark.epoch);
            return Err(recover_due(list, detail));
        }
        let Some(cold) = self.cold.filter(|_| self.memory.is_doubted(list.resource())) else {
            return Ok(true);
        };
        match cold.prove(list, mark).await {
            Ok(confirmed) => {
                self.check_confirmed(list, mark, confirmed).await?;
                self.memory.trust(list.resource());
                Ok(true)
            }
            // That it is away now does not make it fit.
            Err(ColdError::Tier(error)) => {
                Err(recover_due(list, format!("cold did not fit hot, and cannot be asked again: {error}")))
            }
            Err(error) => self.refused(list, mark, error).await.map(|()| false),
        }
    }

    /// Cold may know of later moves than the reader, but never of later ones than hot.
    pub(super) async fn check_confirmed(
        &self,
        list: &L,
        mark: Mark,
        confirmed: i64,
    ) -> Result<(), ReadError> {
        if confirmed > mark.epoch && self.hot_mark(list).await?.epoch < confirmed {
            self.memory.note_epoch(list.resource(), confirmed);
            let detail = format!("cold has confirmed move {confirmed}, of which hot knows nothing");
            return Err(recover_due(list, detail));
        }
        Ok(())
    }

    /// What a refusal of cold means: `Ok` to begin again.
    pub(super) async fn refused(&self, list: &L, mark: Mark, error: ColdError) -> Result<(), ReadError> {
        let detail = match error {
            ColdError::Tier(error) => return Err(error.into()),
            // Hot may have moved on, or been recovered.
            ColdError::BelowFloor | ColdError::Unproven if self.hot_mark(list).await? != mark => {
                return Ok(());
            }
            ColdError::BelowFloor => {
                // Nothing is vacuumed that hot had not left behind.
                self.memory.note_epoch(list.resource(), mark.epoch + 1);
                format!("cold has vacuumed past epoch {}, where hot stands", mark.epoch)
            }
            ColdError::Unproven => {
                self.memory.doubt(list.resource());
                format!("cold does not know move {} of this hot", mark.epoch)
            }
        };
        Err(recover_due(list, detail))
    }

    async fn hot_mark(&self, list: &L) -> Result<Mark, TierError> {
        Ok(self.hot.read(list, Slice::newest(Span::ALL, 0), false).await?.mark)
    }
}

fn recover_due<L: List>(list: &L, detail: String) -> ReadError {
    ReadError::RecoverDue { resource: list.resource(), detail }
}
