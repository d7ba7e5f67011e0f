//! Settings: flags over environment over `thermocline.toml` over defaults.

mod archive;
mod jwt;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::tier::address;
use figment::Figment;
use figment::providers::{Format as _, Serialized, Toml};
use serde::Deserialize;

pub use crate::tier::address::{Encrypt, Mssql, WRITE_TIMEOUT, seconds_up_to};
pub use archive::Archive;
pub use jwt::JwtKey;

/// The file settings are read from when it is there.
pub const FILE: &str = "thermocline.toml";
/// The embedded tiers when nothing is configured.
const HOT_FILE: &str = "thermocline-hot.sqlite3";
const COLD_FILE: &str = "thermocline-cold.sqlite3";

/// Environment variables and the settings they are.
const ENVIRONMENT: [(&str, &str); 26] = [
    ("HOT_DATABASE_URL", "hot_database_url"),
    ("MSSQL_HOST", "mssql_host"),
    ("MSSQL_PORT", "mssql_port"),
    ("MSSQL_HOT_DATABASE", "mssql_hot_database"),
    ("MSSQL_USER", "mssql_user"),
    ("MSSQL_SA_PASSWORD", "mssql_sa_password"),
    ("MSSQL_ENCRYPT", "mssql_encrypt"),
    ("MSSQL_CA", "mssql_ca"),
    ("COLD_DATABASE_URL", "cold_database_url"),
    ("COLD_DATABASE_URL_DIRECT", "cold_database_url_direct"),
    ("COLD_DATABASE_REPLICA_URLS", "cold_database_replica_urls"),
    ("POSTGRES_HOST", "postgres_host"),
    ("POSTGRES_PORT", "postgres_port"),
    ("POSTGRES_COLD_DATABASE", "postgres_cold_database"),
    ("POSTGRES_USER", "postgres_user"),
    ("POSTGRES_PASSWORD", "postgres_password"),
    ("JWT_SECRET", "jwt_secret"),
    ("JWT_PUBLIC_KEY_FILE", "jwt_public_key_file"),
    ("JWT_JWKS_URL", "jwt_jwks_url"),
    ("JWT_ISSUER", "jwt_issuer"),
    ("JWT_AUDIENCE", "jwt_audience"),
    ("THERMOCLINE_ADDR", "addr"),
    ("THERMOCLINE_LOG", "log"),
    ("THERMOCLINE_REQUEST_TIMEOUT", "request_timeout"),
    ("THERMOCLINE_MIGRATE", "migrate"),
    ("THERMOCLINE_TRIES", "tries"),
];
/// Those that are numbers.
const WHOLE: [&str; 2] = ["request_timeout", "tries"];
/// Variables of this prefix belong to the program: one it does not know is a slip of the pen. Tests have their own.
const OWN_PREFIX: &str = "THERMOCLINE_";
const TEST_PREFIX: &str = "THERMOCLINE_TEST_";

/// A setting cannot be used; the text names it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    /// For the setting `name`.
    pub fn new(name: &str, fault: impl fmt::Display) -> Self {
        Self(format!("{name}: {fault}"))
    }
}

/// What may be set, as it is written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    hot_database_url: Option<String>,
    mssql_host: Option<String>,
    mssql_port: Option<Port>,
    mssql_hot_database: Option<String>,
    mssql_user: Option<String>,
    mssql_sa_password: Option<String>,
    mssql_encrypt: Option<String>,
    mssql_ca: Option<PathBuf>,
    cold_database_url: Option<String>,
    cold_database_url_direct: Option<String>,
    cold_database_replica_urls: Option<String>,
    postgres_host: Option<String>,
    postgres_port: Option<Port>,
    postgres_cold_database: Option<String>,
    postgres_user: Option<String>,
    postgres_password: Option<String>,
    jwt_secret: Option<String>,
    jwt_public_key_file: Option<PathBuf>,
    jwt_jwks_url: Option<String>,
    jwt_issuer: Option<String>,
    jwt_audience: Option<String>,
    addr: Option<String>,
    log: Option<String>,
    request_timeout: Option<u64>,
    migrate: Option<String>,
    tries: Option<u32>,
    archive: Option<archive::Written>,
}

/// A port: a number in a file, text in the environment.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Port {
    Number(u16),
    Text(String),
}

