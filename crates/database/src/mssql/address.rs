//! The address of a SQL Server:
//! `mssql://user:password@host:1433/database?encrypt=required|strict|off&ca=FILE&connect_timeout=SECONDS&write_timeout=SECONDS`.

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
    /// The port.
    pub port: u16,
    /// The database.
    pub database: String,
    /// The user.
    pub user: String,
    /// The password.
    pub password: SecretString,
    /// Whether the connection is encrypted.
    pub encrypt: Encrypt,
    /// A file of certificates to trust besides the system's.
    pub ca: Option<PathBuf>,
    /// The time limit of TCP, TLS and login together.
    pub connect_timeout: Duration,
    /// The time limit of one statement of a move, an import or a recovery.
    pub write_timeout: Duration,
}

/// Whether a connection is encrypted. The certificate is always verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encrypt {
    /// Encrypted from the login on; required.
    #[default]
    Required,
    /// TDS 8: TLS before the first byte of the protocol.
    Strict,
    /// In clear text.
    Off,
}

impl Encrypt {
    /// Parses `required`, `strict` or `off`.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "required" => Ok(Self::Required),
            "strict" => Ok(Self::Strict),
            "off" => Ok(Self::Off),
            _ => Err(format!("encrypt: expected required, strict or off, not {text:?}")),
        }
    }
}

impl Mssql {
    /// Parses the rest of a URL after `mssql:`. Errors never repeat a part that may be a password.
    pub fn parse(rest: &str) -> Result<Self, String> {
        let form = || "expected mssql://user:password@host:port/database".to_owned();
        let rest = rest.strip_prefix("//").ok_or_else(form)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        // The last one, since a password may be unescaped.
        let (user, place) = rest.rsplit_once('@').ok_or_else(form)?;
        let (user, password) = user.split_once(':').ok_or_else(form)?;
        let (host, database) = place.split_once('/').ok_or_else(form)?;
        let (host, port) = match host.rsplit_once(':') {
            // The colons of an IPv6 address stand in brackets.
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| "the port is not a number up to 65535".to_owned())?)
            }
            _ => (host, PORT),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let mut parsed = Self {
            host: decoded(host)?,
            port,
            database: decoded(database)?,
            user: decoded(user)?,
            password: decoded(password)?.into(),
            encrypt: Encrypt::default(),
            ca: None,
            connect_timeout: CONNECT_TIMEOUT,
            write_timeout: WRITE_TIMEOUT,
        };
        if parsed.host.is_empty() || parsed.database.is_empty() || parsed.user.is_empty() {
            return Err(form());
        }
        for option in query.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("encrypt", value)) => parsed.encrypt = Encrypt::parse(value)?,
                Some(("ca", file)) => parsed.ca = Some(decoded(file)?.into()),
                Some(("connect_timeout", seconds)) => {
                    parsed.connect_timeout = seconds_up_to("connect_timeout", seconds, 300)?;
                }
                Some(("write_timeout", seconds)) => {
                    parsed.write_timeout = seconds_up_to("write_timeout", seconds, 86_400)?;
                }
                // The text after a question mark may belong to a password.
                _ => return Err("unknown option; a ? in a password is written %3F".to_owned()),
            }
        }
        Ok(parsed)
    }

    /// Returns the address without secrets.
    pub fn shown(&self) -> String {
        format!("mssql://{}:{}/{}", self.host, self.port, self.database)
    }
}

/// Parses a number of seconds from 1 to `most`.
pub fn seconds_up_to(name: &str, text: &str, most: u64) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| (1..=most).contains(seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| format!("{name}: expected 1 to {most} seconds"))
}

/// Decodes `%XX` in `text`.
fn decoded(text: &str) -> Result<String, String> {
    let fault = || "a % is not followed by two hexadecimal digits; a % itself is written %25".to_owned();
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' {
            let digits =
                after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok()).ok_or_else(fault)?;
            if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(fault());
            }
            bytes.push(u8::from_str_radix(digits, 16).map_err(|_| fault())?);
            rest = &after[2..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8 when decoded".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    #[test]
    fn a_url_is_taken_apart() {
        let at = Mssql::parse(
            "//sa:p%40ss%2F%25%3F%00%E4%BD%A0:@[::1]:14330/my%20db?encrypt=strict&ca=/a%26b.pem",
        );
        let at = at.expect("a URL");
        assert_eq!((at.host.as_str(), at.port, at.database.as_str()), ("::1", 14330, "my db"));
        assert_eq!((at.user.as_str(), at.password.expose_secret()), ("sa", "p@ss/%?\0你:"));
        assert_eq!((at.encrypt, &at.ca), (Encrypt::Strict, &Some(PathBuf::from("/a&b.pem"))));
        let patient = Mssql::parse("//sa:x@host/db?connect_timeout=60&encrypt=off").expect("a URL");
        assert_eq!(
            (at.connect_timeout, patient.connect_timeout),
            (Duration::from_secs(15), Duration::from_mins(1))
        );
        let hasty = Mssql::parse("//sa:x@host/db?write_timeout=7").expect("a URL");
        assert_eq!((at.write_timeout, hasty.write_timeout), (Duration::from_mins(2), Duration::from_secs(7)));
        let plain = Mssql::parse("//sa:a@b/c@host/db").expect("a URL");
        assert_eq!(
            (plain.password.expose_secret(), plain.port, plain.encrypt),
            ("a@b/c", 1433, Encrypt::Required)
        );
        assert!(!format!("{plain:?} {}", plain.shown()).contains("a@b/c"));
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_the_password() {
        for bad in [
            "//host/db",
            "//sa@host/db",
            "//sa:hunter2@host",
            "//sa:hunter2@host/",
            "//sa:hunter2@host:99999/db",
            "//sa:hunter2%@host/db",
            "//sa:hunter2%+1@host/db",
            "//sa:hunter2@host/db?encrypt=yes",
            "//sa:x?hunter2@host/db",
            "//sa:hunter2@host/db?trust=1",
            "//sa:hunter2@host/db?write_timeout=0",
        ] {
            let fault = Mssql::parse(bad).expect_err(bad);
            assert!(!fault.contains("hunter2"), "{fault}");
        }
    }
}
