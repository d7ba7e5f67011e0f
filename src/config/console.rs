//! The console: who signs users in.

use super::error::ConfigError;
use super::sources::{Setting, Values};
use crate::console::{ConsoleSettings, Provider};

const ISSUER: &str = "console_oidc_issuer";
const CLIENT_ID: &str = "console_oidc_client_id";
const SCOPE: &str = "console_oidc_scope";

/// Returns the settings of this module.
pub(super) fn settings() -> impl Iterator<Item = Setting> {
    [ISSUER, CLIENT_ID, SCOPE].into_iter().map(Setting::shared)
}

pub(super) fn resolve(values: &Values) -> Result<ConsoleSettings, ConfigError> {
    let client_id = values.owned(CLIENT_ID);
    if values.text(ISSUER).is_none() {
        return match [CLIENT_ID, SCOPE].into_iter().find(|key| values.text(key).is_some()) {
            Some(key) => Err(values.error(key, format!("{} is not set", values.name(ISSUER)))),
            None => Ok(ConsoleSettings::default()),
        };
    }
    let Some(client_id) = client_id else {
        return Err(values.error(ISSUER, format!("{} is not set", values.name(CLIENT_ID))));
    };
    let scope = values.owned(SCOPE).unwrap_or_else(|| "openid".to_owned());
    let provider = values.parse(ISSUER, |issuer| Provider::new(issuer, client_id.clone(), scope.clone()))?;
    Ok(ConsoleSettings { provider })
}
