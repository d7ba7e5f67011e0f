//! Reads where the tiers are.

use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};

use super::error::ConfigError;
use super::sources::Values;
use crate::tier::address::{self, Encrypt, Mssql};
use crate::tier::{PostgresUrl, TierLocation};

/// The keys of the settings of this module.
pub(super) const KEYS: [&str; 16] = [
    "hot_database_url",
    "mssql_host",
    "mssql_port",
    "mssql_hot_database",
    "mssql_user",
    "mssql_sa_password",
    "mssql_encrypt",
    "mssql_ca",
    "cold_database_url",
    "cold_database_url_direct",
    "cold_database_replica_urls",
    "postgres_host",
    "postgres_port",
    "postgres_cold_database",
    "postgres_user",
    "postgres_password",
];

/// The embedded tiers when nothing is configured.
const HOT_FILE: &str = "thermocline-hot.sqlite3";
const COLD_FILE: &str = "thermocline-cold.sqlite3";

/// Returns the locations of the hot and the cold tier. Without a cold tier the service is hot-only.
pub(super) fn of_tiers(values: &Values) -> Result<(TierLocation, Option<TierLocation>), ConfigError> {
    let embedded = |file: &str| TierLocation::Sqlite(file.into());
    let (hot, cold) = match (hot(values)?, cold(values)?) {
        // The default cold tier belongs to the default hot tier.
        (None, None) => (embedded(HOT_FILE), Some(embedded(COLD_FILE))),
        (hot, cold) => (hot.unwrap_or_else(|| embedded(HOT_FILE)), cold),
    };
    if let (Some(hot_path), Some(cold_path)) = (hot.path(), cold.as_ref().and_then(TierLocation::path))
        && same_file(hot_path, cold_path)
    {
        let hot_name = values.name("hot_database_url");
        return Err(values.error("cold_database_url", format!("is the same file as {hot_name}")));
    }
    Ok((hot, cold))
}

fn hot(values: &Values) -> Result<Option<TierLocation>, ConfigError> {
    let location = values.parse("hot_database_url", |url| match scheme(url)? {
        ("sqlite", rest) => sqlite(rest),
        ("mssql", rest) => Ok(TierLocation::Mssql(Box::new(Mssql::parse(rest)?))),
        (other, _) => Err(unknown_scheme(other, "mssql://…")),
    })?;
    match location {
        Some(location) => Ok(Some(location)),
        None => Ok(mssql_in_parts(values)?.map(|address| TierLocation::Mssql(Box::new(address)))),
    }
}

fn cold(values: &Values) -> Result<Option<TierLocation>, ConfigError> {
    let location = values.parse("cold_database_url", |url| match scheme(url)? {
        ("sqlite", rest) => sqlite(rest),
        ("postgres" | "postgresql", _) => PostgresUrl::parse(url).map(postgres),
        ("mssql", _) => Err("a SQL Server serves as the hot tier only".to_owned()),
        (other, _) => Err(unknown_scheme(other, "postgres://…")),
    })?;
    let location = match (location, postgres_in_parts(values)?) {
        (Some(_), Some(_)) => {
            let fault = format!("{} is set too", values.name("cold_database_url"));
            return Err(values.error("postgres_host", fault));
        }
        (location, primary) => location.or_else(|| primary.map(postgres)),
    };
    let direct = values.parse("cold_database_url_direct", postgres_url)?;
    let replicas = values.parse("cold_database_replica_urls", |urls| {
        let urls = urls.split(',').map(str::trim).filter(|url| !url.is_empty());
        urls.map(postgres_url).collect::<Result<Vec<_>, _>>()
    })?;
    let replicas = replicas.unwrap_or_default();
    match location {
        Some(TierLocation::Postgres { primary, .. }) => {
            Ok(Some(TierLocation::Postgres { primary, direct, replicas }))
        }
        other if direct.is_none() && replicas.is_empty() => Ok(other),
        _ => {
            Err(values.error("cold_database_url", "a direct URL or replicas need a cold tier in PostgreSQL"))
        }
    }
}

