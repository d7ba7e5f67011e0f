//! The parameters of an address, as libpq, JDBC and the drivers of Python name them.
//!
//! The driver ignores parameters that it does not know, so each one is checked here: it is used, it is harmless, or it is refused
//! by name.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::{PostgresUrl, options};
use crate::address::{WRITE_TIMEOUT, seconds_up_to};
use crate::connection_string::{self, encoded, switch};

/// The minimum and maximum number of connections.
const KEPT: u32 = 10;
const MOST: u32 = 30;
/// The default time limit of one connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) const SEVERAL_HOSTS: &str =
    "host: several hosts are not supported; expected one name, which may have several addresses";

/// Parameters that the driver takes as they are, by their names in libpq.
const PASSED_ON: [&str; 9] =
    ["hostaddr", "port", "dbname", "user", "password", "application_name", "options", "sslcert", "sslkey"];

/// Parameters that change nothing about where and how the program connects.
const IGNORED: [&str; 19] = [
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
    "tcpKeepAlive",
    "client_encoding",
    "sslsni",
    "sslcompression",
    "prepareThreshold",
    "reWriteBatchedInserts",
    "stringtype",
    "binaryTransfer",
    "socketTimeout",
    "load_balance_hosts",
    "passfile",
    "prepared_statement_cache_size",
    "prepared_statement_name_func",
    "statement-cache-capacity",
];

