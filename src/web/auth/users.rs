//! Finds the user of a token by name or email address.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;

use super::claims::UserLookup;
use crate::federation::{ReadError, cache};
use crate::tier::usage::cache_asked;
use crate::tier::{Engine, Statement, TierError};
use crate::web::problem::Problem;

/// The time for which a user is remembered. A renamed user is found under the old name as long.
const REMEMBERED_FOR: Duration = Duration::from_mins(1);

/// The name of this cache in the metrics.
pub const CACHE: &str = "users";

crate::queries! {
    /// Statements that find users.
    mod sql = "auth" { Shared: "queries.sql", Mssql: "queries.mssql.sql" }
    [user_by_username, user_by_email]
}

/// Returns the statements of the module.
pub fn statements() -> Vec<Statement> {
    sql::all().into_iter().copied().collect()
}

/// The users of hot, by name and email address. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Users {
    hot: Arc<dyn Engine>,
    found: Cache<(UserLookup, String), i64>,
}

impl Users {
    /// Returns the users of `hot`.
    pub fn new(hot: Arc<dyn Engine>) -> Self {
        Self { hot, found: Cache::builder().max_capacity(100_000).time_to_live(REMEMBERED_FOR).build() }
    }

    /// Returns the id of the only user whose column is exactly `value`. An unknown user is not remembered, so that a new
    /// one can sign in at once.
    pub(super) async fn find(&self, column: UserLookup, value: String) -> Result<Option<i64>, Problem> {
        let key = (column, value);
        let found = self.found.get(&key).await;
        cache_asked(CACHE, found.is_some());
        if found.is_some() {
            return Ok(found);
        }
        let id = self.read(column, &key.1).await.map_err(ReadError::from)?;
        if let Some(id) = id {
            self.found.insert(key, id).await;
        }
        Ok(id)
    }

    /// Returns the number of users that are remembered.
    pub async fn remembered(&self) -> u64 {
        cache::entries(&self.found).await
    }

    async fn read(&self, column: UserLookup, value: &str) -> Result<Option<i64>, TierError> {
        let statement = match column {
            UserLookup::Id => return Ok(None),
            UserLookup::Username => sql::user_by_username(),
            UserLookup::Email => sql::user_by_email(),
        };
        let mut ids = Vec::new();
        for record in self.hot.fetch(statement, &[value.into()]).await? {
            // The database may hold more for equal: other cases, accents, or spaces at the end.
            if record.text("value")? == value {
                ids.push(record.int("id")?);
            }
        }
        Ok(if let [id] = ids[..] { Some(id) } else { None })
    }
}
