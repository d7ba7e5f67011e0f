//! What users did, up to the floor: one count a user, day and action, and none where it comes to nothing.
//!
//! No reader of an older epoch is left to see the difference, and no undoing reaches so far. A sum of nothing goes, so that
//! whoever was erased leaves no trace of when he did what.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Swept, Vacuum, n};
use crate::tier::{Begin, Session, Statement, TierError, Value, cold_sql};

static ACTORS: LazyLock<Statement> = LazyLock::new(|| cold_sql!("actors"));
static FOLD: LazyLock<Statement> = LazyLock::new(|| cold_sql!("fold_actions"));
static DROP: LazyLock<Statement> = LazyLock::new(|| cold_sql!("drop_actions"));
static COUNT: LazyLock<Statement> = LazyLock::new(|| cold_sql!("count_actions"));
pub(super) static ANALYZE: LazyLock<Statement> =
    LazyLock::new(|| cold_sql!("analyze").with("{table}", "user_behavior_analytics"));

/// Users whose counts are folded in one transaction.
const USERS: i64 = 100;

impl Vacuum<'_> {
    fn counts_actions(&self) -> bool {
        self.family.tables.iter().any(|moved| moved.action.is_some())
    }

    /// How many counts would go.
    pub(super) async fn count_actions(&self, cold: &mut dyn Session, floor: i64) -> Result<i64, TierError> {
        if !self.counts_actions() {
            return Ok(0);
        }
        n(&cold.fetch(&COUNT, &[floor.into(), self.family.resource.into()]).await?)
    }

    /// Makes one count of those up to the floor, some users a transaction.
    pub(super) async fn fold_actions(
        &self,
        cold: &mut dyn Session,
        swept: &mut Swept,
        stop: &AtomicBool,
    ) -> Result<(), TierError> {
        if swept.floor == 0 || !self.counts_actions() {
            return Ok(());
        }
        let mut last = i64::MIN;
        while !stop.load(Ordering::Relaxed) {
            let records = cold.fetch(&ACTORS, &[last.into(), USERS.into()]).await?;
            let users: Vec<i64> =
                records.iter().map(|record| record.int("user_id")).collect::<Result<_, _>>()?;
            let Some(highest) = users.last().copied() else { break };
            last = highest;
            let params: [Value; 3] = [users.into(), swept.floor.into(), self.family.resource.into()];
            cold.begin(Begin::Write).await?;
            // One vacuum at a time: a sum must not be made of what another one is summing.
            self.bound(cold).await?;
            cold.execute(&FOLD, &params).await?;
            swept.actions += cold.execute(&DROP, &params).await?.cast_signed();
            cold.commit().await?;
        }
        Ok(())
    }
}
