//! Citus: tables of PostgreSQL that are spread over workers.

use sqlx::Executor as _;
use sqlx::postgres::PgConnection;

/// Finds out whether the server has Citus.
pub(super) const IS_THERE: &str = "SELECT to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL";

/// Finds out whether a table that unqualified names find is spread over workers.
pub(super) const IS_SPREAD: &str = "SELECT EXISTS (SELECT 1 FROM pg_dist_partition p \
    WHERE p.partmethod = 'h' AND pg_table_is_visible(p.logicalrelid))";

/// Returns whether tables of the database are spread over workers.
pub(super) async fn is_spread(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let is_there: bool = sqlx::query_scalar(IS_THERE).persistent(false).fetch_one(&mut *connection).await?;
    if !is_there {
        return Ok(false);
    }
    sqlx::query_scalar(IS_SPREAD).persistent(false).fetch_one(connection).await
}

/// Lets statements be planned for their parameters: without them Citus does not know the shard.
pub(super) const PLAN_FOR_PARAMETERS: &str = "SET plan_cache_mode = auto";

/// Prepares a new connection to spread tables.
pub(super) async fn plan_for_parameters(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    connection.execute(PLAN_FOR_PARAMETERS).await.map(drop)
}
