//! One connection: how it is reached, encrypted and set up.

use std::time::{Duration, Instant};

use secrecy::ExposeSecret as _;
use tiberius::error::Error;
use tiberius::{AuthMethod, Config, EncryptionLevel, Row};
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt as _};

use super::super::Value;
use super::cells::{Param, with_nulls};
use super::fault;
use crate::address::{Encrypt, Mssql as Address};

/// The number of redirects of a login, as Azure's gateways send them.
const HOPS: usize = 3;

/// The purpose of a connection. Its settings are never changed later, since nothing would reset them for the next
/// user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Reads under snapshot isolation.
    Reader,
    /// Moves and imports.
    Writer,
    /// Migrations, without a short time limit.
    Migrator,
}

impl Role {
    /// Returns the time limit of one statement.
    const fn patience(self, address: &Address) -> Option<Duration> {
        match self {
            Self::Reader => Some(Duration::from_secs(30)),
            Self::Writer => Some(address.write_timeout),
            Self::Migrator => None,
        }
    }

    pub const fn setup(self) -> &'static str {
        match self {
            Self::Reader => "SET TRANSACTION ISOLATION LEVEL SNAPSHOT; SET LOCK_TIMEOUT 10000;",
            Self::Writer => {
                "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SET LOCK_TIMEOUT 10000; SET XACT_ABORT ON;"
            }
            Self::Migrator => "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SET XACT_ABORT ON;",
        }
    }
}

type Client = tiberius::Client<Compat<TcpStream>>;

/// A connection that knows whether its last use completed.
#[derive(Debug)]
pub(super) struct Connection {
    client: Client,
    pub made: Instant,
    pub used: Instant,
    /// Set during use. A connection found with it set may have an answer in flight and must not be used.
    pub dirty: bool,
}

impl Connection {
    /// Opens a connection. `lenient` reads invalid UTF-16 as U+FFFD.
    pub async fn open(address: &Address, role: Role, lenient: bool) -> Result<Self, Error> {
        // The driver's own limit covers neither TCP nor the setup.
        let opened = tokio::time::timeout(address.connect_timeout, async {
            // Boxed, so that futures waiting for a connection stay small.
            let client = Box::pin(login(address, role, lenient)).await?;
            let now = Instant::now();
            let mut connection = Self { client, made: now, used: now, dirty: false };
            connection.batch(role.setup()).await?;
            Ok(connection)
        });
        opened.await.unwrap_or_else(|_| {
            Err(Error::Io {
                kind: std::io::ErrorKind::TimedOut,
                message: format!("no connection within {:?}", address.connect_timeout),
            })
        })
    }

    fn settle<T>(&mut self, done: &Result<T, Error>) {
        self.used = Instant::now();
        self.dirty = match done {
            Ok(_) => false,
            Err(error) => !fault::leaves_connection_whole(error),
        };
    }

    /// Returns the rows of a statement.
    pub async fn query(&mut self, text: &str, params: &[Value]) -> Result<Vec<Row>, Error> {
        self.dirty = true;
        let text = with_nulls(text, params);
        let params: Vec<Param<'_>> = params.iter().map(Param).collect();
        let params: Vec<&dyn tiberius::ToSql> = params.iter().map(|param| param as _).collect();
        let done = match self.client.query(text.as_ref(), &params).await {
            // Read to the end, since errors come last.
            Ok(stream) => stream.into_first_result().await,
            Err(error) => Err(error),
        };
        self.settle(&done);
        done
    }

    /// Returns the number of rows a statement affected.
    pub async fn execute(&mut self, text: &str, params: &[Value]) -> Result<u64, Error> {
        self.dirty = true;
        let text = with_nulls(text, params);
        let params: Vec<Param<'_>> = params.iter().map(Param).collect();
        let params: Vec<&dyn tiberius::ToSql> = params.iter().map(|param| param as _).collect();
        let done = self.client.execute(text.as_ref(), &params).await.map(tiberius::ExecuteResult::total);
        self.settle(&done);
        done
    }

    /// Runs a text without parameters as a batch.
    pub async fn batch(&mut self, text: &str) -> Result<Vec<Row>, Error> {
        self.dirty = true;
        let done = match self.client.simple_query(text).await {
            Ok(stream) => stream.into_first_result().await,
            Err(error) => Err(error),
        };
        self.settle(&done);
        done
    }

    /// Cancels the running statement on the server and closes the connection.
    pub async fn abandon(mut self) {
        // Closing alone would leave the server working on an abandoned answer.
        let told = tokio::time::timeout(Duration::from_secs(1), async {
            let _ = self.client.cancel_query().await;
            let _ = self.client.close().await;
        });
        let _ = told.await;
    }
}

async fn login(address: &Address, role: Role, lenient: bool) -> Result<Client, Error> {
    let mut config = Config::new();
    config.application_name("thermocline");
    config.host(&address.host);
    config.port(address.port);
    config.database(&address.database);
    config.authentication(AuthMethod::sql_server(&address.user, address.password.expose_secret()));
    // [`Connection::open`] has its own limit, which may be longer than the driver's.
    config.handshake_timeout(None);
    config.command_timeout(role.patience(address));
    config.lossy_utf16_decoding(lenient);
    config.encryption(match address.encrypt {
        Encrypt::Required => EncryptionLevel::Required,
        Encrypt::Strict => EncryptionLevel::Strict,
        Encrypt::Off => EncryptionLevel::NotSupported,
    });
    if let Some(file) = &address.ca {
        config.trust_cert_ca(file.display());
    }
    let mut place = (address.host.clone(), address.port);
    for _ in 0..HOPS {
        let stream = TcpStream::connect((place.0.as_str(), place.1)).await?;
        stream.set_nodelay(true)?;
        match Box::pin(Client::connect(config.clone(), stream.compat_write())).await {
            Err(Error::Routing { host, port }) => {
                config.host(&host);
                config.port(port);
                place = (host, port);
            }
            Err(Error::Tls(said)) => return Err(Error::Tls(fault::uncertified(&said, &place.0))),
            other => return other,
        }
    }
    Err(Error::Protocol(format!("sent on more than {HOPS} times").into()))
}
