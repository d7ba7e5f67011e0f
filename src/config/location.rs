//! Reads where the tiers are.
//!
//! A tier is named by a URL or in parts, never by both from the same source, and never by half of either.

use std::path::{Path, PathBuf};

use super::error::ConfigError;
use super::sources::{Setting, Values};
use crate::tier::address::{self, Encrypt, Mssql};
use crate::tier::{PostgresUrl, TierLocation};

/// The settings of URLs. They may hold passwords.
const URLS: [&str; 5] = [
    "hot_database_url",
    "hot_database_url_direct",
    "cold_database_url",
    "cold_database_url_direct",
    "cold_database_replica_urls",
];
/// The parts of a SQL Server. The first one is needed by the others.
const MSSQL: [&str; 8] = [
    "mssql_host",
    "mssql_port",
    "mssql_hot_database",
    "mssql_user",
    "mssql_sa_password",
    "mssql_access_token_file",
    "mssql_encrypt",
    "mssql_ca",
];
/// The parts of a PostgreSQL server. The first one is needed by the others.
const POSTGRES: [&str; 5] =
    ["postgres_host", "postgres_port", "postgres_cold_database", "postgres_user", "postgres_password"];

/// The embedded tiers when nothing is configured.
const HOT_FILE: &str = "thermocline-hot.sqlite3";
const COLD_FILE: &str = "thermocline-cold.sqlite3";

/// Returns the settings of this module.
pub(super) fn settings() -> impl Iterator<Item = Setting> {
    let parts = MSSQL.into_iter().chain(POSTGRES);
    let parts = parts.map(|key| Setting::shared(key).secret_if(key.ends_with("_password")));
    URLS.into_iter().map(|key| Setting::shared(key).secret_if(true)).chain(parts)
}

/// Returns the locations of the hot and the cold tier. Without a cold tier the service is hot-only.
pub(super) fn of_tiers(values: &Values) -> Result<(TierLocation, Option<TierLocation>), ConfigError> {
    let embedded = |file: &str| TierLocation::Sqlite(file.into());
    let (hot, cold) = match (hot(values)?, cold(values)?) {
        // The default cold tier belongs to the default hot tier.
        (None, None) => (embedded(HOT_FILE), Some(embedded(COLD_FILE))),
        (Some(hot), cold) => (hot, cold),
        (None, Some(_)) => {
            let cold =
                if values.text("cold_database_url").is_some() { "cold_database_url" } else { POSTGRES[0] };
            let fault = format!("not set, and {} is", values.name(cold));
            return Err(values.error("hot_database_url", fault));
        }
    };
    if let (Some(hot_path), Some(cold_path)) = (hot.path(), cold.as_ref().and_then(TierLocation::path))
        && same_file(hot_path, cold_path)
    {
        let hot_name = values.name("hot_database_url");
        return Err(values.error("cold_database_url", format!("is the same file as {hot_name}")));
    }
    if let (TierLocation::Postgres { primary: hot, .. }, Some(TierLocation::Postgres { primary: cold, .. })) =
        (&hot, &cold)
        && hot.leads_to_same_schema(cold)
    {
        let hot_name = values.name("hot_database_url");
        let fault = format!(
            "leads to the same schema of the same database as {hot_name}; each tier needs one of its own, such as \
             ?search_path=cold"
        );
        let set = if values.text("cold_database_url").is_some() { "cold_database_url" } else { POSTGRES[0] };
        return Err(values.error(set, fault));
    }
    Ok((hot, cold))
}

fn hot(values: &Values) -> Result<Option<TierLocation>, ConfigError> {
    let location = if in_parts(values, "hot_database_url", &MSSQL)? {
        Some(TierLocation::Mssql(Box::new(mssql_in_parts(values)?)))
    } else {
        values.parse("hot_database_url", TierLocation::parse_hot)?
    };
    let direct = values.parse("hot_database_url_direct", PostgresUrl::parse)?;
    match location {
        Some(TierLocation::Postgres { primary, replicas, .. }) => {
            Ok(Some(TierLocation::Postgres { primary, direct, replicas }))
        }
        other if direct.is_none() => Ok(other),
        _ => Err(values.error("hot_database_url", "a direct URL needs a hot tier in PostgreSQL")),
    }
}

