//! Opens the tiers a command works on.

use std::sync::Arc;

use super::Failure;
use crate::archive::pair::{self, PairError};
use crate::clock::Clock;
use crate::config::{Place, Settings};
use crate::telemetry::explain;
use crate::tier::{Engine, Mssql, Postgres, PostgresUrl, Replicated, Schema, Sqlite, Tier, migrate};

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
        let tiers = Self::open_of_any_time(settings, clock).await?;
        if let Some(cold) = &tiers.cold {
            pair::ensure_one_time(&*tiers.hot, &**cold).await.map_err(|error| refused(&error))?;
        }
        Ok(tiers)
    }

    /// The same for whoever looks at, or mends, two databases of which one may have come back from a backup.
    pub async fn open_of_any_time(settings: &Settings, clock: &Clock) -> Result<Self, Failure> {
        let hot = open(Tier::Hot, &settings.hot).await?;
        let cold = match &settings.cold {
            Some(place) => Some(open(Tier::Cold, place).await?),
            None => None,
        };
        bring_up_to_date(&*hot).await?;
        match &cold {
            Some(cold) => {
                bring_up_to_date(&**cold).await?;
                pair::ensure(&*hot, &**cold, clock).await.map_err(|error| refused(&error))?;
            }
            None => pair::ensure_alone(&*hot).await.map_err(|error| refused(&error))?,
        }
        Ok(Self { hot, cold: cold.map(|cold| cold as _) })
    }

    /// The cold tier, for a command that cannot do without.
    pub fn need_cold(&self) -> Result<&dyn Engine, Failure> {
        match &self.cold {
            Some(cold) => Ok(&**cold),
            None => Err(Failure::Usage(
                "COLD_DATABASE_URL: not set, and there is nothing to archive to".to_owned(),
            )),
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

fn refused(error: &PairError) -> Failure {
    match error {
        PairError::Tier(_) | PairError::RecoverDue { .. } => Failure::Failed(explain(error)),
        PairError::NotAPair(_) => Failure::Usage(error.to_string()),
    }
}

/// Migrates an embedded file. Of a server others are users too: whoever runs it says when.
async fn bring_up_to_date(database: &dyn Schema) -> Result<(), Failure> {
    if database.is_embedded() {
        return migrate::upgrade(database).await.map(drop).map_err(Failure::of);
    }
    let (version, newest) = (database.version().await.map_err(Failure::of)?, migrate::newest(database));
    let tier = database.tier();
    match version.cmp(&newest) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Less => Err(Failure::Usage(format!(
            "the {tier} schema is at version {version} of {newest}: run `thermocline db upgrade --tier {tier}`"
        ))),
        std::cmp::Ordering::Greater => Err(Failure::Usage(format!(
            "the {tier} schema is at version {version}, and this program knows {newest}: it is too old"
        ))),
    }
}

/// What a place is called, without passwords.
pub fn describe(tier: Tier, place: &Place) -> Result<String, Failure> {
    match place {
        Place::Sqlite(path) => Ok(path.display().to_string()),
        Place::Mssql(at) => Ok(at.shown()),
        Place::Postgres { url, .. } => Ok(read(tier, url)?.to_string()),
    }
}

fn read(tier: Tier, url: &str) -> Result<PostgresUrl, Failure> {
    PostgresUrl::parse(url).map_err(|fault| Failure::Usage(format!("the URL of the {tier} tier: {fault}")))
}

/// Opens one tier as it is.
pub async fn open(tier: Tier, place: &Place) -> Result<Arc<dyn Schema>, Failure> {
    let opened: Result<Arc<dyn Schema>, _> = match place {
        Place::Sqlite(path) => Sqlite::open(tier, path).await.map(|database| Arc::new(database) as _),
        Place::Mssql(at) => Mssql::open(tier, at).await.map(|database| Arc::new(database) as _),
        Place::Postgres { url, direct, replicas } => {
            let direct = direct.as_deref().map(|url| read(tier, url)).transpose()?;
            let mut copies: Vec<Arc<dyn Engine>> = Vec::new();
            for replica in replicas {
                copies.push(Arc::new(Postgres::replica(tier, &read(tier, replica)?)));
            }
            let primary = Postgres::open(tier, &read(tier, url)?, direct.as_ref()).await;
            primary.map(|primary| -> Arc<dyn Schema> {
                if copies.is_empty() {
                    return Arc::new(primary);
                }
                Arc::new(Replicated::new(Arc::new(primary), copies))
            })
        }
    };
    let place = describe(tier, place)?;
    opened.map_err(|error| Failure::Failed(format!("{} ({place})", explain(&error))))
}