impl Port {
    /// The port of the setting `name`.
    fn number(&self, name: &str) -> Result<u16, ConfigError> {
        match self {
            Self::Number(port) => Ok(*port),
            Self::Text(text) => text.parse().map_err(|_| ConfigError::new(name, "expected a port")),
        }
    }
}

/// What flags may say.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--config`
    pub config: Option<PathBuf>,
    /// `--hot`
    pub hot: Option<String>,
    /// `--cold`
    pub cold: Option<String>,
    /// `--addr`
    pub addr: Option<String>,
    /// `--log`
    pub log: Option<String>,
    /// `--migrate`
    pub migrate: bool,
    /// `--tries`
    pub tries: Option<u32>,
}

/// The settings of the program.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the hot tier is.
    pub hot: Place,
    /// Where the cold tier is; none in hot-only mode.
    pub cold: Option<Place>,
    /// What tokens are verified with.
    pub jwt_key: Option<JwtKey>,
    /// The issuer tokens must name.
    pub jwt_issuer: Option<String>,
    /// The audience tokens must name.
    pub jwt_audience: Option<String>,
    /// Where to listen.
    pub addr: String,
    /// What to log, as an `EnvFilter`.
    pub log: String,
    /// Seconds a request may take until its answer begins.
    pub request_timeout: u64,
    /// Whether a service that starts migrates servers as well as embedded files.
    pub migrate: bool,
    /// How often a service that starts looks for each database.
    pub tries: u32,
    /// How rows move.
    pub archive: Archive,
}

/// Where a tier is.
#[derive(Clone)]
pub enum Place {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A SQL Server; hot only.
    Mssql(Box<Mssql>),
    /// A PostgreSQL server: URLs, with their passwords.
    Postgres {
        /// What readers and movers use.
        url: String,
        /// Past a pooler, for migrations.
        direct: Option<String>,
        /// Servers that follow it.
        replicas: Vec<String>,
    },
}

impl fmt::Debug for Place {
    /// Without what may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
            Self::Mssql(at) => f.debug_tuple("Mssql").field(&at.shown()).finish(),
            Self::Postgres { .. } => f.write_str("Postgres"),
        }
    }
}

/// The schemes of a PostgreSQL URL.
const IS_POSTGRES: [&str; 2] = ["postgres", "postgresql"];

impl Place {
    fn parse(name: &str, url: &str) -> Result<Self, ConfigError> {
        let (scheme, rest) = url
            .split_once(':')
            .ok_or_else(|| ConfigError::new(name, "expected a URL such as sqlite:PATH"))?;
        match scheme {
            "sqlite" => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                if path.is_empty() || path == ":memory:" {
                    return Err(ConfigError::new(name, "a tier is a file: expected sqlite:PATH"));
                }
                if let Some((_, options)) = path.split_once('?') {
                    return Err(ConfigError::new(name, format!("unknown option {options:?}")));
                }
                Ok(Self::Sqlite(PathBuf::from(path)))
            }
            "postgres" | "postgresql" if name == "COLD_DATABASE_URL" => {
                Ok(Self::Postgres { url: url.to_owned(), direct: None, replicas: Vec::new() })
            }
            "mssql" if name == "HOT_DATABASE_URL" => {
                let at = Mssql::parse(rest).map_err(|fault| ConfigError::new(name, fault))?;
                Ok(Self::Mssql(Box::new(at)))
            }
            "mssql" => Err(ConfigError::new(name, "a SQL Server serves as the hot tier only")),
            // The rest of the URL may hold a password.
            _ => {
                let server = if name == "HOT_DATABASE_URL" { "mssql://…" } else { "postgres://…" };
                Err(ConfigError::new(
                    name,
                    format!("unknown database {scheme:?}: expected sqlite:PATH or {server}"),
                ))
            }
        }
    }

    /// The cold tier that is written down, if one is.
    fn cold(written: &Written) -> Result<Option<Self>, ConfigError> {
        let parts = written.postgres_url()?;
        let (name, place) = match (&written.cold_database_url, parts) {
            (Some(_), Some(_)) => {
                return Err(ConfigError::new("POSTGRES_HOST", "COLD_DATABASE_URL is set too"));
            }
            (Some(url), None) => ("COLD_DATABASE_URL", Some(Self::parse("COLD_DATABASE_URL", url)?)),
            (None, Some(url)) => {
                ("POSTGRES_HOST", Some(Self::Postgres { url, direct: None, replicas: Vec::new() }))
            }
            (None, None) => ("COLD_DATABASE_URL", None),
        };
        let direct = written.cold_database_url_direct.as_deref();
        let replicas = written.cold_database_replica_urls.as_deref().unwrap_or("");
        let replicas: Vec<&str> =
            replicas.split(',').map(str::trim).filter(|replica| !replica.is_empty()).collect();
        let named = direct.map(|url| ("COLD_DATABASE_URL_DIRECT", url)).into_iter();
        for (name, url) in named.chain(replicas.iter().map(|url| ("COLD_DATABASE_REPLICA_URLS", *url))) {
            if !IS_POSTGRES.iter().any(|scheme| url.starts_with(&format!("{scheme}://"))) {
                return Err(ConfigError::new(name, "expected postgres://…"));
            }
        }
        match place {
            Some(Self::Postgres { url, .. }) => Ok(Some(Self::Postgres {
                url,
                direct: direct.map(str::to_owned),
                replicas: replicas.into_iter().map(str::to_owned).collect(),
            })),
            other if direct.is_none() && replicas.is_empty() => Ok(other),
            _ => Err(ConfigError::new(name, "a direct URL or replicas need a cold tier in PostgreSQL")),
        }
    }

    /// The file of an embedded tier.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Mssql(_) | Self::Postgres { .. } => None,
        }
    }
}

