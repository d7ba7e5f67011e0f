//! Reads the tables of a platform from the catalogs of PostgreSQL, and plans their adoption.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row as _};

use super::{Postgres, refused};
use crate::adoption::postgres::{missing_keys, nullable_columns, plan};
use crate::adoption::{Adoption, Preparation, RowCounts, count_nulls, count_orphans, prepare_keys};
use crate::schema::Dialect;
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
        let nulls = count_nulls(Dialect::Postgres, &nullable_columns(&live.model, &declared));
        let nulls = self.counts(connection, "adoption.nulls", nulls).await?;
        let keys = missing_keys(&live.model, &declared);
        let orphans = count_orphans(Dialect::Postgres, &keys);
        let orphans = self.counts(connection, "adoption.orphans", orphans).await?;
        let mut done = plan(&live, &declared, &nulls, adoption);
        prepare_keys((Dialect::Postgres, false), &keys, &orphans, &mut done);
        Ok(Some(done))
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
