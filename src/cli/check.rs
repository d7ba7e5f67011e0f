//! `thermocline check`

use std::sync::LazyLock;

use serde::Serialize;

use super::{Failure, print_json, tiers, token};
use crate::clock::{Clock, Timestamp};
use crate::config::{Place, Settings};
use crate::page::Key;
use crate::telemetry::explain;
use crate::tier::{Engine, Schema, Statement, Tier, TierError, any_sql, migrate};

static SORT: LazyLock<Statement> = LazyLock::new(|| any_sql!("sort"));

/// Check settings, connections, schema and sort order of both tiers; changes nothing
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  thermocline check && thermocline serve")]
pub struct Args;

/// One thing that was looked at.
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

/// Runs it.
pub async fn run(settings: &Settings, json: bool) -> Result<(), Failure> {
    let secret = match token::verifier(settings, &Clock::system()) {
        Ok(_) => Ok("long enough".to_owned()),
        Err(Failure::Usage(text) | Failure::Failed(text)) => Err(text),
        Err(Failure::Reported) => Err("unusable".to_owned()),
    };
    let mut findings = vec![finding("JWT_SECRET", secret)];
    let hot = tier(Tier::Hot, &settings.hot, &mut findings).await;
    let cold = if let Some(place) = &settings.cold {
        tier(Tier::Cold, place, &mut findings).await
    } else {
        findings.push(finding("cold", Ok("none: hot-only mode".to_owned())));
        None
    };
    for database in [hot, cold].into_iter().flatten() {
        database.close().await;
    }
    let sound = findings.iter().all(|finding| finding.ok);
    if json {
        print_json(&findings)?;
    } else {
        for Finding { what, ok, detail } in &findings {
            println!("{} {what}: {detail}", if *ok { "ok  " } else { "FAIL" });
        }
    }
    if sound { Ok(()) } else { Err(Failure::Reported) }
}

/// Looks at one tier.
async fn tier(tier: Tier, place: &Place, findings: &mut Vec<Finding>) -> Option<std::sync::Arc<dyn Schema>> {
    if let Some(file) = place.path().filter(|path| !path.is_file()) {
        let missing = format!("there is no file {}; `db upgrade` makes it", file.display());
        findings.push(finding(tier.name(), Err(missing)));
        return None;
    }
    let database = match tiers::open(tier, place).await {
        Ok(database) => database,
        Err(Failure::Failed(text) | Failure::Usage(text)) => {
            findings.push(finding(tier.name(), Err(text)));
            return None;
        }
        Err(Failure::Reported) => return None,
    };
    findings.push(finding(tier.name(), Ok(tiers::describe(tier, place).unwrap_or_default())));
    let newest = migrate::newest(&*database);
    let version = match database.version().await {
        Ok(version) if version == newest => Ok(format!("version {version}")),
        Ok(version) => Err(format!("version {version} of {newest}; run `db upgrade`")),
        Err(error) => Err(explain(&error)),
    };
    findings.push(finding(format!("{tier} schema"), version));
    let sorted = match sorts_as_we_do(&*database).await {
        Ok(true) => Ok("as in Rust".to_owned()),
        Ok(false) => Err("sorts keys otherwise than this program".to_owned()),
        Err(error) => Err(explain(&error)),
    };
    findings.push(finding(format!("{tier} sort order"), sorted));
    Some(database)
}

/// Whether the tier puts keys into the order every page relies on.
async fn sorts_as_we_do(engine: &dyn Engine) -> Result<bool, TierError> {
    let at = |micros| Timestamp::default().plus(micros);
    let mut keys = vec![
        Key::MAX,
        Key::new(at(0), 1),
        Key::new(at(-1), 7),
        Key::MIN,
        Key::new(at(1), -1),
        Key::new(at(1), i64::MAX),
        Key::new(at(0), 0),
        Key::new(at(1), 2),
    ];
    let instants: Vec<i64> = keys.iter().map(|key| key.at.micros()).collect();
    let ids: Vec<i64> = keys.iter().map(|key| key.id).collect();
    let records = engine.fetch(&SORT, &[instants.into(), ids.into()]).await?;
    let mut sorted = Vec::new();
    for record in &records {
        sorted.push(Key::new(record.time("at")?, record.int("id")?));
    }
    keys.sort_unstable_by(|a, b| b.cmp(a));
    Ok(sorted == keys)
}