impl Written {
    /// The SQL Server that is named in parts.
    fn mssql(&self) -> Result<Option<Mssql>, ConfigError> {
        let Some(host) = &self.mssql_host else { return Ok(None) };
        let needed = |name: &str, value: &Option<String>| {
            value.clone().ok_or_else(|| ConfigError::new(name, "not set, and MSSQL_HOST is"))
        };
        let encrypt = self.mssql_encrypt.as_deref().map_or(Ok(Encrypt::default()), Encrypt::parse);
        Ok(Some(Mssql {
            host: host.clone(),
            port: self.mssql_port.as_ref().map_or(Ok(address::PORT), |port| port.number("MSSQL_PORT"))?,
            database: needed("MSSQL_HOT_DATABASE", &self.mssql_hot_database)?,
            user: self.mssql_user.clone().unwrap_or_else(|| "sa".to_owned()),
            password: needed("MSSQL_SA_PASSWORD", &self.mssql_sa_password)?.into(),
            encrypt: encrypt.map_err(|fault| ConfigError::new("MSSQL_ENCRYPT", fault))?,
            ca: self.mssql_ca.clone(),
            connect_timeout: address::CONNECT_TIMEOUT,
            write_timeout: WRITE_TIMEOUT,
        }))
    }

    /// The URL that the parts make, if the host is among them.
    fn postgres_url(&self) -> Result<Option<String>, ConfigError> {
        let others = [
            ("POSTGRES_COLD_DATABASE", &self.postgres_cold_database),
            ("POSTGRES_USER", &self.postgres_user),
            ("POSTGRES_PASSWORD", &self.postgres_password),
        ];
        let Some(host) = &self.postgres_host else {
            let lost = others.iter().find(|(_, value)| value.is_some()).map(|(name, _)| *name);
            let lost = lost.or(self.postgres_port.is_some().then_some("POSTGRES_PORT"));
            return lost.map_or(Ok(None), |name| Err(ConfigError::new(name, "POSTGRES_HOST is not set")));
        };
        let port = self.postgres_port.as_ref().map_or(Ok(5432), |port| port.number("POSTGRES_PORT"))?;
        // An IPv6 address stands in brackets; anything else, a socket's folder too, is escaped like the rest.
        let host = match host.parse::<std::net::Ipv6Addr>() {
            Ok(address) => format!("[{address}]"),
            Err(_) => escaped(host),
        };
        let user = self.postgres_user.as_deref().unwrap_or("postgres");
        let password =
            self.postgres_password.as_deref().map_or(String::new(), |p| format!(":{}", escaped(p)));
        let database = self.postgres_cold_database.as_deref().unwrap_or("thermocline");
        Ok(Some(format!("postgres://{}{password}@{host}:{port}/{}", escaped(user), escaped(database))))
    }
}

