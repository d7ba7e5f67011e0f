//! A service over two temporary tiers of any engine behind a real socket, filled by the loader and archived by the
//! mover.
//!
//! Tests use the public interface of the program, so that a test of HTTP also tests the layers below.

#![allow(missing_docs, reason = "only the tests of this workspace use it")]

mod answer;
mod cluster;
mod records;
mod switchable;

pub mod bench;
pub mod bounds;
pub mod citus;
pub mod dice;
pub mod engines;
pub mod explain;
pub mod fail_points;
pub mod hot_engines;
pub mod intercept;
pub mod pair;
pub mod postgres;
pub mod prices_tiers;
pub mod proxy;
pub mod redis_server;
pub mod small_disk;
pub mod tds;
pub mod timescale;
pub mod waiting;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use reqwest::Method;
use thermocline::archive::{ArchiveOptions, BlockSizes, Mover, Outcome};
use thermocline::clock::{Clock, Timestamp};
use thermocline::import::{Noun, Record};
use thermocline::journal;
use thermocline::load::{Loader, Verdict};
use thermocline::tier::{Begin, Engine, Sqlite, Statement, Tier, Value, migrate};
use thermocline::web::admission::{Capacity, Gate};
use thermocline::web::auth::{AuthSettings, ClaimSettings, KeySource, Verifier};
use thermocline::web::shared::{Shared, SharedSettings};
use thermocline::web::state::App;
use thermocline::{resources, server};

pub use self::answer::Answer;
pub use self::records::{
    LIMITED, at, comment, conversation, like, limited_file, message, post, price, stock,
};
pub use self::switchable::{Mode, Switchable};

/// Key that signs the tokens of the service.
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// Time of every service until its clock is set.
pub const NOW: &str = "2026-03-01T00:00:00Z";
/// Rows older than this are due with the default options: 30 days before [`NOW`].
pub const CUTOFF: &str = "2026-01-30T00:00:00Z";

/// A running service. Dropping it stops it and removes its files.
pub struct Service {
    /// The hot tier, which can be made to fail.
    pub hot: Arc<Switchable>,
    /// The cold tier, which can be made to fail.
    pub cold: Arc<Switchable>,
    /// The clock, for tokens and for what is due.
    pub clock: Clock,
    /// The service itself.
    pub app: App,
    /// `http://127.0.0.1:…`
    pub url: String,
    verifier: Arc<Verifier>,
    client: reqwest::Client,
    serving: tokio::task::JoinHandle<()>,
    _folder: Option<tempfile::TempDir>,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Service {
    /// Starts a service over empty tiers.
    pub async fn start() -> Self {
        Self::start_with(Duration::from_secs(30)).await
    }

    /// Starts a service with these options, or with this time limit for requests.
    pub async fn start_with(options: impl Into<server::Options>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let open = async |tier: Tier| {
            let database = Sqlite::open(thermocline::schema::of(tier), &folder.path().join(tier.name()))
                .await
                .expect("a database");
            migrate::upgrade(&database).await.expect("a schema");
            Arc::new(database)
        };
        let (hot, cold) = (open(Tier::Hot).await, open(Tier::Cold).await);
        Self::begin(hot, cold, options.into(), Some(folder), ClaimSettings::default(), None, 0).await
    }

    /// Starts a service over these tiers and pairs them.
    pub async fn over(hot: Arc<dyn Engine>, cold: Arc<dyn Engine>, request_timeout: Duration) -> Self {
        Self::begin(hot, cold, request_timeout.into(), None, ClaimSettings::default(), None, 0).await
    }

    /// Starts another service over the tiers of this one, which shares a Redis with others. All of them count the requests of a
    /// caller together; a rate of 0 is no limit.
    pub async fn sharing(&self, shared: &SharedSettings, rate_per_caller: u32) -> Self {
        let pair = journal::pair::number_of(&*self.hot).await.expect("hot answers").expect("a pair");
        let shared = Shared::open(shared, pair).expect("a URL");
        let capacity = Capacity { rate_per_caller, ..Capacity::default() };
        let gate = Gate::sharing(capacity, shared.rate(rate_per_caller));
        let options = server::Options { gate, ..Duration::from_secs(30).into() };
        let (hot, cold) = (Arc::clone(&self.hot) as _, Arc::clone(&self.cold) as _);
        Self::begin(hot, cold, options, None, ClaimSettings::default(), Some(shared), 0).await
    }

    /// Starts a service over the tiers of this one, whose tokens have other claims.
    pub async fn reading(&self, claims: ClaimSettings) -> Self {
        let (hot, cold) = (Arc::clone(&self.hot) as _, Arc::clone(&self.cold) as _);
        Self::begin(hot, cold, Duration::from_secs(30).into(), None, claims, None, 0).await
    }

    /// Starts another service over the tiers of this one, which keeps so many bytes of cold in memory.
    pub async fn keeping(&self, bytes: u64) -> Self {
        let (hot, cold) = (Arc::clone(&self.hot) as _, Arc::clone(&self.cold) as _);
        Self::begin(hot, cold, Duration::from_secs(30).into(), None, ClaimSettings::default(), None, bytes)
            .await
    }

    async fn begin(
        hot: Arc<dyn Engine>,
        cold: Arc<dyn Engine>,
        options: server::Options,
        folder: Option<tempfile::TempDir>,
        claims: ClaimSettings,
        shared: Option<Shared>,
        cold_cache: u64,
    ) -> Self {
        let clock = Clock::fixed(at(NOW));
        let (hot, cold) = (Arc::new(Switchable::new(hot)), Arc::new(Switchable::new(cold)));
        journal::pair::ensure(&*hot, &*cold, &clock).await.expect("a pair");
        let auth =
            AuthSettings { key: KeySource::Secret(SECRET.to_owned().into()), issuer: None, audience: None };
        let verifier = Verifier::new(auth, clock.clone()).expect("a verifier").reading(claims);
        let verifier = Arc::new(verifier);
        let app = App::new(
            Arc::clone(&hot) as _,
            Some(Arc::clone(&cold) as _),
            Arc::clone(&verifier),
            clock.clone(),
        )
        .with_shared(shared)
        .with_cold_cache(cold_cache);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let router = server::router(app.clone(), options);
        let serving = tokio::spawn(async move {
            server::serve(listener, router, std::future::pending()).await.expect("it serves");
        });
        // Bodies are not decompressed, so that tests see them as they are sent.
        let client = client().no_gzip().build().expect("a client");
        Self { hot, cold, clock, app, url, verifier, client, serving, _folder: folder }
    }

    /// Loads records as an import would; all of them must be new.
    pub async fn load(&self, noun: &'static Noun, records: Vec<Record>) {
        let mut loader = Loader::new(&*self.hot, Some(&*self.cold), &self.clock);
        let verdicts = loader.load(noun, records).await.expect("a load");
        let refused = verdicts.iter().find(|verdict| **verdict != Verdict::Inserted);
        assert_eq!(refused, None, "{noun}");
    }

    /// Returns a mover of its rows, which counts them in blocks so small that a few rows fill several.
    pub fn mover(&self) -> Mover<'_> {
        let sizes = BlockSizes { most: [8, 40], part: [4, 20] };
        Mover { hot: &*self.hot, cold: &*self.cold, clock: &self.clock, name: "test".to_owned(), sizes }
    }

