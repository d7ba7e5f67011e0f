//! The state that handlers share: tiers, caches, the token verifier, and the clock.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRef;
use moka::future::Cache;

use crate::clock::Clock;
use crate::federation::sql::{KeptCold, SqlCold, SqlHot, SqlList};
use crate::federation::{Feed, Joint, LocalCache, ReadCache, SharedCache, Tiers, cache, local};
use crate::tier::{Coalesced, Engine};
use crate::web::auth::{Tickets, USERS_CACHE, Users, Verifier};
use crate::web::live::{Hub, StreamLimits};
use crate::web::shared::Shared;

/// The time for which the two users of a conversation are cached.
const PARTICIPANTS_FOR: Duration = Duration::from_secs(5);

/// The name of the cache of conversations' users in the metrics.
pub const PARTICIPANTS: &str = "participants";

/// The state of the service. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    hot: Arc<dyn Engine>,
    cold: Option<Arc<dyn Engine>>,
    cache: ReadCache,
    local: Option<LocalCache>,
    shared: Option<(Shared, SharedCache)>,
    participants: Cache<i64, [Option<i64>; 2]>,
    verifier: Arc<Verifier>,
    users: Users,
    clock: Clock,
    prices_public: bool,
    streams: Arc<Hub>,
    tickets: Arc<Tickets>,
    live: bool,
}

impl App {
    /// Returns the state of a service. A hot-only service has no `cold`.
    pub fn new(
        hot: Arc<dyn Engine>,
        cold: Option<Arc<dyn Engine>>,
        verifier: Arc<Verifier>,
        clock: Clock,
    ) -> Self {
        let (hot, cold) = (Coalesced::around(hot), cold.map(Coalesced::around));
        let participants = Cache::builder().max_capacity(100_000).time_to_live(PARTICIPANTS_FOR).build();
        let users = Users::new(Arc::clone(&hot));
        let tickets = Arc::new(verifier.tickets());
        Self(Arc::new(Inner {
            hot,
            cold,
            cache: ReadCache::default(),
            local: None,
            shared: None,
            participants,
            verifier,
            users,
            clock,
            prices_public: false,
            streams: Hub::new(StreamLimits::default()),
            tickets,
            live: true,
        }))
    }

    /// Lets anyone read prices, when `public`.
    ///
    /// # Panics
    /// When the state has been cloned already.
    #[must_use]
    pub fn with_public_prices(mut self, public: bool) -> Self {
        self.unshared().prices_public = public;
        self
    }

    /// Keeps so many bytes of rows of cold in memory; none if 0.
    ///
    /// # Panics
    /// When the state has been cloned already.
    #[must_use]
    pub fn with_cold_cache(mut self, bytes: u64) -> Self {
        self.unshared().local = (bytes > 0).then(|| LocalCache::new(bytes));
        self
    }

    /// Shares answers of cold with other servers of the pair.
    ///
    /// # Panics
    /// When the state has been cloned already.
    #[must_use]
    pub fn with_shared(mut self, shared: Option<Shared>) -> Self {
        self.unshared().shared = shared.map(|shared| {
            let cache = shared.cache();
            (shared, cache)
        });
        self
    }

    /// Limits the streams of changes.
    ///
    /// # Panics
    /// When the state has been cloned already.
    #[must_use]
    pub fn with_stream_limits(mut self, limits: StreamLimits) -> Self {
        self.unshared().streams = Hub::new(limits);
        self
    }

    /// Turns the change feed off, when not `live`. Otherwise it is on where hot has one.
    ///
    /// # Panics
    /// When the state has been cloned already.
    #[must_use]
    pub fn with_live(mut self, live: bool) -> Self {
        self.unshared().live = live;
        self
    }

    fn unshared(&mut self) -> &mut Inner {
        Arc::get_mut(&mut self.0).expect("the state is not shared yet")
    }

    /// Returns the open streams of changes.
    pub fn streams(&self) -> &Arc<Hub> {
        &self.0.streams
    }