/// `text` so that it can stand anywhere in a URL.
fn escaped(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    /// An unknown key, a value that cannot be used, a file that is named and not there.
    pub fn read(flags: &Flags) -> Result<Self, ConfigError> {
        Self::from(
            flags,
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    fn from(flags: &Flags, environment: impl Iterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let file = flags.config.clone().unwrap_or_else(|| PathBuf::from(FILE));
        if flags.config.is_some() && !file.is_file() {
            return Err(ConfigError::new("--config", format!("there is no file {}", file.display())));
        }
        let mut figment = Figment::new();
        if file.is_file() {
            figment = figment.merge(Toml::file_exact(&file));
        }
        for (name, value) in environment {
            match ENVIRONMENT.iter().chain(&archive::ENVIRONMENT).find(|(known, _)| *known == name) {
                // An empty variable is how a compose file says "not set".
                Some(_) if value.is_empty() => {}
                Some((_, key)) if WHOLE.contains(key) => {
                    let number: u32 =
                        value.parse().map_err(|_| ConfigError::new(&name, "expected a whole number"))?;
                    figment = figment.merge(Serialized::global(key, number));
                }
                Some((_, key)) => figment = figment.merge(Serialized::global(key, value)),
                None if name.starts_with(OWN_PREFIX) && !name.starts_with(TEST_PREFIX) => {
                    return Err(ConfigError::new(&name, "unknown setting"));
                }
                None => {}
            }
        }
        let flagged = [
            ("hot_database_url", &flags.hot),
            ("cold_database_url", &flags.cold),
            ("addr", &flags.addr),
            ("log", &flags.log),
        ];
        for (key, value) in flagged {
            if let Some(value) = value {
                figment = figment.merge(Serialized::global(key, value));
            }
        }
        if flags.migrate {
            figment = figment.merge(Serialized::global("migrate", "auto"));
        }
        if let Some(tries) = flags.tries {
            figment = figment.merge(Serialized::global("tries", tries));
        }
        let written: Written = figment.extract().map_err(|error| {
            let place = error.metadata.as_ref().and_then(|metadata| metadata.source.as_ref());
            let place = place.map_or(String::new(), |source| format!(" ({source})"));
            ConfigError(format!("settings: {}{place}", error.to_string().replace(" in TOML file", "")))
        })?;
        Self::resolve(written)
    }

    fn resolve(written: Written) -> Result<Self, ConfigError> {
        let named = match &written.hot_database_url {
            Some(url) => Some(Place::parse("HOT_DATABASE_URL", url)?),
            None => written.mssql()?.map(|at| Place::Mssql(Box::new(at))),
        };
        let cold = match (Place::cold(&written)?, &named) {
            (Some(place), _) => Some(place),
            // A cold tier is invented only together with the hot one.
            (None, None) => Some(Place::Sqlite(COLD_FILE.into())),
            (None, Some(_)) => None,
        };
        let hot = named.unwrap_or_else(|| Place::Sqlite(HOT_FILE.into()));
        if let (Some(hot), Some(cold)) = (hot.path(), cold.as_ref().and_then(Place::path))
            && same_file(hot, cold)
        {
            return Err(ConfigError::new("COLD_DATABASE_URL", "is the same file as HOT_DATABASE_URL"));
        }
        let migrate = match written.migrate.as_deref() {
            None | Some("off") => false,
            Some("auto") => true,
            Some(_) => return Err(ConfigError::new("THERMOCLINE_MIGRATE", "expected auto or off")),
        };
        let jwt_key = JwtKey::of(written.jwt_secret, written.jwt_public_key_file, written.jwt_jwks_url)?;
        Ok(Self {
            hot,
            cold,
            migrate,
            tries: written.tries.unwrap_or(30).max(1),
            jwt_key,
            jwt_issuer: written.jwt_issuer,
            jwt_audience: written.jwt_audience,
            addr: written.addr.unwrap_or_else(|| "127.0.0.1:8080".to_owned()),
            log: written.log.unwrap_or_else(|| "info".to_owned()),
            request_timeout: written.request_timeout.unwrap_or(30).max(1),
            archive: Archive::resolve(written.archive.unwrap_or_default())?,
        })
    }
}

/// Whether two paths lead to one file, through links too, also before it is made.
fn same_file(a: &Path, b: &Path) -> bool {
    let real = |path: &Path| {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        path.canonicalize().unwrap_or_else(|_| {
            let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
            folder.zip(path.file_name()).map_or(path.clone(), |(folder, name)| folder.join(name))
        })
    };
    real(a) == real(b) || same_inode(a, b)
}

/// A hard link is the same file under another name.
#[cfg(unix)]
fn same_inode(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let inode = |path: &Path| path.metadata().map(|file| (file.dev(), file.ino()));
    matches!((inode(a), inode(b)), (Ok(a), Ok(b)) if a == b)
}

#[cfg(not(unix))]
fn same_inode(_: &Path, _: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(flags: &Flags, environment: &[(&str, &str)]) -> Result<Settings, String> {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::from(flags, environment).map_err(|error| error.to_string())
    }

    fn file(text: &str) -> (tempfile::NamedTempFile, Flags) {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), text).expect("written");
        let flags = Flags { config: Some(file.path().to_owned()), ..Flags::default() };
        (file, flags)
    }

    #[test]
    fn flags_win_over_environment_over_file_over_defaults() {
        let (_file, mut flags) = file("addr = '1.1.1.1:1'\nlog = 'debug'\nrequest_timeout = 7");
        let settings = read(&flags, &[("THERMOCLINE_ADDR", "2.2.2.2:2")]).expect("sound");
        assert_eq!(
            (settings.addr.as_str(), settings.log.as_str(), settings.request_timeout),
            ("2.2.2.2:2", "debug", 7)
        );
        flags.addr = Some("3.3.3.3:3".to_owned());
        assert_eq!(read(&flags, &[("THERMOCLINE_ADDR", "2.2.2.2:2")]).expect("sound").addr, "3.3.3.3:3");
        assert_eq!(read(&Flags::default(), &[]).expect("sound").addr, "127.0.0.1:8080");
    }

    #[test]
    fn the_mover_is_told_by_resource_in_file_and_environment() {
        let (_file, flags) = file(
            "[archive]\nolder_than = '60d'\nschedule = '0 2 * * *'\nbatch = 500\n[archive.messages]\nolder_than = '90d'",
        );
        let days = |archive: &Archive| {
            ["messages", "posts", "prices"].map(|name| archive.older_than(name) / crate::clock::DAY)
        };
        let settings =
            read(&flags, &[("THERMOCLINE_ARCHIVE_PRICES_OLDER_THAN", "365d")]).expect("sound").archive;
        assert_eq!((days(&settings), settings.batch), ([90, 60, 365], 500));
        assert!(settings.schedule.is_some());
        let settings = read(&flags, &[("THERMOCLINE_ARCHIVE_BATCH", "20")]).expect("sound").archive;
        assert_eq!((days(&settings), settings.batch), ([90, 60, 60], 20));
        let settings = read(&Flags::default(), &[]).expect("sound").archive;
        assert_eq!((days(&settings), settings.batch, settings.audit_rate), ([30; 3], 1000, 0));
        assert!(settings.schedule.is_none());
        for (name, value, named) in [
            ("THERMOCLINE_ARCHIVE_OLDER_THAN", "soon", "archive.older_than"),
            ("THERMOCLINE_ARCHIVE_MESSAGES_OLDER_THAN", "1", "archive.messages.older_than"),
            ("THERMOCLINE_ARCHIVE_POSTS_DUE", "sometimes", "archive.posts.due"),
            ("THERMOCLINE_ARCHIVE_BATCH", "9000", "archive.batch"),
            ("THERMOCLINE_ARCHIVE_PAUSE_MS", "-1", "archive.pause_ms"),
            ("THERMOCLINE_ARCHIVE_SCHEDULE", "every night", "archive.schedule"),
            ("THERMOCLINE_ARCHIVE_SCHEDULE", "0 0 2 * * *", "archive.schedule"),
        ] {
            let fault = read(&Flags::default(), &[(name, value)]).expect_err("unusable");
            assert!(fault.contains(named), "{name}={value}: {fault}");
        }
        let (_file, flags) = file("[archive.posts]\ndue = 'activity'\nolder_than = '7d'");
        let by_activity =
            |archive: &Archive| ["messages", "posts", "prices"].map(|name| archive.by_activity(name));
        let settings = read(&flags, &[]).expect("sound").archive;
        assert_eq!((by_activity(&settings), days(&settings)), ([false, true, false], [30, 7, 30]));
        let settings = read(&flags, &[("THERMOCLINE_ARCHIVE_POSTS_DUE", "created")]).expect("sound").archive;
        assert_eq!(by_activity(&settings), [false; 3]);
        let (_file, flags) = file("[archive.messages]\ndue = 'activity'");
        assert!(read(&flags, &[]).expect_err("messages have no children").contains("due"));
        let (_file, flags) = file("[archive]\nolder = '60d'");
        assert!(read(&flags, &[]).expect_err("a slip").contains("older"));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let (_file, flags) = file("hot_databse_url = 'sqlite:x'");
        assert!(read(&flags, &[]).expect_err("a slip").contains("hot_databse_url"));
        let fault = |name, value| read(&Flags::default(), &[(name, value)]).expect_err("unusable");
        assert!(fault("THERMOCLINE_ADR", "x").contains("THERMOCLINE_ADR"));
        assert!(fault("THERMOCLINE_REQUEST_TIMEOUT", "soon").contains("THERMOCLINE_REQUEST_TIMEOUT"));
        assert!(fault("HOT_DATABASE_URL", "sqlite:").contains("HOT_DATABASE_URL"));
        assert!(fault("THERMOCLINE_MIGRATE", "always").contains("THERMOCLINE_MIGRATE"));
        assert!(fault("THERMOCLINE_TRIES", "some").contains("THERMOCLINE_TRIES"));
        assert!(fault("JWT_JWKS_URL", "http://example.org/keys").contains("https"));
        assert!(fault("JWT_JWKS_URL", "keys.json").contains("JWT_JWKS_URL"));
        let fault = fault("COLD_DATABASE_URL", "oracle://user:hunter2@host/db");
        assert!(fault.contains("COLD_DATABASE_URL") && !fault.contains("hunter2"), "{fault}");
    }

    #[test]
    fn tokens_have_one_kind_of_key() {
        let of = |environment: &[(&str, &str)]| read(&Flags::default(), environment);
        let (secret, file) = (("JWT_SECRET", "x"), ("JWT_PUBLIC_KEY_FILE", "key.pem"));
        let url = ("JWT_JWKS_URL", "https://example.org/keys");
        assert!(of(&[]).expect("sound").jwt_key.is_none());
        assert!(matches!(of(&[secret]).expect("sound").jwt_key, Some(JwtKey::Secret(_))));
        assert!(matches!(of(&[file]).expect("sound").jwt_key, Some(JwtKey::PublicKeyFile(_))));
        assert!(matches!(of(&[url]).expect("sound").jwt_key, Some(JwtKey::Published(_))));
        for local in ["http://localhost:1/keys", "http://127.0.0.1/keys", "http://[::1]:1/keys"] {
            assert!(of(&[("JWT_JWKS_URL", local)]).is_ok(), "{local}");
        }
        for two in [[secret, file], [secret, url], [file, url]] {
            let error = of(&two).expect_err("which one?");
            assert!(error.contains(two[0].0) && error.contains(two[1].0), "{error}");
        }
    }

    #[test]
    fn servers_are_migrated_when_somebody_says_so() {
        let of = |flags: &Flags, environment: &[(&str, &str)]| {
            let settings = read(flags, environment).expect("sound");
            (settings.migrate, settings.tries)
        };
        assert_eq!(of(&Flags::default(), &[]), (false, 30));
        assert_eq!(
            of(&Flags::default(), &[("THERMOCLINE_MIGRATE", "auto"), ("THERMOCLINE_TRIES", "3")]),
            (true, 3)
        );
        let flags = Flags { migrate: true, tries: Some(7), ..Flags::default() };
        assert_eq!(of(&flags, &[("THERMOCLINE_MIGRATE", "off"), ("THERMOCLINE_TRIES", "3")]), (true, 7));
    }

    #[test]
    fn one_file_cannot_be_both_tiers() {
        let folder = tempfile::tempdir().expect("a folder");
        let hot = format!("sqlite:{}/a.db", folder.path().display());
        let cold = format!(
            "sqlite:{}/../{}/a.db",
            folder.path().display(),
            folder.path().file_name().map_or("", |n| n.to_str().unwrap_or(""))
        );
        let both = [("HOT_DATABASE_URL", hot.as_str()), ("COLD_DATABASE_URL", cold.as_str())];
        assert!(read(&Flags::default(), &both).expect_err("one file").contains("same file"));
        std::fs::write(folder.path().join("a.db"), "").expect("written");
        std::fs::hard_link(folder.path().join("a.db"), folder.path().join("b.db")).expect("linked");
        let cold = format!("sqlite:{}/b.db", folder.path().display());
        let both = [("HOT_DATABASE_URL", hot.as_str()), ("COLD_DATABASE_URL", cold.as_str())];
        assert!(read(&Flags::default(), &both).expect_err("one file").contains("same file"));
    }

    #[test]
    fn a_cold_server_is_a_url_or_its_parts() {
        let cold = |environment: &[(&str, &str)]| read(&Flags::default(), environment).map(|read| read.cold);
        let url = |environment: &[(&str, &str)]| match cold(environment) {
            Ok(Some(Place::Postgres { url, direct: None, .. })) => url,
            other => panic!("not a server: {other:?}"),
        };
        assert_eq!(url(&[("COLD_DATABASE_URL", "postgresql://h/d")]), "postgresql://h/d");
        let parts = [
            ("POSTGRES_HOST", "::1"),
            ("POSTGRES_PORT", "6543"),
            ("POSTGRES_COLD_DATABASE", "cold/one"),
            ("POSTGRES_USER", "me"),
            ("POSTGRES_PASSWORD", "p@:/?#[] ü%"),
        ];
        let made = "postgres://me:p%40%3A%2F%3F%23%5B%5D%20%C3%BC%25@[::1]:6543/cold%2Fone";
        assert_eq!(url(&parts), made);
        let all = [
            ("COLD_DATABASE_URL", "postgres://pooler/d?pooler=transaction"),
            ("COLD_DATABASE_URL_DIRECT", "postgres://h/d"),
            ("COLD_DATABASE_REPLICA_URLS", "postgres://a/d, postgres://b/d"),
        ];
        let Ok(Some(Place::Postgres { direct, replicas, .. })) = cold(&all) else { panic!("a server") };
        assert_eq!((direct.as_deref(), replicas.len()), (Some("postgres://h/d"), 2));
        for (wrong, named) in [
            (&[("POSTGRES_PASSWORD", "x")][..], "POSTGRES_PASSWORD"),
            (&[("POSTGRES_HOST", "h"), ("POSTGRES_PORT", "x")], "POSTGRES_PORT"),
            (&[("POSTGRES_HOST", "h"), ("COLD_DATABASE_URL", "postgres://h/d")], "COLD_DATABASE_URL"),
            (&[("COLD_DATABASE_REPLICA_URLS", "postgres://h/d")], "COLD_DATABASE_URL"),
            (&[("COLD_DATABASE_URL", "postgres://h/d"), ("COLD_DATABASE_URL_DIRECT", "x")], "DIRECT"),
            (&[("HOT_DATABASE_URL", "postgres://h/d")], "HOT_DATABASE_URL"),
        ] {
            let fault = cold(wrong).expect_err("unusable");
            assert!(fault.contains(named), "{fault}");
        }
    }

    #[test]
    fn no_cold_tier_is_invented_beside_a_configured_hot_one() {
        assert!(read(&Flags::default(), &[]).expect("sound").cold.is_some());
        assert!(
            read(&Flags::default(), &[("HOT_DATABASE_URL", "sqlite:x.db")]).expect("sound").cold.is_none()
        );
    }

    #[test]
    fn a_server_is_named_by_url_or_in_parts() {
        let shown = |place: &Place| match place {
            Place::Mssql(at) => at.shown(),
            other => format!("{other:?}"),
        };
        let parts = [("MSSQL_HOST", "h"), ("MSSQL_HOT_DATABASE", "d"), ("MSSQL_SA_PASSWORD", "p@/?")];
        let settings = read(&Flags::default(), &parts).expect("sound");
        assert_eq!(shown(&settings.hot), "mssql://h:1433/d");
        assert!(settings.cold.is_none());
        let fault = read(&Flags::default(), &parts[..2]).expect_err("no password");
        assert!(fault.contains("MSSQL_SA_PASSWORD"), "{fault}");
        let fault = read(&Flags::default(), &[parts[0], parts[1], parts[2], ("MSSQL_PORT", "x")])
            .expect_err("no port");
        assert!(fault.contains("MSSQL_PORT"), "{fault}");
        let url = [("HOT_DATABASE_URL", "mssql://sa:hunter2@h2/d?encrypt=off"), parts[0]];
        let settings = read(&Flags::default(), &url).expect("sound");
        assert_eq!(shown(&settings.hot), "mssql://h2:1433/d");
        assert!(!format!("{settings:?}").contains("hunter2"));
        let fault = read(&Flags::default(), &[("COLD_DATABASE_URL", "mssql://sa:x@h/d")]).expect_err("cold");
        assert!(fault.contains("hot tier only"), "{fault}");
    }
}
