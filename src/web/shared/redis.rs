//! The connection to Redis, and when it is left alone.
//!
//! No request opens a connection or waits for one. A task connects, and connects again a little later after each failure. The first
//! answer that is late or broken ends the connection for everybody, so a request waits for a dead server at most once, for
//! as long as an answer may take, and usually not at all.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrics::{gauge, histogram};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError, RedisResult, pipe};
use secrecy::ExposeSecret as _;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::{SECONDS, SharedSettings, UP};
use crate::federation::shared::Entry;

/// The time to connect and sign in, and for a probe.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);
/// The time to store a value. No request waits for it.
const WRITE_WITHIN: Duration = Duration::from_secs(1);
/// The pause before the second attempt to connect. It doubles with each failure.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LAST_PAUSE: Duration = Duration::from_secs(5);
/// A connection that lasted as long was a good one: pauses are short again.
const GOOD_AFTER: Duration = Duration::from_secs(10);
/// Values that wait to be stored. More are dropped.
const WAITING_WRITES: usize = 128;

/// A Redis or Valkey server.
#[derive(Debug)]
pub struct Redis {
    timeout: Duration,
    link: Arc<Link>,
    writes: mpsc::Sender<Vec<Entry>>,
    tasks: [JoinHandle<()>; 2],
}

/// The connection while there is one.
#[derive(Debug, Default)]
struct Link {
    open: Mutex<Open>,
    lost: Notify,
}

#[derive(Debug, Default)]
struct Open {
    connection: Option<MultiplexedConnection>,
    /// The number of this connection.
    number: u64,
}

impl Drop for Redis {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Redis {
    pub(super) fn open(settings: &SharedSettings) -> Result<Self, RedisError> {
        let client = Client::open(settings.url.expose_secret())?;
        let link = Arc::new(Link::default());
        let (writes, waiting) = mpsc::channel(WAITING_WRITES);
        gauge!(UP).set(0.0);
        let tasks = [
            tokio::spawn(keep_connected(client, Arc::clone(&link))),
            tokio::spawn(store_waiting(waiting, Arc::clone(&link))),
        ];
        Ok(Self { timeout: settings.timeout, link, writes, tasks })
    }

    /// Connects once, to see whether the settings are right.
    pub async fn check(settings: &SharedSettings) -> Result<(), RedisError> {
        connect(&Client::open(settings.url.expose_secret())?).await.map(drop)
    }

    /// Returns whether there is a connection.
    pub fn is_up(&self) -> bool {
        self.link.connection().is_some()
    }

    /// Asks whether the server answers.
    pub async fn probe(&self) -> bool {
        self.link.ask("probe", CONNECT_WITHIN, ping).await.is_some()
    }

    /// Runs a short operation; `None` without an answer in time, and at once without a connection.
    pub(super) async fn ask<T>(
        &self,
        operation: &'static str,
        work: impl AsyncFnOnce(MultiplexedConnection) -> RedisResult<T>,
    ) -> Option<T> {
        self.link.ask(operation, self.timeout, work).await
    }

    /// Stores values later.
    pub(super) fn store(&self, entries: Vec<Entry>) {
        if self.is_up() && self.writes.try_send(entries).is_err() {
            tracing::debug!("answers are not shared: too many wait to be stored");
        }
    }
}

impl Link {
    fn connection(&self) -> Option<(MultiplexedConnection, u64)> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        Some((open.connection.clone()?, open.number))
    }

    fn connected(&self, connection: MultiplexedConnection) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        *open = Open { connection: Some(connection), number: open.number + 1 };
        gauge!(UP).set(1.0);
    }

    /// Ends the connection of this number.
    fn lose(&self, number: u64) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.number == number && open.connection.take().is_some() {
            gauge!(UP).set(0.0);
            self.lost.notify_one();
        }
    }

    async fn ask<T>(
        &self,
        operation: &'static str,
        within: Duration,
        work: impl AsyncFnOnce(MultiplexedConnection) -> RedisResult<T>,
    ) -> Option<T> {
        let (connection, number) = self.connection()?;
        let begun = Instant::now();
        let answer = timeout(within, work(connection)).await;
        let outcome = match &answer {
            Ok(Ok(_)) => "answered",
            Ok(Err(_)) => "failed",
            Err(_) => "late",
        };
        histogram!(SECONDS, "operation" => operation, "outcome" => outcome)
            .record(begun.elapsed().as_secs_f64());
        match answer {
            Ok(Ok(answer)) => return Some(answer),
            // The server answered, with a refusal: it is out of memory, still loading, or the key holds something else.
            Ok(Err(error)) if !is_broken(&error) => {
                tracing::debug!(operation, %error, "Redis refuses");
            }
            Ok(Err(error)) => {
                tracing::debug!(operation, %error, "the connection to Redis is broken");
                self.lose(number);
            }
            Err(_) => self.lose(number),
        }
        None
    }
}

fn is_broken(error: &RedisError) -> bool {
    error.is_io_error() || error.is_unrecoverable_error()
}

async fn ping(mut connection: MultiplexedConnection) -> RedisResult<()> {
    redis::cmd("PING").exec_async(&mut connection).await
}

/// Stores what waits to be, until the sender is gone.
async fn store_waiting(mut waiting: mpsc::Receiver<Vec<Entry>>, link: Arc<Link>) {
    while let Some(entries) = waiting.recv().await {
        let mut sets = pipe();
        for Entry { key, value, kept_for } in entries {
            let millis = u64::try_from(kept_for.as_millis()).unwrap_or(u64::MAX);
            sets.cmd("SET").arg(key).arg(value).arg("PX").arg(millis).ignore();
        }
        let write = async move |mut connection| sets.exec_async(&mut connection).await;
        link.ask("write", WRITE_WITHIN, write).await;
    }
}

/// Connects whenever there is no connection, for ever.
async fn keep_connected(client: Client, link: Arc<Link>) {
    let server = client.get_connection_info().addr().to_string();
    let mut pause = FIRST_PAUSE;
    let mut is_reported = false;
    loop {
        match connect(&client).await {
            Ok(connection) => {
                tracing::info!(server, "connected to Redis");
                let begun = Instant::now();
                link.connected(connection);
                link.lost.notified().await;
                tracing::warn!(server, "Redis does not answer in time; nothing is shared until it does");
                is_reported = false;
                if begun.elapsed() >= GOOD_AFTER {
                    pause = FIRST_PAUSE;
                }
            }
            Err(error) => {
                // Once for each outage.
                if !is_reported {
                    tracing::warn!(server, %error, "Redis cannot be reached; nothing is shared until it can");
                }
                is_reported = true;
            }
        }
        sleep(pause).await;
        pause = LAST_PAUSE.min(pause * 2);
    }
}

async fn connect(client: &Client) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
    let connecting = async {
        let connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        ping(connection.clone()).await?;
        Ok(connection)
    };
    let late = |_| Err(io::Error::from(io::ErrorKind::TimedOut).into());
    timeout(CONNECT_WITHIN, connecting).await.unwrap_or_else(late)
}