fn scheme(url: &str) -> Result<(&str, &str), String> {
    url.split_once(':').ok_or_else(|| "expected a URL such as sqlite:PATH".to_owned())
}

/// Names the scheme alone: the rest of the URL may hold a password.
fn unknown_scheme(scheme: &str, server: &str) -> String {
    format!("unknown database {scheme:?}: expected sqlite:PATH or {server}")
}

fn sqlite(rest: &str) -> Result<TierLocation, String> {
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.is_empty() || path == ":memory:" {
        return Err("a tier is a file: expected sqlite:PATH".to_owned());
    }
    match path.split_once('?') {
        Some((_, options)) => Err(format!("unknown option {options:?}")),
        None => Ok(TierLocation::Sqlite(PathBuf::from(path))),
    }
}

fn postgres(primary: PostgresUrl) -> TierLocation {
    TierLocation::Postgres { primary, direct: None, replicas: Vec::new() }
}

fn postgres_url(url: &str) -> Result<PostgresUrl, String> {
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err("expected postgres://…".to_owned());
    }
    PostgresUrl::parse(url)
}

fn port(values: &Values, key: &str, default: u16) -> Result<u16, ConfigError> {
    let port = values.parse(key, |text| text.parse().map_err(|_| "expected a port"))?;
    Ok(port.unwrap_or(default))
}

/// Returns the SQL Server that is named by `MSSQL_HOST` and its companions.
fn mssql_in_parts(values: &Values) -> Result<Option<Mssql>, ConfigError> {
    let Some(host) = values.owned("mssql_host") else { return Ok(None) };
    let required = |key| {
        let missing = || values.error(key, format!("not set, and {} is", values.name("mssql_host")));
        values.owned(key).ok_or_else(missing)
    };
    Ok(Some(Mssql {
        host,
        port: port(values, "mssql_port", address::PORT)?,
        database: required("mssql_hot_database")?,
        user: values.owned("mssql_user").unwrap_or_else(|| "sa".to_owned()),
        password: required("mssql_sa_password")?.into(),
        encrypt: values.parse("mssql_encrypt", Encrypt::parse)?.unwrap_or_default(),
        ca: values.text("mssql_ca").map(PathBuf::from),
        connect_timeout: address::CONNECT_TIMEOUT,
        write_timeout: address::WRITE_TIMEOUT,
    }))
}

/// Returns the PostgreSQL server that is named by `POSTGRES_HOST` and its companions.
fn postgres_in_parts(values: &Values) -> Result<Option<PostgresUrl>, ConfigError> {
    let Some(host) = values.text("postgres_host") else {
        let parts = ["postgres_cold_database", "postgres_user", "postgres_password", "postgres_port"];
        let stray = parts.into_iter().find(|key| values.text(key).is_some());
        let missing = || format!("{} is not set", values.name("postgres_host"));
        return stray.map_or(Ok(None), |key| Err(values.error(key, missing())));
    };
    let port = port(values, "postgres_port", 5432)?;
    // An IPv6 address stands in brackets; anything else, a socket's folder too, is escaped like the rest.
    let host = match host.parse::<Ipv6Addr>() {
        Ok(address) => format!("[{address}]"),
        Err(_) => escaped(host),
    };
    let user = escaped(values.text("postgres_user").unwrap_or("postgres"));
    let password =
        values.text("postgres_password").map_or(String::new(), |text| format!(":{}", escaped(text)));
    let database = escaped(values.text("postgres_cold_database").unwrap_or("thermocline"));
    let url = format!("postgres://{user}{password}@{host}:{port}/{database}");
    PostgresUrl::parse(&url).map(Some).map_err(|fault| values.error("postgres_host", fault))
}

/// Percent-encodes `text` so that it can stand anywhere in a URL.
fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

/// Returns whether two paths lead to one file, also through links and before the file exists.
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

/// Returns whether two paths are hard links to one file.
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
    use super::escaped;

    #[test]
    fn any_text_is_escaped_for_a_url() {
        assert_eq!(escaped("p@:/?#[] ü%"), "p%40%3A%2F%3F%23%5B%5D%20%C3%BC%25");
        assert_eq!(escaped("aZ09-._~"), "aZ09-._~");
    }
}
