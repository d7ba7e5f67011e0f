//! The address of a SQL Server, in the forms that its drivers use: a URL such as
//! `mssql://user:password@host:1433/database?encrypt=required`, the same with `mssql+pyodbc` or `sqlserver`,
//! `Server=host;Database=…` of ADO.NET and ODBC, and `jdbc:sqlserver://host;databaseName=…`.

mod forms;
mod options;

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

/// The default port.
pub const PORT: u16 = 1433;
/// The default time limit of a connection attempt.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// The default time limit of a statement of a move. The other tier holds its locks as long.
pub const WRITE_TIMEOUT: Duration = Duration::from_mins(2);

/// A database of SQL Server, Azure SQL or a compatible server, and how to reach it.
#[derive(Clone, Debug)]
pub struct Mssql {
    /// The host's name or address.
    pub host: String,
    /// The port. A named instance has one that SQL Browser tells.
    pub port: u16,
    /// The named instance.
    pub instance: Option<String>,
    /// The database.
    pub database: String,
    /// The user; empty with an access token.
    pub user: String,
    /// The password; empty with an access token.
    pub password: SecretString,
    /// A file with an access token of Entra ID, read for each new connection.
    pub access_token_file: Option<PathBuf>,
    /// Whether the connection is encrypted.
    pub encrypt: Encrypt,
    /// Whether any certificate is accepted.
    pub trust_any_certificate: bool,
    /// A file of certificates to trust besides the system's.
    pub ca: Option<PathBuf>,
    /// The name that the certificate must hold instead of the host's.
    pub certificate_host: Option<String>,
    /// Whether readers declare that they only read, so that a listener may send them to a secondary.
    pub read_only_intent: bool,
    /// Whether all addresses of the host are tried at once.
    pub race_addresses: bool,
    /// The name under which the server lists the connections.
    pub application: String,
    /// The time limit of TCP, TLS and login together.
    pub connect_timeout: Duration,
    /// The time limit of one statement of a move, an import or a recovery.
    pub write_timeout: Duration,
}

/// Whether a connection is encrypted. The certificate is verified unless the address says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encrypt {
    /// Encrypted from the login on; required.
    #[default]
    Required,
    /// TDS 8: TLS before the first byte of the protocol.
    Strict,
    /// The login alone is encrypted, with any certificate and only if the server can, as drivers do for `Encrypt=no`.
    Login,
    /// In clear text.
    Off,
}

impl Encrypt {
    /// Parses `required`, `strict`, `login` or `off`, or the words of other drivers.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "required" | "yes" | "true" | "1" | "mandatory" => Ok(Self::Required),
            "strict" => Ok(Self::Strict),
            "login" | "no" | "false" | "0" | "optional" => Ok(Self::Login),
            "off" => Ok(Self::Off),
            _ => Err(format!("encrypt: expected required, strict, login or off, not {text:?}")),
        }
    }
}

impl Default for Mssql {
    /// Returns an address without host, database and user.
    fn default() -> Self {
        Self {
            host: String::new(),
            port: PORT,
            instance: None,
            database: String::new(),
            user: String::new(),
            password: SecretString::default(),
            access_token_file: None,
            encrypt: Encrypt::default(),
            trust_any_certificate: false,
            ca: None,
            certificate_host: None,
            read_only_intent: false,
            race_addresses: false,
            application: "thermocline".to_owned(),
            connect_timeout: CONNECT_TIMEOUT,
            write_timeout: WRITE_TIMEOUT,
        }
    }
}

impl Mssql {
    /// Checks that the parts fit each other.
    ///
    /// # Errors
    /// The setting that is missing or contradicts another.
    pub fn checked(self) -> Result<Self, String> {
        use secrecy::ExposeSecret as _;
        if self.host.is_empty() || self.database.is_empty() {
            return Err("expected mssql://user:password@host:port/database".to_owned());
        }
        let has_login = !self.user.is_empty() || !self.password.expose_secret().is_empty();
        match (&self.access_token_file, has_login) {
            (Some(_), true) => return Err("access_token_file: user and password are given too".to_owned()),
            (Some(_), false) if matches!(self.encrypt, Encrypt::Login | Encrypt::Off) => {
                return Err("access_token_file: an access token needs an encrypted connection".to_owned());
            }
            (None, _) if self.user.is_empty() => {
                return Err(
                    "the user is missing; expected user and password, or access_token_file".to_owned()
                );
            }
            _ => {}
        }
        if self.trust_any_certificate && self.ca.is_some() {
            return Err("TrustServerCertificate: ca names the certificates to trust too".to_owned());
        }
        if self.trust_any_certificate && self.encrypt == Encrypt::Strict {
            return Err("TrustServerCertificate: encrypt=strict always verifies the certificate".to_owned());
        }
        Ok(self)
    }

    /// Returns the address without secrets.
    pub fn shown(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match &self.instance {
            Some(instance) => format!("mssql://{host}\\{instance}/{}", self.database),
            None => format!("mssql://{host}:{}/{}", self.port, self.database),
        }
    }
}

/// Parses a number of seconds from 1 to `most`.
pub fn seconds_up_to(name: &str, text: &str, most: u64) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| (1..=most).contains(seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| format!("{name}: expected 1 to {most} seconds"))
}

#[cfg(test)]
mod tests;
