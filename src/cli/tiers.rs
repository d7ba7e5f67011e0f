//! Opens the tiers a command works on.

use std::sync::Arc;

use super::{Failure, ready, wait};
use crate::clock::Clock;
use crate::config::{Settings, TierLocation};
use crate::journal::pair::{self, PairError};
use crate::telemetry::explain;
use crate::tier::migrate::Dialect;
use crate::tier::{Engine, Mssql, Postgres, PostgresUrl, Replicated, Schema, Sqlite, Tier, TierError};

/// The open tiers.
pub struct Tiers {
    /// Hot.
    pub hot: Arc<dyn Engine>,
    /// Cold, unless in hot-only mode.
    pub cold: Option<Arc<dyn Engine>>,
}

impl Tiers {
    /// Opens both tiers, brings embedded files up to date and checks that they are a pair of one time.
    pub async fn open(settings: &Settings, clock: &Clock) -> Result<Self, Failure> {
        Self::open_of_any_time(settings, clock).await?.of_one_time().await
    }

    /// Refuses databases of which one came back from a backup.
    async fn of_one_time(self) -> Result<Self, Failure> {
        if let Some(cold) = &self.cold {
            pair::ensure_consistent(&*self.hot, &**cold).await.map_err(|error| refused(&error))?;
        }
        Ok(self)
    }

    /// The same for whoever looks at, or mends, two databases of which one may have come back from a backup.
    pub async fn open_of_any_time(settings: &Settings, clock: &Clock) -> Result<Self, Failure> {
        let hot = open(Tier::Hot, &settings.hot).await?;
        let cold = match &settings.cold {
            Some(place) => Some(open(Tier::Cold, place).await?),
            None => None,
        };
        Self::pair(hot, cold, None, clock).await
    }

    /// The same for a service that starts: waits for both, and migrates servers too if the settings say so.
    pub async fn start(settings: &Settings, clock: &Clock) -> Result<Self, Failure> {
        let hot = wait::wait(Tier::Hot, &settings.hot, settings.tries, &mut wait::log).await?;
        let cold = match &settings.cold {
            Some(place) => Some(wait::wait(Tier::Cold, place, settings.tries, &mut wait::log).await?),
            None => None,
        };
        Self::pair(hot, cold, Some(settings), clock).await?.of_one_time().await
    }

    /// Both as one pair; for a service that starts, with everything its readers need.
    async fn pair(
        hot: Arc<dyn Schema>,
        cold: Option<Arc<dyn Schema>>,
        starting: Option<&Settings>,
        clock: &Clock,
    ) -> Result<Self, Failure> {
        for database in [Some(&hot), cold.as_ref()].into_iter().flatten() {
            ready::ready(&**database, starting.is_some_and(|settings| settings.migrate)).await?;
            if starting.is_some() {
                ready::complete(&**database).await?;
            }
        }
        match &cold {
            Some(cold) => pair::ensure(&*hot, &**cold, clock).await.map_err(|error| refused(&error))?,
            None => pair::ensure_alone(&*hot).await.map_err(|error| refused(&error))?,
        }
        Ok(Self { hot, cold: cold.map(|cold| cold as _) })
    }

    /// Opens the tiers to look at them: cold may be away, and is said to be, and whether they are a pair is not asked.
    pub async fn open_to_look(settings: &Settings) -> Result<(Self, Option<String>), Failure> {
        let Some(place) = &settings.cold else { return Err(no_cold()) };
        let hot = open(Tier::Hot, &settings.hot).await?;
        ready::ready(&*hot, false).await?;
        let (cold, away) = match open(Tier::Cold, place).await {
            Ok(cold) => {
                ready::ready(&*cold, false).await?;
                (Some(cold), None)
            }
            Err(Failure::Failed(fault)) => (None, Some(fault)),
            Err(other) => return Err(other),
        };
        Ok((Self { hot, cold: cold.map(|cold| cold as _) }, away))
    }

    /// The cold tier, for a command that cannot do without.
    pub fn need_cold(&self) -> Result<&dyn Engine, Failure> {
        match &self.cold {
            Some(cold) => Ok(&**cold),
            None => Err(no_cold()),
        }
    }

    /// The cold tier, if there is one.
    pub fn cold(&self) -> Option<&dyn Engine> {
        self.cold.as_deref()
    }

    /// Closes both.
    pub async fn close(self) {
        self.hot.close().await;
        if let Some(cold) = self.cold {
            cold.close().await;
        }
    }
}

fn no_cold() -> Failure {
    Failure::Usage("COLD_DATABASE_URL: not set, and there is nothing to archive to".to_owned())
}

fn refused(error: &PairError) -> Failure {
    match error {
        PairError::Tier(_) | PairError::Consistency(_) => Failure::Failed(explain(error)),
        PairError::NotAPair(_) => Failure::Usage(error.to_string()),
    }
}

/// What a place is called, without passwords.
pub fn describe(tier: Tier, place: &TierLocation) -> Result<String, Failure> {
    match place {
        TierLocation::Sqlite(path) => Ok(path.display().to_string()),
        TierLocation::Mssql(at) => Ok(at.shown()),
        TierLocation::Postgres { url, .. } => Ok(read(tier, url)?.to_string()),
    }
}

fn read(tier: Tier, url: &str) -> Result<PostgresUrl, Failure> {
    PostgresUrl::parse(url).map_err(|fault| Failure::Usage(format!("the URL of the {tier} tier: {fault}")))
}

/// What a place speaks.
pub const fn dialect(place: &TierLocation) -> Dialect {
    match place {
        TierLocation::Sqlite(_) => Dialect::Sqlite,
        TierLocation::Mssql(_) => Dialect::Mssql,
        TierLocation::Postgres { .. } => Dialect::Postgres,
    }
}

/// Opens one tier as it is.
pub async fn open(tier: Tier, place: &TierLocation) -> Result<Arc<dyn Schema>, Failure> {
    let opened = attempt(tier, place).await?;
    let place = describe(tier, place)?;
    opened.map_err(|error| Failure::Failed(format!("{} ({place})", explain(&error))))
}

/// Opens one tier if it is there; a failure is a place that cannot be read, and never will be.
pub async fn attempt(
    tier: Tier,
    place: &TierLocation,
) -> Result<Result<Arc<dyn Schema>, TierError>, Failure> {
    Ok(match place {
        TierLocation::Sqlite(path) => {
            Sqlite::open(crate::schema::of(tier), path).await.map(|database| Arc::new(database) as _)
        }
        TierLocation::Mssql(at) => {
            Mssql::open(crate::schema::of(tier), at).await.map(|database| Arc::new(database) as _)
        }
        TierLocation::Postgres { url, direct, replicas } => {
            let direct = direct.as_deref().map(|url| read(tier, url)).transpose()?;
            let mut copies: Vec<Arc<dyn Engine>> = Vec::new();
            for replica in replicas {
                copies.push(Arc::new(Postgres::replica(crate::schema::of(tier), &read(tier, replica)?)));
            }
            let primary = Postgres::open(crate::schema::of(tier), &read(tier, url)?, direct.as_ref()).await;
            primary.map(|primary| -> Arc<dyn Schema> {
                if copies.is_empty() {
                    return Arc::new(primary);
                }
                Arc::new(Replicated::new(Arc::new(primary), copies))
            })
        }
    })
}
