//! Settings: flags override environment variables, which override `thermocline.toml`, which overrides defaults.

mod archive;
mod console;
mod error;
mod jwt;
mod limits;
mod location;
mod redis;
mod service_links;
mod sources;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

pub use crate::tier::address::{Encrypt, Mssql, WRITE_TIMEOUT, seconds_up_to};
pub use archive::{ArchiveSettings, ArchivedResource, DueSettings};
pub use error::ConfigError;
pub use jwt::JwtKey;
pub use limits::LimitSettings;
use sources::{Setting, Values};

use crate::console::ConsoleSettings;
use crate::telemetry;
use crate::tier::TierLocation;
use crate::web::auth::ClaimSettings;
use crate::web::base_path::BasePath;
use crate::web::cors::AllowedOrigins;
use crate::web::shared::SharedSettings;

/// The settings file that is read when it exists.
pub const FILE: &str = "thermocline.toml";

/// The values of command-line flags.
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
    pub hot: TierLocation,
    /// Where the cold tier is; none in hot-only mode.
    pub cold: Option<TierLocation>,
    /// The key that verifies tokens.
    pub jwt_key: Option<JwtKey>,
    /// The issuer that tokens must name.
    pub jwt_issuer: Option<String>,
    /// The audience that tokens must name.
    pub jwt_audience: Option<String>,
    /// The claims that name the user and the rights of a token.
    pub jwt_claims: ClaimSettings,
    /// The address to listen on.
    pub addr: String,
    /// The log filter, as an `EnvFilter`.
    pub log: String,
    /// Whether prices may be read without a token.
    pub prices_public: bool,
    /// The prefix of all paths.
    pub base_path: BasePath,
    /// The origins whose pages may read answers.
    pub allowed_origins: AllowedOrigins,
    /// Seconds until the response to a request must begin.
    pub request_timeout: u64,
    /// The shortest duration of a statement that `serve` logs as slow.
    pub slow_statement: Duration,
    /// The size of the cache of cold rows, in MiB; 0 turns it off.
    pub cold_cache_mb: u32,
    /// Whether a service migrates database servers at start, as it always does embedded files.
    pub migrate: bool,
    /// The number of attempts of a service to reach each database at start.
    pub tries: u32,
    /// The console.
    pub console: ConsoleSettings,
    /// Whether hot has a change feed; `None`: as the engine suggests, which is yes for an embedded file and no for a server.
    pub live: Option<bool>,
    /// The Redis that servers share; `None` if there is none.
    pub shared: Option<SharedSettings>,
    /// Limits of the server.
    pub limits: LimitSettings,
    /// The settings of moves.
    pub archive: ArchiveSettings,
}

impl Settings {
    /// Reads the settings, among them those of `resources`.
    ///
    /// # Errors
    /// An unknown setting, an unusable value, or a file that is named but does not exist.
    pub fn read(flags: &Flags, resources: &[ArchivedResource]) -> Result<Self, ConfigError> {
        let utf8 = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self::from_sources(flags, std::env::vars_os().filter_map(utf8), resources)
    }

    fn from_sources(
        flags: &Flags,
        environment: impl Iterator<Item = (String, String)>,
        resources: &[ArchivedResource],
    ) -> Result<Self, ConfigError> {
        let own = [
            "addr",
            "base_path",
            "log",
            "request_timeout",
            "slow_statement_ms",
            "cold_cache_mb",
            "migrate",
            "tries",
        ];
        let own = own.into_iter().chain(limits::KEYS).map(Setting::own);
        let own = own.chain([Setting::shared("cors_allowed_origins")]);
        let known = location::settings()
            .chain(jwt::settings())
            .chain(console::settings())
            .chain(redis::settings())
            .chain(own);
        let switches = ["prices_public", "live"].into_iter().chain(limits::SWITCHES);
        let known = known.chain(switches.map(Setting::switch));
        let mut values = Values::new(known.chain(archive::settings(resources)).collect());
        match &flags.config {
            Some(file) if !file.is_file() => {
                return Err(ConfigError::new("--config", format!("there is no file {}", file.display())));
            }
            Some(file) => values.read_file(file)?,
            None if PathBuf::from(FILE).is_file() => values.read_file(FILE.as_ref())?,
            None => {}
        }
        values.read_environment(environment)?;
        values.read_flag("--hot", "hot_database_url", flags.hot.clone());
        values.read_flag("--cold", "cold_database_url", flags.cold.clone());
        values.read_flag("--addr", "addr", flags.addr.clone());
        values.read_flag("--log", "log", flags.log.clone());
        values.read_flag("--migrate", "migrate", flags.migrate.then(|| "auto".to_owned()));
        values.read_flag("--tries", "tries", flags.tries.map(|tries| tries.to_string()));
        values.read_secret_files()?;
        Self::resolve(&values, resources)
    }

    fn resolve(values: &Values, resources: &[ArchivedResource]) -> Result<Self, ConfigError> {
        let (hot, cold) = location::of_tiers(values)?;
        let migrate = values.parse("migrate", |text| match text {
            "off" => Ok(false),
            "auto" => Ok(true),
            _ => Err("expected auto or off"),
        })?;
        let at_least_one =
            |key, default| values.number(key, 0..=u32::MAX).map(|number| number.unwrap_or(default).max(1));
        Ok(Self {
            hot,
            cold,
            jwt_key: JwtKey::resolve(values)?,
            jwt_issuer: values.owned("jwt_issuer"),
            jwt_audience: values.owned("jwt_audience"),
            jwt_claims: jwt::claims(values)?,
            addr: values.owned("addr").unwrap_or_else(|| "127.0.0.1:8080".to_owned()),
            log: values.parse("log", telemetry::filter)?.unwrap_or_else(|| "info".to_owned()),
            prices_public: values.switch("prices_public")?,
            base_path: values.parse("base_path", str::parse)?.unwrap_or_default(),
            allowed_origins: values.parse("cors_allowed_origins", str::parse)?.unwrap_or_default(),
            request_timeout: at_least_one("request_timeout", 30)?.into(),
            cold_cache_mb: values.number("cold_cache_mb", 0..=1_000_000)?.unwrap_or(16),
            slow_statement: Duration::from_millis(
                values.number("slow_statement_ms", 0..=u32::MAX)?.unwrap_or(1000).into(),
            ),
            migrate: migrate.unwrap_or(false),
            tries: at_least_one("tries", 30)?,
            console: console::resolve(values)?,
            live: values.choice("live")?,
            shared: redis::resolve(values)?,
            limits: LimitSettings::resolve(values)?,
            archive: ArchiveSettings::resolve(values, resources)?,
        })
    }
}
