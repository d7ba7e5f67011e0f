//! The pair of databases that is measured.

use std::sync::Arc;

use secrecy::SecretString;
use tempfile::TempDir;
use thermocline::clock::Clock;
use thermocline::demo::DemoPlan;
use thermocline::tier::{Schema, Statement, Tier, TierLocation, migrate};
use thermocline::web::auth::{AuthSettings, KeySource, Verifier};
use thermocline_testing::{SECRET, bench};
use tokio::sync::Mutex;

use super::Result;
use super::bare::Bare;

/// Finds a user in every database that has been filled.
const FIRST_USER: &str = "-- bench.first_user\nSELECT id FROM users WHERE id = 1";

/// A pair that is filled and archived, with a connection of its driver to each database.
pub struct Pair {
    pub hot_url: String,
    pub cold_url: String,
    pub hot: Mutex<Bare>,
    pub cold: Mutex<Bare>,
    /// Connections of sqlx to hot and cold, where they are files.
    pub by_sqlx: [Mutex<Option<Bare>>; 2],
    /// A connection that writes to hot, where it is a file.
    writer: Option<rusqlite::Connection>,
    /// The conversation with the most messages.
    pub conversation: i64,
    /// A stock that trades every day.
    pub symbol: &'static str,
    pub token: String,
    /// Conversations, and a user who takes part in that one alone.
    pub talks: Vec<(i64, i64)>,
    verifier: Verifier,
    /// The names of the engines.
    pub engines: String,
    _folder: TempDir,
}

impl Pair {
    /// Opens the pair and fills it, unless it is.
    pub async fn ready() -> Result<Self> {
        let var = |name: &str| std::env::var(format!("THERMOCLINE_BENCH_{name}")).ok();
        let folder = tempfile::tempdir()?;
        let file = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
        let hot_url = var("HOT").unwrap_or_else(|| file("hot.sqlite3"));
        let cold_url = var("COLD").unwrap_or_else(|| file("cold.sqlite3"));
        let messages = var("MESSAGES").map_or(Ok(600_000), |messages| messages.parse())?;
        let (hot, cold) = (TierLocation::parse_hot(&hot_url)?, TierLocation::parse_cold(&cold_url)?);
        let clock = Clock::system();
        let plan = DemoPlan { messages, ..DemoPlan::new(1, clock.now()) };
        fill(&hot, &cold, plan, &clock).await?;
        let key = KeySource::Secret(SecretString::from(SECRET));
        let verifier = Verifier::new(AuthSettings { key, issuer: None, audience: None }, clock)?;
        let facts = plan.facts();
        let writer = match &hot {
            TierLocation::Sqlite(path) => Some(rusqlite::Connection::open(path)?),
            _ => None,
        };
        if let Some(writer) = &writer {
            writer
                .execute_batch("PRAGMA synchronous = OFF; CREATE TABLE IF NOT EXISTS bench_writes (n INT)")?;
        }
        let [hot_by_sqlx, cold_by_sqlx] = [Bare::by_sqlx(&hot).await?, Bare::by_sqlx(&cold).await?];
        Ok(Self {
            by_sqlx: [Mutex::new(hot_by_sqlx), Mutex::new(cold_by_sqlx)],
            writer,
            hot: Mutex::new(Box::pin(Bare::connect(&hot, &hot_url)).await?),
            cold: Mutex::new(Box::pin(Bare::connect(&cold, &cold_url)).await?),
            conversation: facts.conversation,
            symbol: facts.symbol,
            token: verifier.issue(facts.user, Some("admin"), 3_600)?,
            talks: plan.conversations().filter_map(|talk| Some((talk.id, talk.user2_id?))).collect(),
            verifier,
            engines: format!("{:?} and {:?}", hot.dialect(), cold.dialect()),
            hot_url,
            cold_url,
            _folder: folder,
        })
    }

    /// Returns whether hot is a file.
    pub fn has_files(&self) -> bool {
        self.writer.is_some()
    }

    /// Writes something else to hot, so that no connection has its content in memory.
    pub fn write(&self) -> Result<()> {
        if let Some(writer) = &self.writer {
            writer.execute("INSERT INTO bench_writes VALUES (1)", [])?;
        }
        Ok(())
    }

    /// Returns a token of a user without scopes.
    pub fn token_of(&self, user: i64) -> Result<String> {
        Ok(self.verifier.issue(user, None, 3_600)?)
    }

    /// Returns a request for the newest page of each conversation, by its user.
    pub fn newest_pages(&self) -> Result<Vec<String>> {
        let page = |(conversation, user): &(i64, i64)| {
            let path = format!("/api/conversations/{conversation}/messages?limit=20");
            Ok(bench::get(&path, &self.token_of(*user)?))
        };
        self.talks.iter().map(page).collect()
    }

    /// Returns the condition that keeps the rows of the conversation.
    pub fn filter(&self) -> String {
        format!("conversation_id = {}", self.conversation)
    }
}

async fn fill(hot: &TierLocation, cold: &TierLocation, plan: DemoPlan, clock: &Clock) -> Result<()> {
    let open = async |location: &TierLocation, tier| -> Result<Arc<dyn Schema>> {
        let database = location.open(thermocline::schema::of(tier)).await?;
        migrate::upgrade(&*database).await?;
        Ok(database)
    };
    let (hot, cold) = (open(hot, Tier::Hot).await?, open(cold, Tier::Cold).await?);
    let first_user = Statement::new(FIRST_USER).postgres(FIRST_USER).mssql(FIRST_USER);
    if hot.fetch(&first_user, &[]).await?.is_empty() {
        bench::fill(&*hot, &*cold, plan, clock).await?;
    }
    hot.close().await;
    cold.close().await;
    Ok(())
}
