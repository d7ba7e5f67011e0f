//! A connection of a pool for as long as it is used, and what tells the server that nobody waits any more.

use sqlx::pool::PoolConnection;
use sqlx::postgres::PgConnection;
use sqlx::{Executor as _, Postgres};

/// Makes a server look, every second of a statement, whether its client is still there. Asked for in a way that servers
/// without the setting (before 14, behind some systems) pass over.
const LOOK_FOR_CLIENT: &str = "SELECT set_config(name, '1000', false) FROM pg_settings \
    WHERE name = 'client_connection_check_interval'";

/// What is said on a new connection. Best effort: without it a statement given up ends at its time limit.
pub(super) async fn look_for_client(connection: &mut PgConnection) {
    let _ = connection.execute(LOOK_FOR_CLIENT).await;
}

/// A connection of a pool, lent. Given up before an answer is whole it is closed, which ends the statement; back in
/// the pool it would be out of use until the server has finished for nobody.
pub(super) struct Lease {
    connection: PoolConnection<Postgres>,
    busy: bool,
}

impl Lease {
    pub fn new(connection: PoolConnection<Postgres>) -> Self {
        Self { connection, busy: false }
    }

    /// The connection, from now on in the middle of something.
    pub fn begin(&mut self) -> &mut PgConnection {
        self.busy = true;
        &mut self.connection
    }

    /// What was begun has come to its end.
    pub fn end(&mut self) {
        self.busy = false;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.busy {
            self.connection.close_on_drop();
        }
    }
}
