//! Reads the tables of a platform from the catalogs of PostgreSQL, and how they would be adopted.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row as _};

use super::{Postgres, refused};
use crate::adoption::plan::RowCounts;
use crate::adoption::postgres::{count_nulls, count_orphans, missing_keys, nullable_columns, plan};
use crate::adoption::{Adoption, Preparation};
use crate::schema::model::Model;
use crate::{TierError, inspect};

impl Postgres {
    /// Returns how the tables of a platform would be adopted; `None` if there are none. Rows are counted on `connection`.
    pub(super) async fn plan(
        &self,
        connection: &mut PgConnection,
        adoption: &Adoption,
    ) -> Result<Option<Preparation>, TierError> {
        let declared = Model::of(self.schema.tables);
        let names: Vec<&str> = self.schema.tables.iter().map(|table| table.name).collect();
        let live = inspect::inspect(self, &names).await?;
        if live.model.tables.is_empty() {
            return Ok(None);
        }
        let nulls = count_nulls(&nullable_columns(&live.model, &declared));
        let nulls = self.counts(connection, "adoption.nulls", nulls).await?;
        let orphans = count_orphans(&missing_keys(&live.model, &declared));
        let orphans = self.counts(connection, "adoption.orphans", orphans).await?;
        Ok(Some(plan(&live, &declared, (&nulls, &orphans), adoption)))
    }

    /// Asks for the number of rows by table and column.
    async fn counts(
        &self,
        connection: &mut PgConnection,
        name: &'static str,
        text: Option<String>,
    ) -> Result<RowCounts, TierError> {
        let Some(text) = text else { return Ok(RowCounts::new()) };
        let rows = sqlx::query(AssertSqlSafe(text)).persistent(false).fetch_all(connection).await;
        let read = |row: &sqlx::postgres::PgRow| -> Result<_, sqlx::Error> {
            Ok(((row.try_get("tbl")?, row.try_get("col")?), row.try_get("n")?))
        };
        let counts = rows.and_then(|rows| rows.iter().map(read).collect());
        counts.map_err(|error| refused(self.schema.tier, name, error))
    }
}
