//! Samples the databases for the metrics, in the background: a scrape must neither wait for them nor load them.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use futures::future::{join_all, join3};

use super::metrics::catalogue::{EPOCH_LAG, TABLE_BYTES, TABLE_ROWS, TIER_UP};
use super::metrics::replicas;
use crate::archive::status::StatusReader;
use crate::archive::{Family, Rule, metrics as archive};
use crate::journal::{entry, state};
use crate::schema;
use crate::telemetry::explain;
use crate::tier::{Engine, Statement, TierError};
use crate::web::state::App;

/// The time between two looks at the servers.
const SERVERS_EVERY: Duration = Duration::from_secs(15);
/// The time after which a server without an answer counts as unavailable.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// The shortest time between two samples of rows or sizes.
const ROWS_EVERY: Duration = Duration::from_mins(1);
/// After rows were counted, the pause is at least so many times as long as that took.
const PAUSE: u32 = 50;

crate::queries! {
    /// Statements of samples.
    mod sql = "sampling" { Shared: "sampling.sql", Postgres: "sampling.postgres.sql" }
    [table_sizes]
}

/// Samples at intervals, for ever. `rules` selects the due rows of each resource.
pub async fn sample(app: &App, rules: &[(&'static Family, Rule)]) {
    join3(sample_servers(app, rules), sample_rows(app, rules), sample_tables(app)).await;
}

async fn sample_servers(app: &App, rules: &[(&'static Family, Rule)]) {
    loop {
        let hot = state::epochs(app.hot());
        let hot = tokio::time::timeout(ANSWER_WITHIN, hot).await.ok().and_then(Result::ok);
        metrics::gauge!(TIER_UP, "tier" => "hot", "server" => "primary").set(number(hot.is_some()));
        if let Some(cold) = app.cold() {
            let epochs = hot.as_ref();
            let servers = std::iter::once(("primary".to_owned(), cold)).chain(replicas(cold));
            join_all(servers.map(|(server, engine)| async move {
                let newest = tokio::time::timeout(ANSWER_WITHIN, newest_moves(engine, rules)).await;
                let newest = newest.ok().and_then(Result::ok);
                metrics::gauge!(TIER_UP, "tier" => "cold", "server" => server.clone())
                    .set(number(newest.is_some()));
                for (resource, newest) in newest.unwrap_or_default() {
                    // Hot was read first, and every move that it had committed by then was in cold before.
                    let Some(epoch) = epochs.and_then(|epochs| epochs.get(resource)) else { continue };
                    let lag = (epoch - newest).max(0);
                    metrics::gauge!(EPOCH_LAG, "resource" => resource, "server" => server.clone())
                        .set(lag as f64);
                }
            }))
            .await;
        }
        tokio::time::sleep(SERVERS_EVERY).await;
    }
}

fn number(yes: bool) -> f64 {
    f64::from(u8::from(yes))
}

async fn newest_moves(
    cold: &dyn Engine,
    rules: &[(&'static Family, Rule)],
) -> Result<Vec<(&'static str, i64)>, TierError> {
    let mut newest = Vec::new();
    for (family, _) in rules {
        newest.push((family.resource, entry::newest(cold, family.resource).await?));
    }
    Ok(newest)
}

async fn sample_rows(app: &App, rules: &[(&'static Family, Rule)]) {
    // Without cold, no row is due.
    let Some(cold) = app.cold() else { return };
    let reader =
        |(family, rule): &(&'static Family, Rule)| StatusReader::new(family, *rule).with_pause(PAUSE);
    let mut readers: Vec<StatusReader> = rules.iter().map(reader).collect();
    loop {
        for reader in &mut readers {
            match reader.read(app.hot(), Some(cold), app.clock()).await {
                Ok(status) => archive::status_read(&status),
                Err(error) => {
                    tracing::debug!(
                        resource = reader.resource(),
                        error = explain(&error),
                        "no sample of rows"
                    );
                }
            }
        }
        tokio::time::sleep(ROWS_EVERY).await;
    }
}

async fn sample_tables(app: &App) {
    let Some(cold) = app.cold() else { return };
    loop {
        let begun = Instant::now();
        if let Err(error) = read_sizes(cold).await {
            tracing::debug!(error = explain(&error), "no sample of the sizes of tables");
        }
        tokio::time::sleep(ROWS_EVERY.max(begun.elapsed() * PAUSE)).await;
    }
}

async fn read_sizes(cold: &dyn Engine) -> Result<(), TierError> {
    for record in cold.fetch(&TABLE_SIZES, &[]).await? {
        let table = record.text("name")?;
        metrics::gauge!(TABLE_ROWS, "table" => table.clone()).set(record.int("n")? as f64);
        metrics::gauge!(TABLE_BYTES, "table" => table).set(record.int("bytes")? as f64);
    }
    Ok(())
}

static TABLE_SIZES: LazyLock<Statement> = LazyLock::new(|| {
    let tables = schema::COLD.tables.iter().map(|table| table.name);
    let counts: Vec<String> =
        tables.clone().map(|name| format!("SELECT '{name}' AS name, count(*) AS n FROM {name}")).collect();
    let names: Vec<String> = tables.map(|name| format!("'{name}'")).collect();
    let values = [("counts", counts.join(" UNION ALL ")), ("names", names.join(", "))];
    sql::table_sizes().bind("every table", &values.each_ref().map(|(name, value)| (*name, value.as_str())))
});

/// Returns the statements of the module.
pub fn statements() -> Vec<Statement> {
    vec![*TABLE_SIZES]
}
