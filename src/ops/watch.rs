//! Whether the two databases still fit, asked every few seconds beside the requests.
//!
//! A server whose clients read what hot has alone would never learn that cold has come back from an older backup, nor one
//! that has not met this hot before that hot has. What is found here is no verdict: every request then has cold prove what
//! hot says, and is answered again as soon as it does.

use std::time::Duration;

use crate::journal::{pair, state};
use crate::telemetry::explain;
use crate::tier::TierError;
use crate::web::state::App;

/// How often the databases are asked; for so long a page that hot has alone may still be given.
pub const EVERY: Duration = Duration::from_secs(5);
/// Whether somebody has to run `archive recover`, or to restart, by resource.
const RECOVER_DUE: &str = "thermocline_recover_due";

/// Looks every few seconds, for ever.
pub async fn watch(app: &App, resources: &[&'static str]) {
    loop {
        // A tier that is away says nothing about how old it is.
        if let Err(error) = look(app, resources).await {
            tracing::debug!(error = explain(&error), "could not look whether the databases fit");
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Looks once; returns the resources of which nothing is answered.
pub async fn look(app: &App, resources: &[&'static str]) -> Result<Vec<&'static str>, TierError> {
    let mut due = Vec::new();
    let Some(cold) = app.cold() else { return Ok(due) };
    // Before hot is asked: while it is the same hot, it has come as far by then.
    let seen = app.highest_epochs();
    let unfit = pair::inconsistencies(app.hot(), cold).await?;
    let stands = state::epochs(app.hot()).await?;
    for resource in resources {
        let seen = seen.get(resource).copied().unwrap_or(0);
        let stands = stands.get(*resource).copied().unwrap_or(0);
        if let Some(error) = unfit.get(*resource) {
            tracing::error!(resource, %error, "the databases are inconsistent");
            app.quarantine(resource);
            due.push(*resource);
        } else if stands < seen {
            tracing::error!(
                resource,
                seen,
                stands,
                "both databases are older than they were: restart, if that is meant"
            );
            due.push(*resource);
        }
        metrics::gauge!(RECOVER_DUE, "resource" => *resource)
            .set(f64::from(u8::from(due.contains(resource))));
    }
    Ok(due)
}