    /// Returns the tickets for streams.
    pub fn tickets(&self) -> &Tickets {
        &self.0.tickets
    }

    /// Returns whether prices may be read without a token.
    pub fn prices_public(&self) -> bool {
        self.0.prices_public
    }

    /// Returns the hot tier.
    pub fn hot(&self) -> &dyn Engine {
        &*self.0.hot
    }

    /// Returns the cold tier, if there is one.
    pub fn cold(&self) -> Option<&dyn Engine> {
        self.0.cold.as_deref()
    }

    /// Returns what is shared with other servers, if anything is.
    pub fn shared(&self) -> Option<&Shared> {
        self.0.shared.as_ref().map(|(shared, _)| shared)
    }

    /// Returns the clock.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Returns the cache of the users of conversations. Missing conversations are not cached.
    pub fn participants(&self) -> &Cache<i64, [Option<i64>; 2]> {
        &self.0.participants
    }

    /// Returns the number of entries of each cache, by its name.
    pub async fn caches(&self) -> [(&'static str, u64); 4] {
        let rows = match &self.0.local {
            Some(local) => local.entries().await,
            None => 0,
        };
        [
            (cache::TOTALS, self.0.cache.totals().await),
            (local::LOCAL, rows),
            (PARTICIPANTS, cache::entries(&self.0.participants).await),
            (USERS_CACHE, self.0.users.remembered().await),
        ]
    }

    /// Quarantines a resource whose databases did not agree: nothing of it is answered until cold proves what hot says.
    pub fn quarantine(&self, resource: &'static str) {
        self.0.cache.quarantine(resource);
    }

    /// Returns the highest epoch of each resource that was seen in hot, or that cold knew to be committed there.
    pub fn highest_epochs(&self) -> HashMap<&'static str, i64> {
        self.0.cache.highest_epochs()
    }

    /// Returns a reader of lists from both tiers.
    pub fn reader(&self) -> Reader<'_> {
        Reader {
            hot: SqlHot(self.hot()),
            cold: self.cold().map(|cold| KeptCold {
                cold: SqlCold(cold),
                local: self.0.local.as_ref(),
                shared: self.0.shared.as_ref().map(|(_, cache)| cache),
            }),
            cache: &self.0.cache,
            live: self.0.live,
        }
    }
}

impl FromRef<App> for Arc<Verifier> {
    fn from_ref(app: &App) -> Self {
        Arc::clone(&app.0.verifier)
    }
}

impl FromRef<App> for Arc<Tickets> {
    fn from_ref(app: &App) -> Self {
        Arc::clone(&app.0.tickets)
    }
}

impl FromRef<App> for Users {
    fn from_ref(app: &App) -> Self {
        app.0.users.clone()
    }
}

/// Reads lists.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    hot: SqlHot<'a>,
    cold: Option<KeptCold<'a>>,
    cache: &'a ReadCache,
    live: bool,
}

impl Reader<'_> {
    /// Returns the tiers of a list. With `partial`, reads succeed without the rows of an unavailable cold.
    pub fn tiers<L: SqlList>(&self, partial: bool) -> Tiers<'_, L> {
        Tiers { hot: &self.hot, cold: self.cold.as_ref().map(|cold| cold as _), cache: self.cache, partial }
    }

    /// Returns the tiers of a list's resource, for questions that both answer.
    pub fn joint<'a, L: SqlList>(&'a self, list: &'a L, partial: bool) -> Joint<'a, L> {
        Joint { hot: self.hot, cold: self.cold, cache: self.cache, list, partial }
    }

    /// Returns the change feed of a list's rows.
    pub fn feed<'a, L: SqlList>(&'a self, list: &'a L) -> Feed<'a, L> {
        Feed {
            hot: self.hot.0,
            cold: self.cold.map(|cold| cold.cold),
            cache: self.cache,
            list,
            wanted: self.live,
        }
    }
}
