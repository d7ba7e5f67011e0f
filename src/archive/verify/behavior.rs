//! What users did, as it is counted, against the rows that are their doing.
//!
//! Above the floor each move has counted what it brought and closed, and is checked with its batch. Up to the floor vacuum
//! has made one count of many, and the sums must be those of the versions that are visible at the floor: one statement an
//! action, which the database sorts on its disk, and which answers with what differs alone.

use std::sync::LazyLock;

use super::{Kind, Looked, Verifier};
use crate::archive::behavior::Action;
use crate::schema::{Table, hot};
use crate::tier::{Begin, Session, Statement, TierError, cold_sql};

static ACTIONS: LazyLock<Statement> = LazyLock::new(|| cold_sql!("actions"));
static STRAYS: LazyLock<Statement> = LazyLock::new(|| cold_sql!("action_strays"));

/// Compares what is counted of the rows of `table`, whose twin in cold is `archived`, each the doing of `user`. A row
/// without a time counts on the day of the row that its column `owner` names.
pub(in crate::archive) fn statement(table: &Table, archived: &str, user: &str, owner: &str) -> Statement {
    let timed = table.columns.iter().any(|column| column.name == "created_at");
    let owned_by =
        table.columns.iter().find(|column| column.name == owner).and_then(|owner| owner.references);
    let owners =
        hot::TABLES.iter().find(|table| Some(table.name) == owned_by).and_then(|table| table.archived);
    let rows = match owners {
        // Its version that was there when the row came.
        Some(owners) if !timed => format!(
            "{archived} t JOIN {owners} d ON d.original_id = t.{owner} AND d.from_epoch <= t.from_epoch \
             AND (d.to_epoch IS NULL OR d.to_epoch > t.from_epoch)"
        ),
        _ => format!("{archived} t"),
    };
    let day = if timed { "t.created_at" } else { "d.created_at" };
    cold_sql!("acted").with("{rows}", &rows).with("{user}", user).with("d.created_at", day)
}

impl Verifier<'_> {
    /// Checks what the moves of these epochs, both included, have counted of what users did.
    pub(super) async fn check_actions(
        &self,
        cold: &mut dyn Session,
        (first, last): (i64, i64),
        looked: &mut Looked,
    ) -> Result<(), TierError> {
        let batch = (first == last).then_some(first);
        for moved in &self.family.tables {
            let Some(Action { name, check, .. }) = &moved.action else { continue };
            let params = [self.family.resource.into(), (*name).into(), first.into(), last.into()];
            for record in cold.fetch(check, &params).await? {
                let (user, day) = (record.int("user_id")?, record.date("day")?);
                let (counted, n) = (record.int("counted")?, record.int("n")?);
                let detail =
                    format!("{name} of user {user} on {day} is counted {counted} times; there are {n}");
                looked.violation(Kind::Behavior, batch, detail);
            }
        }
        Ok(())
    }

    /// Checks what is counted up to the floor, and what nobody should have counted.
    pub(super) async fn folded_actions(&self) -> Result<Looked, TierError> {
        let mut looked = Looked::default();
        let known: Vec<&str> = self
            .family
            .tables
            .iter()
            .filter_map(|moved| moved.action.as_ref().map(|action| action.name))
            .collect();
        // On a connection of its own, and of one instant: this may take longer than a reader is allowed to.
        let mut cold = self.cold.session().await?;
        cold.begin(Begin::Read).await?;
        for record in cold.fetch(&ACTIONS, &[self.family.resource.into()]).await? {
            let (action, n) = (record.text("action")?, record.int("n")?);
            if !known.contains(&&*action) {
                looked.violation(
                    Kind::Behavior,
                    None,
                    format!("{n} counts of {action:?}, which nobody does"),
                );
            }
        }
        for record in cold.fetch(&STRAYS, &[self.family.resource.into()]).await? {
            let (epoch, n) = (record.int("epoch")?, record.int("n")?);
            let detail = format!("{n} counts of what users did name this move, the journal does not");
            looked.violation(Kind::Journal, Some(epoch), detail);
        }
        let floor = self.floor(&mut *cold).await?;
        if floor > 0 {
            self.check_actions(&mut *cold, (0, floor), &mut looked).await?;
        }
        cold.rollback().await?;
        Ok(looked)
    }
}
