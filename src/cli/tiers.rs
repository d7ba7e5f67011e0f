//! Opens the tiers for a command.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::failure::Failure;
use super::{connect, schema_setup};
use crate::archive::adopt;
use crate::clock::Clock;
use crate::config::Settings;
use crate::journal::pair::{self, PairError, Standing};
use crate::resources::registry;
use crate::telemetry::explain;
use crate::tier::{self, Engine, Schema, Tier};

/// The most time for which a service waits until its connections are prepared.
const WARMING: Duration = Duration::from_secs(3);

/// The open tiers.
pub struct Tiers {
    /// The hot tier.
    pub hot: Arc<dyn Engine>,
    /// The cold tier; none in hot-only mode.
    pub cold: Option<Arc<dyn Engine>>,
}

impl Tiers {
    /// Opens both tiers, migrates embedded files, and checks that the databases are a consistent pair.
    pub async fn open(settings: &Settings, clock: &Clock) -> Result<Self, Failure> {
        let hot = connect::open(Tier::Hot, &settings.hot).await?;
        let cold = match &settings.cold {
            Some(location) => Some(connect::open(Tier::Cold, location).await?),
            None => None,
        };
        for database in [Some(&hot), cold.as_ref()].into_iter().flatten() {
            schema_setup::prepare(&**database, false).await?;
        }
        schema_setup::add_feed(&*hot, settings.live, false, clock).await?;
        Self::pair(hot, cold, clock).await?.ensure_consistent().await
    }

    /// Opens both tiers like [`Tiers::open`], but refuses embedded files that do not exist.
    pub async fn open_existing(settings: &Settings, clock: &Clock) -> Result<Self, Failure> {
        ensure_existing(settings)?;
        Self::open(settings, clock).await
    }

    /// Opens both tiers for a recovery, which may join a pair that was cut. Returns how they belong together.
    pub async fn open_to_join(settings: &Settings, clock: &Clock) -> Result<(Self, Standing), Failure> {
        let Some(location) = &settings.cold else { return Err(no_cold()) };
        ensure_existing(settings)?;
        let (hot, cold) =
            (connect::open(Tier::Hot, &settings.hot).await?, connect::open(Tier::Cold, location).await?);
        for database in [&hot, &cold] {
            schema_setup::prepare(&**database, false).await?;
        }
        schema_setup::add_feed(&*hot, settings.live, false, clock).await?;
        let standing = pair::standing(&*hot, &*cold).await.map_err(|error| refused(&error))?;
        // An adoption cannot go on beside a hot that has come back from an older backup.
        let hot_is_older = matches!(standing, Standing::HotUnpaired(_))
            || !pair::inconsistencies(&*hot, &*cold).await.map_err(Failure::of)?.is_empty();
        if !hot_is_older {
            ensure_adopted(&*cold).await?;
        }
        if standing == Standing::Fresh {
            pair::ensure(&*hot, &*cold, clock).await.map_err(|error| refused(&error))?;
        }
        Ok((Self { hot, cold: Some(cold) }, standing))
    }

    /// Notes in a database that belongs to no pair that of the other one.
    pub async fn join(&self, standing: Standing) -> Result<(), Failure> {
        pair::join(&*self.hot, self.need_cold()?, standing).await.map_err(|error| refused(&error))
    }

    /// Opens both tiers for a service: waits for them, migrates servers too if the settings allow it, and checks that
    /// everything a reader needs is there.
    pub async fn start(settings: &Settings, clock: &Clock) -> Result<Self, Failure> {
        let hot = connect::wait(Tier::Hot, &settings.hot, settings.tries, &mut connect::log).await?;
        let cold = match &settings.cold {
            Some(location) => {
                Some(connect::wait(Tier::Cold, location, settings.tries, &mut connect::log).await?)
            }
            None => None,
        };
        for database in [Some(&hot), cold.as_ref()].into_iter().flatten() {
            schema_setup::prepare(&**database, settings.migrate).await?;
            schema_setup::ensure_readable(&**database).await?;
        }
        schema_setup::add_feed(&*hot, settings.live, settings.migrate, clock).await?;
        Self::pair(hot, cold, clock).await?.ensure_consistent().await
    }

    /// Opens hot alone, independent of the state of cold.
    pub async fn open_hot(settings: &Settings) -> Result<Arc<dyn Schema>, Failure> {
        connect::ensure_existing(Tier::Hot, &settings.hot)?;
        let hot = connect::open(Tier::Hot, &settings.hot).await?;
        schema_setup::prepare(&*hot, false).await?;
        Ok(hot)
    }

