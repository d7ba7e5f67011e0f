//! Clients of a server's streams, which connect again with their last id whenever the server is restarted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value as Json;
use thermocline::server;
use thermocline::tier::Engine;
use thermocline::web::auth::{AuthSettings, KeySource, Verifier};
use thermocline::web::state::App;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use super::world::World;
use crate::support::{SECRET, client};

/// Clients that follow every conversation of their user, and as many that follow one.
const CLIENTS: usize = 25;
/// The conversation that they follow.
const CONVERSATION: i64 = 1;
/// The users of every conversation.
const USERS: i64 = 2;
/// The time between two attempts to connect.
const AGAIN: Duration = Duration::from_millis(5);

/// The messages that a client shows, by id.
type Shown = BTreeMap<i64, Json>;

/// The server and its clients.
pub struct Clients {
    app: App,
    running: Running,
    /// The address of the present server.
    address: Arc<Mutex<String>>,
    of_all: Vec<Arc<Mutex<Shown>>>,
    of_one: Vec<Arc<Mutex<Shown>>>,
    tasks: JoinSet<()>,
}

struct Running {
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

impl Clients {
    /// Starts a server, and clients that follow everything from now on.
    pub async fn start(world: &World) -> Self {
        let key = KeySource::Secret(SECRET.to_owned().into());
        let settings = AuthSettings { key, issuer: None, audience: None };
        let verifier = Arc::new(Verifier::new(settings, world.clock().clone()).expect("a verifier"));
        let (hot, cold) = (Arc::clone(&world.hot) as Arc<dyn Engine>, Arc::clone(&world.cold) as _);
        let app = App::new(hot, Some(cold), Arc::clone(&verifier), world.clock().clone());
        let (running, url) = serve(&app).await;
        let address = Arc::new(Mutex::new(url));
        let since = world.now().await.to_string();
        let mut tasks = JoinSet::new();
        let mut follow = |path: &str, user: i64| {
            let shown = Arc::new(Mutex::new(Shown::new()));
            let token = verifier.issue(user, None, 3_600).expect("a token");
            let client = Client {
                address: Arc::clone(&address),
                path: path.to_owned(),
                token,
                last: since.clone(),
                shown: Arc::clone(&shown),
            };
            tasks.spawn(client.follow());
            shown
        };
        let user = |client: usize| 1 + client as i64 % USERS;
        let of_all = (0..CLIENTS).map(|client| follow("/api/changes/stream", user(client))).collect();
        let path = format!("/api/conversations/{CONVERSATION}/messages/changes/stream");
        let of_one = (0..CLIENTS).map(|client| follow(&path, user(client))).collect();
        Self { app, running, address, of_all, of_one, tasks }
    }

    /// Stops the server, and starts another one.
    pub async fn restart(&mut self) {
        let (running, url) = serve(&self.app).await;
        *lock(&self.address) = url;
        std::mem::replace(&mut self.running, running).end().await;
    }

    /// Returns whether every client shows these messages, all or those of the one conversation.
    pub fn show(&self, all: &Shown) -> bool {
        let one: Shown = all
            .iter()
            .filter(|(_, row)| row["conversation_id"] == CONVERSATION)
            .map(|(id, row)| (*id, row.clone()))
            .collect();
        let all_show =
            |clients: &[Arc<Mutex<Shown>>], rows: &Shown| clients.iter().all(|shown| *lock(shown) == *rows);
        all_show(&self.of_all, all) && all_show(&self.of_one, &one)
    }

    /// Ends the clients and the server.
    pub async fn end(mut self) {
        self.tasks.shutdown().await;
        self.running.end().await;
    }
}

impl Running {
    async fn end(self) {
        let _ = self.stop.send(());
        self.ended.await.expect("it ends");
    }
}

async fn serve(app: &App) -> (Running, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let router = server::router(app.clone(), Duration::from_secs(30));
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(async move {
        let stopped = async { stopped.await.unwrap_or(()) };
        server::serve(listener, router, stopped).await.expect("it serves");
    });
    (Running { stop, ended }, url)
}

struct Client {
    address: Arc<Mutex<String>>,
    path: String,
    token: String,
    last: String,
    shown: Arc<Mutex<Shown>>,
}

impl Client {
    async fn follow(mut self) {
        let client = client().build().expect("a client");
        loop {
            let url = format!("{}{}", *lock(&self.address), self.path);
            let request = client.get(url).bearer_auth(&self.token).header("last-event-id", &self.last);
            if let Ok(response) = request.send().await {
                let status = response.status();
                assert!(matches!(status.as_u16(), 200 | 503 | 504), "{status}");
                self.read(response).await;
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Reads a stream to its end, which may cut an event.
    async fn read(&mut self, mut response: reqwest::Response) {
        let mut text = Vec::new();
        while let Ok(Some(chunk)) = response.chunk().await {
            text.extend_from_slice(&chunk);
            while let Some(end) = text.windows(2).position(|window| window == b"\n\n") {
                let block: Vec<u8> = text.drain(..end + 2).collect();
                self.take(std::str::from_utf8(&block).expect("UTF-8"));
            }
        }
    }

    fn take(&mut self, block: &str) {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
        if let Some(data) = field("data: ") {
            let mut row: Json = serde_json::from_str(data).expect("JSON");
            let id = row["id"].as_i64().expect("an id");
            if field("event: ") == Some("erased") {
                lock(&self.shown).remove(&id);
            } else {
                row.as_object_mut().expect("a row").remove("from_archive");
                lock(&self.shown).insert(id, row);
            }
        }
        if let Some(id) = field("id: ") {
            id.clone_into(&mut self.last);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
