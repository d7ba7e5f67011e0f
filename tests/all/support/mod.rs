//! A service over two temporary tiers of any engine, behind a real socket: filled by the loader, archived by the mover.
//!
//! What a test needs of the program goes through its public doors, so that a test of HTTP tests what is below it too.

mod answer;
mod records;
mod tap;

pub mod engines;
pub mod hot_engines;
pub mod postgres;
pub mod prices_tiers;
pub mod proxy;
pub mod small_disk;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use reqwest::Method;
use thermocline::archive::{ArchiveOptions, BlockSizes, Mover, Outcome};
use thermocline::clock::{Clock, Timestamp};
use thermocline::import::{Noun, Record};
use thermocline::journal::pair;
use thermocline::load::{Loader, Verdict};
use thermocline::tier::{Begin, Engine, Sqlite, Statement, Tier, Value, migrate};
use thermocline::web::auth::{AuthSettings, KeySource, Verifier};
use thermocline::web::state::App;
use thermocline::{resources, server};

pub use self::answer::Answer;
pub use self::records::{at, comment, conversation, like, message, post, price, stock};
pub use self::tap::{Mode, Tap};

/// What tokens of the service are signed with.
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// The time of every service, until its clock is set.
pub const NOW: &str = "2026-03-01T00:00:00Z";
/// What is older than this is due with the default plan: 30 days before [`NOW`].
pub const CUTOFF: &str = "2026-01-30T00:00:00Z";

/// A running service. It ends, and its files go, when it is dropped.
pub struct Service {
    /// The hot tier, which can be told to fail.
    pub hot: Arc<Tap>,
    /// The cold tier, which can be told to fail.
    pub cold: Arc<Tap>,
    /// The time, for tokens and for what is due.
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
    /// A service over empty tiers.
    pub async fn start() -> Self {
        Self::start_with(Duration::from_secs(30)).await
    }

    /// A service whose requests may take this long.
    pub async fn start_with(request_timeout: Duration) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let open = async |tier: Tier| {
            let database = Sqlite::open(thermocline::schema::of(tier), &folder.path().join(tier.name()))
                .await
                .expect("a database");
            migrate::upgrade(&database).await.expect("a schema");
            Arc::new(database)
        };
        let (hot, cold) = (open(Tier::Hot).await, open(Tier::Cold).await);
        Self::begin(hot, cold, request_timeout, Some(folder)).await
    }

    /// A service over these tiers, which become a pair.
    pub async fn over(hot: Arc<dyn Engine>, cold: Arc<dyn Engine>, request_timeout: Duration) -> Self {
        Self::begin(hot, cold, request_timeout, None).await
    }

    async fn begin(
        hot: Arc<dyn Engine>,
        cold: Arc<dyn Engine>,
        request_timeout: Duration,
        folder: Option<tempfile::TempDir>,
    ) -> Self {
        let clock = Clock::fixed(at(NOW));
        let (hot, cold) = (Arc::new(Tap::new(hot)), Arc::new(Tap::new(cold)));
        pair::ensure(&*hot, &*cold, &clock).await.expect("a pair");
        let auth =
            AuthSettings { key: KeySource::Secret(SECRET.to_owned().into()), issuer: None, audience: None };
        let verifier = Arc::new(Verifier::new(auth, clock.clone()).expect("a verifier"));
        let app = App::new(
            Arc::clone(&hot) as _,
            Some(Arc::clone(&cold) as _),
            Arc::clone(&verifier),
            clock.clone(),
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let router = server::router(app.clone(), request_timeout);
        let serving = tokio::spawn(async move {
            server::serve(listener, router, std::future::pending()).await.expect("it serves");
        });
        // Bodies come as they are sent: what is compressed is for the test to see.
        let client = reqwest::Client::builder().no_proxy().no_gzip().build().expect("a client");
        Self { hot, cold, clock, app, url, verifier, client, serving, _folder: folder }
    }

    /// Loads records as an import would; every one of them has to be new.
    pub async fn load(&self, noun: &'static Noun, records: Vec<Record>) {
        let mut loader = Loader::new(&*self.hot, Some(&*self.cold), &self.clock);
        let verdicts = loader.load(noun, records).await.expect("a load");
        let refused = verdicts.iter().find(|verdict| **verdict != Verdict::Inserted);
        assert_eq!(refused, None, "{noun}");
    }

    /// Moves what `plan` says of one resource, counted in blocks so small that a few rows fill several; returns how
    /// many rows of the resource moved.
    pub async fn archive(&self, resource: &str, plan: &ArchiveOptions) -> i64 {
        let family = resources::families().into_iter().find(|family| family.resource == resource);
        let sizes = BlockSizes { most: [8, 40], part: [4, 20] };
        let mover =
            Mover { hot: &*self.hot, cold: &*self.cold, clock: &self.clock, name: "test".to_owned(), sizes };
        let family = family.expect("a family");
        let report = mover.run(family, plan, &AtomicBool::new(false), &mut |_| {}).await;
        assert_ne!(report.outcome, Outcome::Failed, "{:?}", report.error);
        report.of_resource
    }

    /// Runs one statement in hot, behind the back of the service. `sql` begins with a line `-- name`.
    pub async fn in_hot(&self, sql: &'static str, params: &[Value]) {
        let mut session = self.hot.session().await.expect("a session");
        session.begin(Begin::Write).await.expect("a transaction");
        session.execute(&Statement::new(sql), params).await.expect("executed");
        session.commit().await.expect("committed");
    }

    /// A token of this user.
    pub fn token(&self, user: i64) -> String {
        self.verifier.issue(user, None, 3600).expect("a token")
    }

    /// A token of this user with the scope `admin`.
    pub fn admin(&self, user: i64) -> String {
        self.verifier.issue(user, Some("chat admin"), 3600).expect("a token")
    }

    /// A request to `path`, query included, without a token.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// Sends a request and reads the answer to its end.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        Answer::read(request.send().await.expect("an answer")).await
    }

    /// `GET path` with a token.
    pub async fn get(&self, token: &str, path: &str) -> Answer {
        self.send(self.request(Method::GET, path).bearer_auth(token)).await
    }

    /// `GET path` as this user, which has to succeed.
    pub async fn json(&self, user: i64, path: &str) -> serde_json::Value {
        let answer = self.get(&self.token(user), path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }
}

/// `2026-01-30T00:00:00Z` moved by microseconds.
pub fn cutoff(micros: i64) -> Timestamp {
    at(CUTOFF).plus(micros)
}
