//! Whether the two databases still fit, asked every few seconds beside the requests.
//!
//! A server whose clients read what hot has alone would never learn that cold has come back from an older backup, nor one
//! that has not met this hot before that hot has. What is found here is no verdict: every request then has cold prove what
//! hot says, and is answered again as soon as it does.

use std::time::Duration;

use crate::archive::pair;
use crate::telemetry::explain;
use crate::tier::TierError;
use crate::web::state::App;

/// How often the databases are asked; for so long a page that hot has alone may still be given.
pub const EVERY: Duration = Duration::from_secs(5);
/// Whether somebody has to run `archive recover`, by resource.
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

/// Looks once.
pub async fn look(app: &App, resources: &[&'static str]) -> Result<(), TierError> {
    let Some(cold) = app.cold() else { return Ok(()) };
    let unfit = pair::unfit(app.hot(), cold).await?;
    for resource in resources {
        let detail = unfit.get(*resource);
        metrics::gauge!(RECOVER_DUE, "resource" => *resource).set(f64::from(detail.is_some()));
        if let Some(detail) = detail {
            tracing::error!(resource, detail, "the databases do not fit: run `thermocline archive recover`");
            app.doubt(resource);
        }
    }
    Ok(())
}
