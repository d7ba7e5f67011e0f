//! A pair of new databases.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use thermocline::tier::{Schema, Statement, Tier, TierLocation, migrate};

use super::{Files, Result, program};

/// Numbers the databases of a run.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// Where databases are made.
pub enum Server<'a> {
    Files(&'a Path),
    Postgres(&'a str),
}

pub struct Pair {
    pub hot: String,
    pub cold: String,
    folder: PathBuf,
    /// The server and the names of databases to drop.
    made: Option<(String, [String; 2])>,
}

impl Pair {
    /// Makes an empty pair, with the users and conversations of the files.
    pub async fn new(server: &Server<'_>, files: &Files) -> Result<Self> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let names = ["hot", "cold"].map(|tier| format!("thermocline_bench_{tier}_{number}"));
        let folder = files.folder.clone();
        let pair = match server {
            Server::Files(at) => {
                let [hot, cold] = names.map(|name| format!("sqlite:{}", at.join(name).display()));
                Self { hot, cold, folder, made: None }
            }
            Server::Postgres(url) => {
                for name in &names {
                    run(url, &format!("CREATE DATABASE {name}")).await?;
                }
                let (server, _) = url.rsplit_once('/').ok_or("a URL without a database")?;
                let [hot, cold] = names.clone().map(|name| format!("{server}/{name}"));
                Self { hot, cold, folder, made: Some(((*url).to_owned(), names)) }
            }
        };
        for (location, tier) in [(pair.hot_location()?, Tier::Hot), (pair.cold_location()?, Tier::Cold)] {
            let database: Arc<dyn Schema> = location.open(thermocline::schema::of(tier)).await?;
            migrate::upgrade(&*database).await?;
            database.close().await;
        }
        pair.program(&["import", "users"], &[&files.users])?;
        pair.program(&["import", "conversations"], &[&files.conversations])?;
        Ok(pair)
    }

    fn hot_location(&self) -> Result<TierLocation> {
        Ok(TierLocation::parse_hot(&self.hot)?)
    }

    fn cold_location(&self) -> Result<TierLocation> {
        Ok(TierLocation::parse_cold(&self.cold)?)
    }

    /// Runs the program over the pair.
    pub fn program(&self, arguments: &[&str], files: &[&Path]) -> Result<()> {
        program(&self.hot, &self.cold, &self.folder, arguments, files)
    }

    /// Returns the number of messages in each tier.
    pub async fn counts(&self) -> Result<(u64, u64)> {
        let count = async |location: TierLocation, tier, text: &'static str| -> Result<u64> {
            let database = location.open(thermocline::schema::of(tier)).await?;
            let records = database.fetch(&Statement::new(text).postgres(text), &[]).await?;
            database.close().await;
            Ok(records.first().ok_or("no count")?.int("n")?.try_into()?)
        };
        let hot = "-- bench.count\nSELECT count(*) AS n FROM messages";
        let cold = "-- bench.count\nSELECT count(*) AS n FROM messages_archive";
        Ok((
            count(self.hot_location()?, Tier::Hot, hot).await?,
            count(self.cold_location()?, Tier::Cold, cold).await?,
        ))
    }

    /// Removes the databases of a server. Files go with their folder.
    pub async fn remove(self) -> Result<()> {
        let Some((url, names)) = self.made else { return Ok(()) };
        for name in names {
            run(&url, &format!("DROP DATABASE {name} WITH (FORCE)")).await?;
        }
        Ok(())
    }
}

async fn run(url: &str, text: &str) -> Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(&mut connection).await?;
    Ok(connection.close().await?)
}
