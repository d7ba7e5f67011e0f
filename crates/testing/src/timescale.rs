//! Databases on a PostgreSQL with TimescaleDB.
//!
//! `THERMOCLINE_TEST_TIMESCALE_URL` names a database on it. With it every cold tier on PostgreSQL is cut into chunks.

use sqlx::{Executor as _, PgConnection};
use thermocline::schema::spread::hypertable;
use thermocline::tier::Schema;

/// Returns the URL of the server, if there is one.
pub fn url() -> Option<String> {
    std::env::var("THERMOCLINE_TEST_TIMESCALE_URL").ok().filter(|url| !url.is_empty())
}

/// Makes the extension in a database.
pub async fn prepare(connection: &mut PgConnection) {
    connection.execute("CREATE EXTENSION timescaledb").await.expect("the extension is made");
    // Its scheduler would hold a connection, so that the database could not be copied.
    let text = "SELECT _timescaledb_functions.stop_background_workers()";
    connection.execute(text).await.expect("the scheduler ends");
}

/// Cuts the tables of a migrated cold tier into chunks, as `thermocline db hypertable` does, where it has the extension.
pub async fn cut(cold: &dyn Schema) {
    let Some(tables) = hypertable::read(cold).await.expect("the catalogs are read") else { return };
    let mut direct = cold.migrating().await.expect("the migration lock");
    for statement in hypertable::plan(&tables) {
        if let Err(stop) = direct.run(&statement).await {
            panic!("{statement}: {}", stop.source);
        }
    }
    direct.close().await;
}