    /// Archives one resource, counted in blocks so small that a few rows fill several. Returns the number of its rows
    /// that moved.
    pub async fn archive(&self, resource: &str, plan: &ArchiveOptions) -> i64 {
        let family = resources::families().into_iter().find(|family| family.resource == resource);
        let family = family.expect("a family");
        let report = self.mover().run(family, plan, &AtomicBool::new(false), &mut |_| {}).await;
        assert_ne!(report.outcome, Outcome::Failed, "{:?}", report.error);
        report.of_resource
    }

    /// Runs a statement in hot, past the service. `sql` begins with a line `-- name`.
    pub async fn in_hot(&self, sql: &'static str, params: &[Value]) {
        let mut session = self.hot.session().await.expect("a session");
        session.begin(Begin::Write).await.expect("a transaction");
        session.execute(&Statement::new(sql), params).await.expect("executed");
        session.commit().await.expect("committed");
    }

    /// Returns the verifier of its tokens.
    pub fn verifier(&self) -> Arc<Verifier> {
        Arc::clone(&self.verifier)
    }

    /// Returns a token of this user.
    pub fn token(&self, user: i64) -> String {
        self.verifier.issue(user, None, 3600).expect("a token")
    }

    /// Returns a token of this user with the scope `admin`.
    pub fn admin(&self, user: i64) -> String {
        self.verifier.issue(user, Some("chat admin"), 3600).expect("a token")
    }

    /// Returns a request of `path`, query included, without a token.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// Sends a request and reads the response completely.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        Answer::read(request.send().await.expect("an answer")).await
    }

    /// Sends `GET path` with a token.
    pub async fn get(&self, token: &str, path: &str) -> Answer {
        self.send(self.request(Method::GET, path).bearer_auth(token)).await
    }

    /// Sends `GET path` as this user, which must succeed.
    pub async fn json(&self, user: i64, path: &str) -> serde_json::Value {
        let answer = self.get(&self.token(user), path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }
}

/// Returns a client of local servers whose requests end: a test that waits forever hides its own failure.
pub fn client() -> reqwest::ClientBuilder {
    // No certificates: reading those of the system takes longer than a test.
    reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(waiting::LIMIT)
}

/// Returns `2026-01-30T00:00:00Z` plus some microseconds.
pub fn cutoff(micros: i64) -> Timestamp {
    at(CUTOFF).plus(micros)
}
