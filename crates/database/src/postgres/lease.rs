//! A leased connection, and what is done with a new one before its first use.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::PgConnection;
use sqlx::{Executor as _, Postgres};

/// Makes the server check every second of a statement whether its client is still there. Servers without the setting
/// (before 14) ignore it.
pub(super) const LOOK_FOR_CLIENT: &str = "SELECT set_config(name, '1000', false) FROM pg_settings \
    WHERE name = 'client_connection_check_interval'";

/// Prepares a new connection. Best effort: without it an abandoned statement ends at its time limit.
pub(super) async fn look_for_client(connection: &mut PgConnection) {
    let _ = connection.execute(LOOK_FOR_CLIENT).await;
}

/// Reads whether the server accepts no writes: a standby, or a server that was made read-only.
pub(super) const READS_ONLY: &str = "SELECT current_setting('transaction_read_only') = 'on'";

/// Refuses a server that only reads.
pub(super) async fn refuse_read_only(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    if sqlx::query_scalar(READS_ONLY).fetch_one(connection).await? {
        let text = "the server accepts no writes, and target_session_attrs asks for one that does";
        return Err(sqlx::Error::Configuration(text.into()));
    }
    Ok(())
}

/// The time limit for returning a connection to its pool, which pings the server first. On a silent network the ping has
/// no answer: without a limit the connection would be missing forever, and closing the pool would wait for it.
const RETURN: Duration = Duration::from_secs(5);

/// A leased connection. Dropped before its answer is complete, it is closed, which ends the statement. In the pool it
/// would block until the server had finished.
pub(super) struct Lease {
    connection: PoolConnection<Postgres>,
    busy: bool,
}

impl Lease {
    pub fn new(connection: PoolConnection<Postgres>) -> Self {
        Self { connection, busy: false }
    }

    /// Returns the connection and marks it as in use.
    pub fn begin(&mut self) -> &mut PgConnection {
        self.busy = true;
        &mut self.connection
    }

    /// Marks the use as complete.
    pub fn end(&mut self) {
        self.busy = false;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.busy {
            self.connection.close_on_drop();
        } else if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            // `PoolConnection` does the same when it is dropped, but without a limit. After the limit the future is
            // dropped with the connection, which closes its socket.
            let returned = self.connection.return_to_pool();
            runtime.spawn(async move { tokio::time::timeout(RETURN, returned).await });
        }
    }
}
