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

/// How often a login may be sent on to another address, as gateways of Azure do.
const HOPS: usize = 3;

/// What a connection is for. What is set when it is made is never changed: nothing would set it back for the next user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Reads as of one instant.
    Reader,
    /// Moves and imports.
    Writer,
    /// Migrations, which take their time.
    Migrator,
}

impl Role {
    /// How long one statement may take.
    const fn patience(self, address: &Address) -> Option<Duration> {
        match self {
            Self::Reader => Some(Duration::from_secs(30)),
            Self::Writer => Some(address.write_timeout),
            Self::Migrator => None,
        }
    }

    const fn setup(self) -> &'static str {
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

/// A connection that knows whether its last use came to an end.
#[derive(Debug)]
pub(super) struct Connection {
    client: Client,
    pub made: Instant,
    pub used: Instant,
    /// Set while it is used: whoever finds it set must not use the connection, in which an answer may be on its way.
    pub dirty: bool,
}

impl Connection {
    /// A new one. `lenient` reads what is no sound UTF-16 as U+FFFD.
    pub async fn open(address: &Address, role: Role, lenient: bool) -> Result<Self, Error> {
        // The driver's own limit leaves TCP out, and the setup.
        let opened = tokio::time::timeout(address.connect_timeout, async {
            // Boxed: what waits for a connection should not carry the whole handshake along.
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

    /// The rows of a statement.
    pub async fn query(&mut self, text: &str, params: &[Value]) -> Result<Vec<Row>, Error> {
        self.dirty = true;
        let text = with_nulls(text, params);
        let params: Vec<Param<'_>> = params.iter().map(Param).collect();
        let params: Vec<&dyn tiberius::ToSql> = params.iter().map(|param| param as _).collect();
        let done = match self.client.query(text.as_ref(), &params).await {
            // To the end: errors come last.
            Ok(stream) => stream.into_first_result().await,
            Err(error) => Err(error),
        };
        self.settle(&done);
        done
    }

    /// How many rows a statement touched.
    pub async fn execute(&mut self, text: &str, params: &[Value]) -> Result<u64, Error> {
        self.dirty = true;
        let text = with_nulls(text, params);
        let params: Vec<Param<'_>> = params.iter().map(Param).collect();
        let params: Vec<&dyn tiberius::ToSql> = params.iter().map(|param| param as _).collect();
        let done = self.client.execute(text.as_ref(), &params).await.map(tiberius::ExecuteResult::total);
        self.settle(&done);
        done
    }

    /// Runs a text without parameters as a batch of its own.
    pub async fn batch(&mut self, text: &str) -> Result<Vec<Row>, Error> {
        self.dirty = true;
        let done = match self.client.simple_query(text).await {
            Ok(stream) => stream.into_first_result().await,
            Err(error) => Err(error),
        };
        self.settle(&done);
        done
    }

    /// Tells the server to stop what it is doing for this connection, and hangs up.
    pub async fn abandon(mut self) {
        // Closing alone would leave the server at work on an answer that nobody reads.
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
    // [`Connection::open`] has a limit of its own, which may be longer than the driver's.
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
