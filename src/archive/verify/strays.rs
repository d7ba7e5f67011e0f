//! Rows of cold that have no business there: of moves that the journal does not know, or erased.

use super::{Kind, Looked, Verifier};
use crate::tier::{Begin, TierError};

impl Verifier<'_> {
    /// Rows that no entry of the journal brought, or closed.
    pub(super) async fn strays(&self) -> Result<Looked, TierError> {
        let mut looked = Looked::default();
        // On a connection of its own: this may take longer than a reader is allowed to.
        let mut cold = self.cold.session().await?;
        cold.begin(Begin::Read).await?;
        for moved in &self.family.tables {
            for record in cold.fetch(&moved.verify.strays, &[self.family.resource.into()]).await? {
                let (epoch, n) = (record.int("epoch")?, record.int("n")?);
                let detail = format!("{n} rows of {} name this move, the journal does not", moved.table.name);
                looked.violation(Kind::Journal, Some(epoch), detail);
            }
        }
        cold.rollback().await?;
        Ok(looked)
    }

    /// Rows that were erased and are there again, or still.
    pub(super) async fn erased(&self) -> Result<Looked, TierError> {
        let mut looked = Looked::default();
        let mut cold = self.cold.session().await?;
        cold.begin(Begin::Read).await?;
        for (noun, moved, along) in self.family.erasable() {
            let statement = &moved.verify.erased[along];
            for record in cold.fetch(statement, &[noun.into()]).await? {
                let (id, n, table) = (record.int("id")?, record.int("n")?, moved.table.name);
                let detail = format!("{n} rows of {table} are of {noun} {id}, which was erased");
                looked.violation(Kind::Erased, None, detail);
            }
        }
        cold.rollback().await?;
        Ok(looked)
    }
}
