//! Checks every few seconds whether the two databases are consistent.
//!
//! Requests alone do not notice every restored backup: pages that only hot has do not read cold, and a new server has not
//! seen the earlier epochs of hot. A finding here is not final. It quarantines the resource: each request then asks cold to
//! prove the state of hot, and is answered again as soon as cold does.

use std::time::Duration;

use crate::journal::{pair, state};
use crate::telemetry::explain;
use crate::tier::TierError;
use crate::web::state::App;

/// The time between two checks. A page that only hot has can be stale for as long.
const INTERVAL: Duration = Duration::from_secs(5);
/// Gauge by resource: 1 while an operator has to run `archive recover` or to restart the server.
pub const RECOVER_DUE: &str = "thermocline_recover_due";

/// Checks again and again, for ever.
pub async fn watch(app: &App, resources: &[&'static str]) {
    loop {
        // The state of an unavailable tier is unknown.
        if let Err(error) = check(app, resources).await {
            tracing::debug!(error = explain(&error), "the databases cannot be checked");
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Checks once. Returns the resources that are not served.
pub async fn check(app: &App, resources: &[&'static str]) -> Result<Vec<&'static str>, TierError> {
    let mut due = Vec::new();
    let Some(cold) = app.cold() else { return Ok(due) };
    // Read before hot is asked: the same hot has reached these epochs by then.
    let seen = app.highest_epochs();
    let inconsistent = pair::inconsistencies(app.hot(), cold).await?;
    let epochs = state::epochs(app.hot()).await?;
    for resource in resources {
        let seen = seen.get(resource).copied().unwrap_or(0);
        let epoch = epochs.get(*resource).copied().unwrap_or(0);
        if let Some(error) = inconsistent.get(*resource) {
            tracing::error!(resource, %error, "the databases are inconsistent");
            app.quarantine(resource);
            due.push(*resource);
        } else if epoch < seen {
            tracing::error!(
                resource,
                seen,
                epoch,
                "both databases are older than before; restart the server if this is intended"
            );
            due.push(*resource);
        }
        metrics::gauge!(RECOVER_DUE, "resource" => *resource)
            .set(f64::from(u8::from(due.contains(resource))));
    }
    Ok(due)
}