    /// Opens connections and prepares the statements of the usual pages on them. Waits for the first one of each tier, no longer
    /// than [`WARMING`]; the others follow beside the first requests.
    pub async fn warm(&self) {
        let engines = [Some(&self.hot), self.cold.as_ref()].into_iter().flatten();
        let warming = engines.map(|engine| {
            let engine = Arc::clone(engine);
            let (first, is_warm) = oneshot::channel();
            tokio::spawn(async move {
                let usual =
                    registry::RESOURCES.iter().map(|resource| resource.usual_statements(engine.tier()));
                tier::warm(&*engine, &usual.flatten().collect::<Vec<_>>(), first).await;
            });
            is_warm
        });
        let warming = futures::future::join_all(warming);
        if tokio::time::timeout(WARMING, warming).await.is_err() {
            tracing::info!("connections are still being prepared");
        }
    }

    /// Opens the tiers without checking that they are a pair. Cold may be unavailable; then the error is returned too.
    pub async fn open_degraded(settings: &Settings) -> Result<(Self, Option<String>), Failure> {
        let Some(location) = &settings.cold else { return Err(no_cold()) };
        ensure_existing(settings)?;
        let hot = connect::open(Tier::Hot, &settings.hot).await?;
        schema_setup::prepare(&*hot, false).await?;
        let (cold, error) = match connect::open(Tier::Cold, location).await {
            Ok(cold) => {
                schema_setup::prepare(&*cold, false).await?;
                (Some(cold), None)
            }
            Err(Failure::Failed(error)) => (None, Some(error)),
            Err(other) => return Err(other),
        };
        Ok((Self { hot, cold: cold.map(|cold| cold as _) }, error))
    }

    async fn pair(
        hot: Arc<dyn Schema>,
        cold: Option<Arc<dyn Schema>>,
        clock: &Clock,
    ) -> Result<Self, Failure> {
        match &cold {
            Some(cold) => {
                ensure_adopted(&**cold).await?;
                pair::ensure(&*hot, &**cold, clock).await.map_err(|error| refused(&error))?;
            }
            None => pair::ensure_alone(&*hot).await.map_err(|error| refused(&error))?,
        }
        Ok(Self { hot, cold: cold.map(|cold| cold as _) })
    }

    /// Refuses a pair of which one database was restored from a backup.
    async fn ensure_consistent(self) -> Result<Self, Failure> {
        if let Some(cold) = &self.cold {
            pair::ensure_consistent(&*self.hot, &**cold).await.map_err(|error| refused(&error))?;
        }
        Ok(self)
    }

    /// Returns the cold tier, or a failure in hot-only mode.
    pub fn need_cold(&self) -> Result<&dyn Engine, Failure> {
        self.cold().ok_or_else(no_cold)
    }

    /// Returns the cold tier, if there is one.
    pub fn cold(&self) -> Option<&dyn Engine> {
        self.cold.as_deref()
    }

    /// Closes both tiers.
    pub async fn close(self) {
        self.hot.close().await;
        if let Some(cold) = self.cold {
            cold.close().await;
        }
    }
}

/// Refuses a cold database whose adoption is not done: its rows would be missing.
async fn ensure_adopted(cold: &dyn Engine) -> Result<(), Failure> {
    let waiting = adopt::unfinished(cold).await.map_err(Failure::of)?;
    if waiting.is_empty() {
        return Ok(());
    }
    let text = format!("the adoption of {} is not done: run `thermocline db adopt`", waiting.join(", "));
    Err(Failure::Usage(text))
}

fn no_cold() -> Failure {
    Failure::Usage("COLD_DATABASE_URL: not set, but this command needs a cold tier".to_owned())
}

fn refused(error: &PairError) -> Failure {
    match error {
        PairError::Tier(_) | PairError::Consistency(_) => Failure::Failed(explain(error)),
        PairError::NotAPair(_) => Failure::Usage(error.to_string()),
    }
}

/// Refuses embedded files that do not exist.
fn ensure_existing(settings: &Settings) -> Result<(), Failure> {
    connect::ensure_existing(Tier::Hot, &settings.hot)?;
    settings.cold.iter().try_for_each(|location| connect::ensure_existing(Tier::Cold, location))
}