fn cold(values: &Values) -> Result<Option<TierLocation>, ConfigError> {
    let location = if in_parts(values, "cold_database_url", &POSTGRES)? {
        let primary = postgres_in_parts(values)?;
        Some(TierLocation::Postgres { primary, direct: None, replicas: Vec::new() })
    } else {
        values.parse("cold_database_url", TierLocation::parse_cold)?
    };
    let direct = values.parse("cold_database_url_direct", PostgresUrl::parse)?;
    let replicas = values.parse("cold_database_replica_urls", |urls| {
        let urls = urls.split(',').map(str::trim).filter(|url| !url.is_empty());
        urls.map(PostgresUrl::parse).collect::<Result<Vec<_>, _>>()
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

/// Returns whether a tier is named in `parts`, of which the first is the host, rather than by the setting `url`. The source of
/// higher precedence decides.
///
/// # Errors
/// Both from the same source, or parts without the host.
fn in_parts(values: &Values, url: &str, parts: &[&str]) -> Result<bool, ConfigError> {
    let Some((rank, part)) =
        parts.iter().filter_map(|part| Some((values.rank(part)?, *part))).max_by_key(|set| set.0)
    else {
        return Ok(false);
    };
    match values.rank(url) {
        // A flag overrides whatever the environment says.
        Some(of_url) if of_url > rank => return Ok(false),
        Some(of_url) if of_url == rank => {
            return Err(values.error(part, format!("{} is set too", values.name(url))));
        }
        _ => {}
    }
    match values.text(parts[0]) {
        Some(_) => Ok(true),
        None => Err(values.error(part, format!("{} is not set", values.name(parts[0])))),
    }
}

fn port(values: &Values, key: &str, default: u16) -> Result<u16, ConfigError> {
    let port = values.parse(key, |text| {
        text.parse().ok().filter(|port| *port > 0).ok_or("expected a port from 1 to 65535")
    })?;
    Ok(port.unwrap_or(default))
}

/// Returns the SQL Server that is named by `MSSQL_HOST` and its companions.
fn mssql_in_parts(values: &Values) -> Result<Mssql, ConfigError> {
    let required = |key| {
        let missing = || values.error(key, format!("not set, and {} is", values.name(MSSQL[0])));
        values.owned(key).ok_or_else(missing)
    };
    let database = required("mssql_hot_database")?;
    let access_token_file = values.text("mssql_access_token_file").map(PathBuf::from);
    let (user, password) = match &access_token_file {
        Some(_) => (
            values.owned("mssql_user").unwrap_or_default(),
            values.owned("mssql_sa_password").unwrap_or_default(),
        ),
        None => {
            (values.owned("mssql_user").unwrap_or_else(|| "sa".to_owned()), required("mssql_sa_password")?)
        }
    };
    let (host, instance) = match required(MSSQL[0])?.split_once('\\') {
        Some((host, instance)) if values.text("mssql_port").is_none() => {
            (host.to_owned(), Some(instance.to_owned()))
        }
        Some((host, _)) => (host.to_owned(), None),
        None => (required(MSSQL[0])?, None),
    };
    let encrypt = values.parse("mssql_encrypt", Encrypt::parse)?.unwrap_or_default();
    let server = Mssql {
        host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
        port: port(values, "mssql_port", address::PORT)?,
        instance,
        database,
        user,
        password: password.into(),
        access_token_file,
        trust_any_certificate: encrypt == Encrypt::Login,
        encrypt,
        ca: values.text("mssql_ca").map(PathBuf::from),
        ..Mssql::default()
    };
    server.checked().map_err(|fault| values.error(MSSQL[0], fault))
}

/// Returns the PostgreSQL server that is named by `POSTGRES_HOST` and its companions.
fn postgres_in_parts(values: &Values) -> Result<PostgresUrl, ConfigError> {
    let host = values.text(POSTGRES[0]).unwrap_or_default();
    let port = port(values, "postgres_port", 5432)?;
    let user = values.text("postgres_user").unwrap_or("postgres");
    let password = values.text("postgres_password");
    let database = values.text("postgres_cold_database").unwrap_or("thermocline");
    PostgresUrl::of_parts(host, port, user, password, database)
        .map_err(|fault| values.error(POSTGRES[0], fault))
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
