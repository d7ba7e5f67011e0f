//! What handlers share: the tiers, what readers remember, who may call, the time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRef;
use moka::future::Cache;

use crate::clock::Clock;
use crate::federation::sql::{SqlCold, SqlHot, SqlList};
use crate::federation::{ReadCache, Tiers};
use crate::tier::Engine;
use crate::web::auth::Verifier;

/// How long the two users of a conversation are remembered.
const PARTICIPANTS_FOR: Duration = Duration::from_secs(5);

/// The state of the service. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    hot: Arc<dyn Engine>,
    cold: Option<Arc<dyn Engine>>,
    cache: ReadCache,
    participants: Cache<i64, [Option<i64>; 2]>,
    verifier: Arc<Verifier>,
    clock: Clock,
}

impl App {
    /// A service over `hot` and, unless it is hot-only, `cold`.
    pub fn new(
        hot: Arc<dyn Engine>,
        cold: Option<Arc<dyn Engine>>,
        verifier: Arc<Verifier>,
        clock: Clock,
    ) -> Self {
        let participants = Cache::builder().max_capacity(100_000).time_to_live(PARTICIPANTS_FOR).build();
        Self(Arc::new(Inner { hot, cold, cache: ReadCache::default(), participants, verifier, clock }))
    }

    /// The hot tier.
    pub fn hot(&self) -> &dyn Engine {
        &*self.0.hot
    }

    /// The cold tier, if there is one.
    pub fn cold(&self) -> Option<&dyn Engine> {
        self.0.cold.as_deref()
    }

    /// The time.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The users of conversations read in the last seconds. Only what exists is remembered.
    pub fn participants(&self) -> &Cache<i64, [Option<i64>; 2]> {
        &self.0.participants
    }

    /// Quarantines a resource whose databases did not agree: nothing of it is answered until cold proves what hot says.
    pub fn quarantine(&self, resource: &'static str) {
        self.0.cache.quarantine(resource);
    }

    /// The highest epoch of each resource that was seen in hot, or that cold knew to be committed there.
    pub fn highest_epochs(&self) -> HashMap<&'static str, i64> {
        self.0.cache.highest_epochs()
    }

    /// Both tiers as lists are read from them.
    pub fn reader(&self) -> Reader<'_> {
        Reader { hot: SqlHot(self.hot()), cold: self.cold().map(SqlCold), cache: &self.0.cache }
    }
}

impl FromRef<App> for Arc<Verifier> {
    fn from_ref(app: &App) -> Self {
        Arc::clone(&app.0.verifier)
    }
}

/// Reads lists.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    hot: SqlHot<'a>,
    cold: Option<SqlCold<'a>>,
    cache: &'a ReadCache,
}

impl Reader<'_> {
    /// The tiers of one list; with `partial` without what cold holds when cold is away.
    pub fn tiers<L: SqlList>(&self, partial: bool) -> Tiers<'_, L> {
        Tiers { hot: &self.hot, cold: self.cold.as_ref().map(|cold| cold as _), cache: self.cache, partial }
    }
}
