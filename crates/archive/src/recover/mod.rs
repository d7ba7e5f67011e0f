//! `archive recover`: makes the two databases agree after one was restored from a backup, and keeps what only one has.
//!
//! *Hot is older*: cold has moves that this hot does not know. The newest version of every row they touched goes back to
//! hot, and the versions they left open are closed; the rows will be archived again. Of an unconfirmed move hot gets only the
//! rows that it lacks: the move may never have happened, and the platform may have changed the rows since. *Cold is
//! older*: it does not know the last move of hot. The rows of the missing moves are lost, which an operator has to
//! accept. Versions that cold shows and hot holds are closed. Rows that an unconfirmed restore took out of cold go to hot
//! if it lacks them. Both can be true at once. Erased rows stay erased.
//!
//! *Hot belongs to no pair*: its state was dropped, or it was built anew beside a cold with a history ([`join`]).
//!
//! All of this is one move, so it may be killed and run again. It holds the rows of the moves that hot does not know in
//! memory.

mod adopted;
mod apply;
mod assess;
mod join;
mod queries;
mod reinstate;
mod report;

pub use self::apply::{IDS, reserve_ids};
pub use self::queries::{ids_after, statements, strays};
pub use self::report::{Choices, Consent, InDoubtMove, MissingParents, Recovery};
use crate::fail_point;
use crate::model::Family;
use crate::moves::transaction::Move;
use crate::moves::{MoveError, Mover, preflight, settle};
use thermocline_journal::{Digest, MoveKind, entry, state};

impl Mover<'_> {
    /// Recovers one resource. If the databases agree, only what an interrupted mover left is settled.
    pub async fn recover(&self, family: &Family, consent: &Consent) -> Result<Recovery, MoveError> {
        self.recover_with(family, consent, &Choices::default()).await
    }

    /// Recovers one resource with the choices of an operator.
    pub async fn recover_with(
        &self,
        family: &Family,
        consent: &Consent,
        choices: &Choices,
    ) -> Result<Recovery, MoveError> {
        // An older cold would claim numbers that hot has passed.
        let passed = state::read(self.hot, family.resource).await?.epoch;
        let mut this = Move::open(self, family, passed).await?;
        this.cold.allow_long_statements();
        this.lock_claim().await?;
        let mut recovery = assess::assess(&mut this, choices).await?;
        if !recovery.is_due() || !recovery.refused.is_empty() {
            if *consent == Consent::DryRun || !recovery.refused.is_empty() {
                this.cold.rollback().await?;
            } else {
                settle::settle(&mut this).await?;
                this.cold.commit().await?;
            }
            this.give_up().await?;
            return Ok(recovery);
        }
        let parents = preflight::check_returning(self.hot, family).await?;
        let leaving = if recovery.joins {
            join::join(&mut this, choices, &parents, &mut recovery).await?
        } else {
            apply::apply(&mut this, choices, &parents, &mut recovery).await?
        };
        if recovery.is_blocked() || !recovery.is_allowed(consent) {
            this.cold.rollback().await?;
            this.give_up().await?;
            return Ok(recovery);
        }
        let kind = if recovery.lost.is_some() { MoveKind::Loss } else { MoveKind::Recover };
        fail_point::reached("worked-in-hot");
        let watermark = apply::watermark(&mut this).await?;
        // Readers refuse a confirmed move above hot's epoch, so these are confirmed with this move, once hot has committed
        // it. Quarantine tells the next recovery that hot was not seen to commit them.
        entry::quarantine(&mut *this.cold, family.resource, recovery.hot_epoch).await?;
        this.commit_cold(kind, &leaving, Digest::default()).await?;
        let epoch = this.number;
        this.commit(watermark).await?;
        recovery.epoch = Some(epoch);
        let (brought_back, closed) = (recovery.brought_back, recovery.closed);
        let lost = recovery.lost.map(|(first, last)| format!("{first}-{last}"));
        tracing::warn!(resource = family.resource, epoch, brought_back, closed, lost, "recovered");
        // Rows that were erased while the other database was away.
        self.finish_erasures(family).await?;
        Ok(recovery)
    }
}
