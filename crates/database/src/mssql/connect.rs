//! One connection: how it is reached, encrypted and set up.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use secrecy::ExposeSecret as _;
use tiberius::error::Error;
use tiberius::{AuthMethod, Config, EncryptionLevel, Row, SqlBrowser as _};
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt as _};

use super::super::Value;
use super::cells::{Param, with_nulls};
use super::fault;
use crate::address::{Encrypt, Mssql as Address};
use crate::dial;

/// The number of redirects of a login, as Azure's gateways send them.
const HOPS: usize = 3;
/// The port of SQL Browser, which knows the ports of named instances.
const BROWSER: u16 = 1434;

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

    /// Returns the text that sets a connection up. In a deadlock with the platform the program gives way, since it tries again.
    pub const fn setup(self) -> &'static str {
        match self {
            Self::Reader => "SET TRANSACTION ISOLATION LEVEL SNAPSHOT; SET LOCK_TIMEOUT 10000;",
            Self::Writer => {
                "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SET LOCK_TIMEOUT 10000; SET XACT_ABORT ON; \
                 SET DEADLOCK_PRIORITY LOW;"
            }
            Self::Migrator => {
                "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SET XACT_ABORT ON; SET DEADLOCK_PRIORITY LOW;"
            }
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
    match login_with(address, role, lenient, address.encrypt).await {
        // The server cannot encrypt, or the driver does not understand that it will not. An attacker gains nothing: any
        // certificate would have done.
        Err(Error::Tls(_) | Error::Io { kind: std::io::ErrorKind::UnexpectedEof, .. })
            if address.encrypt == Encrypt::Login =>
        {
            login_with(address, role, lenient, Encrypt::Off).await
        }
        done => done,
    }
}

async fn login_with(address: &Address, role: Role, lenient: bool, encrypt: Encrypt) -> Result<Client, Error> {
    let mut config = config(address, role, lenient, encrypt).await?;
    let mut stream = reach(address).await?;
    let mut host = address.host.clone();
    for _ in 0..HOPS {
        stream.set_nodelay(true)?;
        match Box::pin(Client::connect(config.clone(), stream.compat_write())).await {
            Err(Error::Routing { host: routed, port }) => {
                config.host(&routed);
                config.port(port);
                stream = reach_port(&routed, port, address).await?;
                host = routed;
            }
            Err(Error::Tls(said)) => return Err(Error::Tls(fault::uncertified(&said, &host))),
            other => return other,
        }
    }
    Err(Error::Protocol(format!("sent on more than {HOPS} times").into()))
}

/// Returns the driver's configuration for a connection.
async fn config(address: &Address, role: Role, lenient: bool, encrypt: Encrypt) -> Result<Config, Error> {
    let mut config = Config::new();
    config.application_name(&address.application);
    config.host(&address.host);
    config.port(address.port);
    config.database(&address.database);
    config.authentication(match &address.access_token_file {
        // Read each time: such a token lives for about an hour, and somebody else renews the file.
        Some(file) => AuthMethod::aad_token(access_token(file).await?),
        None => AuthMethod::sql_server(&address.user, address.password.expose_secret()),
    });
    // Movers and migrations write; only readers may be sent to a secondary.
    config.readonly(address.read_only_intent && role == Role::Reader);
    // [`Connection::open`] has its own limit, which may be longer than the driver's.
    config.handshake_timeout(None);
    config.command_timeout(role.patience(address));
    config.lossy_utf16_decoding(lenient);
    config.encryption(match encrypt {
        Encrypt::Required => EncryptionLevel::Required,
        Encrypt::Strict => EncryptionLevel::Strict,
        Encrypt::Login => EncryptionLevel::Off,
        Encrypt::Off => EncryptionLevel::NotSupported,
    });
    if address.trust_any_certificate {
        config.trust_cert();
    } else if let Some(file) = &address.ca {
        config.trust_cert_ca(file.display());
    }
    if let Some(name) = &address.certificate_host {
        config.hostname_in_certificate(name);
    }
    Ok(config)
}

async fn access_token(file: &Path) -> Result<String, Error> {
    let text = tokio::fs::read_to_string(file).await.map_err(|error| Error::Io {
        kind: error.kind(),
        message: format!("the access token cannot be read from {}: {error}", file.display()),
    })?;
    Ok(text.trim().to_owned())
}

/// Connects to the server or, by way of SQL Browser, to its named instance.
async fn reach(address: &Address) -> Result<TcpStream, Error> {
    let Some(instance) = &address.instance else {
        return reach_port(&address.host, address.port, address).await;
    };
    let addresses = tokio::net::lookup_host((address.host.as_str(), BROWSER)).await?;
    dial::first(addresses, pace(address), |place: SocketAddr| async move {
        let mut browser = Config::new();
        browser.host(match place {
            SocketAddr::V4(place) => place.ip().to_string(),
            SocketAddr::V6(place) => format!("[{}]", place.ip()),
        });
        browser.instance_name(instance);
        TcpStream::connect_named(&browser).await
    })
    .await
}

async fn reach_port(host: &str, port: u16, address: &Address) -> Result<TcpStream, Error> {
    let addresses = tokio::net::lookup_host((host, port)).await?;
    let stream = dial::first(addresses, pace(address), TcpStream::connect);
    stream.await.map_err(|error: std::io::Error| error.into())
}

const fn pace(address: &Address) -> dial::Pace {
    if address.race_addresses { dial::AT_ONCE } else { dial::IN_ORDER }
}