/// The modes of encryption, from the weakest.
const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// The parameters of an address that is being read, each under its only name.
#[derive(Debug, Default)]
pub(super) struct Parameters(BTreeMap<&'static str, String>);

impl Parameters {
    /// Reads one parameter.
    ///
    /// # Errors
    /// An unknown or repeated parameter, or one that the program cannot honour.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let only = match name {
            "sslmode" | "ssl-mode" | "ssl" => "sslmode",
            "sslrootcert" | "ssl-root-cert" | "ssl-ca" => "sslrootcert",
            "sslcert" | "ssl-cert" => "sslcert",
            "sslkey" | "ssl-key" => "sslkey",
            "currentSchema" | "search_path" => "search_path",
            "connect_timeout" | "loginTimeout" => "connect_timeout",
            "application_name" | "ApplicationName" | "fallback_application_name" => "application_name",
            "pgbouncer" => {
                return if switch(name, value)? { self.set("pooler", "transaction") } else { Ok(()) };
            }
            "gssencmode" | "channel_binding" => {
                let harmless = ["disable", "prefer"].contains(&value);
                return if harmless {
                    Ok(())
                } else {
                    Err(format!("{name}: only disable and prefer are supported"))
                };
            }
            _ if IGNORED.contains(&name) => return Ok(()),
            _ if name.starts_with("options[") && name.ends_with(']') => {
                self.option(&name["options[".len()..name.len() - 1], value);
                return Ok(());
            }
            "host" => "host",
            "target_session_attrs" | "targetServerType" => "target_session_attrs",
            "pooler" => "pooler",
            "pool_min" => "pool_min",
            "pool_max" => "pool_max",
            "citus_reads" => "citus_reads",
            "write_timeout" => "write_timeout",
            _ => match PASSED_ON.iter().find(|known| **known == name) {
                Some(known) => known,
                None if KNOWN_TO_LIBPQ.contains(&name) => return Err(format!("{name} is not supported")),
                None => return Err(connection_string::unknown(name)),
            },
        };
        if self.0.insert(only, value.to_owned()).is_some() {
            return Err(format!("{only} is given twice"));
        }
        Ok(())
    }

    /// Returns the address whose part before the parameters is `place`: `user:password@host:port/database`, or nothing.
    pub fn finish(mut self, place: &str) -> Result<PostgresUrl, String> {
        let pooled = match self.0.remove("pooler").as_deref() {
            Some("transaction") => true,
            None | Some("none" | "session") => false,
            Some(_) => return Err("pooler: expected transaction, session or none".to_owned()),
        };
        let reads_workers = match self.0.remove("citus_reads").as_deref() {
            Some("workers") => true,
            None | Some("coordinator") => false,
            Some(_) => return Err("citus_reads: expected workers or coordinator".to_owned()),
        };
        let kept = self.whole("pool_min", KEPT)?;
        let most = self.whole("pool_max", MOST)?;
        if most < 2 {
            return Err("pool_max: at least 2".to_owned());
        }
        let write_timeout = match self.0.remove("write_timeout") {
            Some(seconds) => seconds_up_to("write_timeout", &seconds, 86_400)?,
            None => WRITE_TIMEOUT,
        };
        let connect_timeout = match self.0.remove("connect_timeout").as_deref() {
            // As in libpq: no limit, which is the longest here.
            Some("0") => Duration::from_mins(5),
            Some(seconds) => seconds_up_to("connect_timeout", seconds, 300)?,
            None => CONNECT_TIMEOUT,
        };
        let must_write = match self.0.remove("target_session_attrs").as_deref() {
            None | Some("any") => false,
            Some("read-write" | "primary") => true,
            Some(_) => return Err("target_session_attrs: expected any, read-write or primary".to_owned()),
        };
        self.encryption()?;
        self.host()?;
        self.search_path(pooled)?;
        let query: Vec<String> =
            self.0.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let options = options(&format!("postgres://{place}?{}", query.join("&")))?;
        if reads_workers && (options.get_socket().is_some() || options.get_host().starts_with('/')) {
            return Err("citus_reads: workers are not reached through a socket of this machine".to_owned());
        }
        Ok(PostgresUrl {
            options,
            pooled,
            kept: kept.min(most),
            most,
            write_timeout,
            connect_timeout,
            must_write,
            reads_workers,
        })
    }

    fn whole(&mut self, name: &str, default: u32) -> Result<u32, String> {
        let number = self.0.remove(name).map(|number| number.parse());
        number.unwrap_or(Ok(default)).map_err(|_| format!("{name}: expected a whole number"))
    }

    /// Settles `sslmode` and `sslrootcert`. A file of authorities that the mode would not look at is an error.
    fn encryption(&mut self) -> Result<(), String> {
        let mode = match self.0.get("sslmode").map(|mode| mode.to_ascii_lowercase()) {
            // The word of JDBC and of some drivers of Python.
            Some(mode) if mode == "true" => Some("verify-full".to_owned()),
            Some(mode) if mode == "false" => Some("disable".to_owned()),
            Some(mode) if !MODES.contains(&mode.as_str()) => {
                return Err(format!("sslmode: expected one of {}", MODES.join(", ")));
            }
            mode => mode,
        };
        let mode = match (self.0.get("sslrootcert").map(String::as_str), mode) {
            (Some("system"), None) => Some("verify-full".to_owned()),
            (Some("system"), Some(mode)) if mode != "verify-full" => {
                return Err("sslrootcert=system needs sslmode=verify-full".to_owned());
            }
            // As libpq does.
            (Some(_), Some(mode)) if mode == "require" => Some("verify-ca".to_owned()),
            (Some(_), mode) if mode.as_deref().is_none_or(|mode| !mode.starts_with("verify-")) => {
                return Err(
                    "sslrootcert: without sslmode=verify-ca or verify-full no certificate is verified"
                        .to_owned(),
                );
            }
            (_, mode) => mode,
        };
        if self.0.get("sslrootcert").is_some_and(|file| file == "system") {
            // The driver always trusts them.
            self.0.remove("sslrootcert");
        }
        if self.0.contains_key("sslcert") != self.0.contains_key("sslkey") {
            return Err("sslcert and sslkey belong together".to_owned());
        }
        if let Some(mode) = mode {
            self.0.insert("sslmode", mode);
        }
        Ok(())
    }

    fn host(&self) -> Result<(), String> {
        let several = |name| self.0.get(name).is_some_and(|value| value.contains(','));
        if several("host") || several("hostaddr") || several("port") {
            return Err(SEVERAL_HOSTS.to_owned());
        }
        if self.0.contains_key("host") && self.0.contains_key("hostaddr") {
            return Err("hostaddr: host is given too".to_owned());
        }
        Ok(())
    }

    /// Turns the schemas into an option of the session.
    fn search_path(&mut self, pooled: bool) -> Result<(), String> {
        let Some(path) = self.0.remove("search_path") else { return Ok(()) };
        if pooled {
            return Err(
                "search_path: not through a pooler; set it for the user: ALTER ROLE … SET search_path"
                    .to_owned(),
            );
        }
        self.option("search_path", &path);
        Ok(())
    }

    /// Adds an option of the session.
    fn option(&mut self, name: &str, value: &str) {
        let escaped = value.replace('\\', "\\\\").replace(' ', "\\ ");
        let options = self.0.entry("options").or_default();
        let gap = if options.is_empty() { "" } else { " " };
        // Writing into a String cannot fail.
        let _ = write!(options, "{gap}-c {name}={escaped}");
    }
}

/// Parameters of libpq that the program cannot honour.
const KNOWN_TO_LIBPQ: [&str; 21] = [
    "service",
    "servicefile",
    "sslpassword",
    "sslcrl",
    "sslcrldir",
    "sslcertmode",
    "sslnegotiation",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "min_protocol_version",
    "max_protocol_version",
    "require_auth",
    "requirepeer",
    "requiressl",
    "krbsrvname",
    "gsslib",
    "gssdelegation",
    "replication",
    "scram_client_key",
    "scram_server_key",
    "oauth_issuer",
];
