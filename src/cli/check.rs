//! `thermocline check`

use serde::Serialize;

use super::failure::Failure;
use super::output::print_all;
use super::tier_report::{TierReport, inspect_tier};
use super::token;
use crate::clock::Clock;
use crate::config::{JwtKey, Settings};
use crate::tier::Tier;
use crate::web::shared::{Redis, SharedSettings};

/// Check settings, connections, schemas and sort order of both tiers without changing anything
#[derive(Debug, clap::Args)]
#[command(after_help = "\
`db check` shows more about a tier.

Example:
  thermocline check && thermocline serve")]
pub struct Args;

/// The result of one check.
#[derive(Debug, Serialize)]
struct Finding {
    what: String,
    ok: bool,
    detail: String,
}

fn finding(what: impl Into<String>, outcome: Result<String, String>) -> Finding {
    let (ok, detail) = match outcome {
        Ok(detail) => (true, detail),
        Err(detail) => (false, detail),
    };
    Finding { what: what.into(), ok, detail }
}

/// Runs the command.
pub async fn run(settings: &Settings, json: bool) -> Result<(), Failure> {
    let mut findings = vec![finding("tokens", keys(settings).await)];
    findings.extend(tier_findings(&inspect_tier(Tier::Hot, &settings.hot).await));
    match &settings.cold {
        Some(location) => findings.extend(tier_findings(&inspect_tier(Tier::Cold, location).await)),
        None => findings.push(finding("cold", Ok("none: hot-only mode".to_owned()))),
    }
    if let Some(shared) = &settings.shared {
        findings.push(finding("redis", Ok(redis(shared).await)));
    }
    let sound = findings.iter().all(|finding| finding.ok);
    print_all(&findings, json, |Finding { what, ok, detail }| {
        outln!("{} {what}: {detail}", if *ok { "ok  " } else { "FAIL" });
    })?;
    if sound { Ok(()) } else { Err(Failure::Reported) }
}

/// Checks that tokens can be verified.
async fn keys(settings: &Settings) -> Result<String, String> {
    let usable = async {
        let verifier = token::verifier(settings, &Clock::system())?;
        token::fetch_keys(&verifier, 1).await
    };
    match usable.await {
        Ok(()) => Ok(match &settings.jwt_key {
            Some(JwtKey::PublicKeyFile(file)) => format!("JWT_PUBLIC_KEY_FILE, {}", file.display()),
            Some(JwtKey::Published(url)) => format!("JWT_JWKS_URL, {url}"),
            Some(JwtKey::Secret(_)) | None => "JWT_SECRET, long enough".to_owned(),
        }),
        Err(Failure::Usage(text) | Failure::Failed(text)) => Err(text),
        Err(Failure::Reported) => Err("unusable".to_owned()),
    }
}

/// Says whether Redis answers. The service starts without it.
async fn redis(shared: &SharedSettings) -> String {
    match Redis::check(shared).await {
        Ok(()) => "answers".to_owned(),
        Err(error) => format!("{error}; nothing is shared until it answers"),
    }
}

fn tier_findings(report: &TierReport) -> Vec<Finding> {
    let TierReport { tier, newest, .. } = report;
    let mut found = Vec::new();
    match (&report.error, &report.server) {
        (Some(error), None) => return vec![finding(*tier, Err(error.clone()))],
        (_, server) => {
            let server = server.as_deref().unwrap_or_default();
            found.push(finding(*tier, Ok(format!("{}, {server}", report.place))));
        }
    }
    match report.version {
        Some(version) if version == *newest => {
            found.push(finding(format!("{tier} schema"), Ok(format!("version {version}"))));
        }
        Some(version) => {
            let text = if version < *newest { "run `db upgrade`" } else { "this program is too old" };
            let text = format!("version {version} of {newest}; {text}");
            found.push(finding(format!("{tier} schema"), Err(text)));
        }
        None => {}
    }
    let faults = report.findings.iter().filter(|finding| finding.fault);
    found.extend(faults.map(|fault| finding(format!("{tier} schema"), Err(fault.text.clone()))));
    if report.snapshots == Some(false) {
        let text = "snapshot isolation is off; `db upgrade` turns it on";
        found.push(finding(format!("{tier} isolation"), Err(text.to_owned())));
    }
    match report.sorts {
        Some(true) => found.push(finding(format!("{tier} sort order"), Ok("as in Rust".to_owned()))),
        Some(false) => {
            let text = "does not sort keys as this program does";
            found.push(finding(format!("{tier} sort order"), Err(text.to_owned())));
        }
        None => {}
    }
    found.extend(report.error.iter().map(|error| finding(*tier, Err(error.clone()))));
    found
}
