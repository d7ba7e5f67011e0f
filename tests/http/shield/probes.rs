//! Probes tell the truth about the files of embedded tiers.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use thermocline::clock::Clock;
use thermocline::server;
use thermocline::tier::{Engine, Sqlite, Statement, Tier, migrate};
use thermocline::web::auth::{AuthSettings, KeySource, Verifier};
use thermocline::web::state::App;
use tower::ServiceExt as _;

use crate::support::{NOW, SECRET, at};

async fn open(folder: &Path, tier: Tier) -> Arc<Sqlite> {
    let database =
        Sqlite::open(thermocline::schema::of(tier), &folder.join(tier.name())).await.expect("opens");
    migrate::upgrade(&database).await.expect("a schema");
    Arc::new(database)
}

/// Returns the statuses of `/readyz` and `/health`.
async fn probes(app: &App) -> [u16; 2] {
    let router = server::router(app.clone(), Duration::from_secs(30));
    let mut statuses = [0; 2];
    for (status, path) in statuses.iter_mut().zip(["/readyz", "/health"]) {
        let request = Request::get(path).body(Body::empty()).expect("sound");
        *status = router.clone().oneshot(request).await.expect("answers").status().as_u16();
    }
    statuses
}

async fn service(folder: &Path) -> (App, Arc<Sqlite>) {
    let (hot, cold) = (open(folder, Tier::Hot).await, open(folder, Tier::Cold).await);
    let auth =
        AuthSettings { key: KeySource::Secret(SECRET.to_owned().into()), issuer: None, audience: None };
    let clock = Clock::fixed(at(NOW));
    let verifier = Verifier::new(auth, clock.clone()).expect("a verifier");
    (App::new(hot.clone(), Some(cold), Arc::new(verifier), clock), hot)
}

#[tokio::test]
async fn a_truncated_file_is_not_ready() {
    let folder = tempfile::tempdir().expect("a folder");
    let (app, _hot) = service(folder.path()).await;
    assert_eq!(probes(&app).await, [200, 200]);
    let file = std::fs::OpenOptions::new().write(true).open(folder.path().join("hot")).expect("the file");
    file.set_len(0).expect("truncated");
    assert_eq!(probes(&app).await, [503, 503]);
}

#[tokio::test]
async fn a_truncated_cold_file_is_degraded() {
    let folder = tempfile::tempdir().expect("a folder");
    let (app, _hot) = service(folder.path()).await;
    let file = std::fs::OpenOptions::new().write(true).open(folder.path().join("cold")).expect("the file");
    file.set_len(0).expect("truncated");
    assert_eq!(probes(&app).await, [200, 200]);
}

#[tokio::test]
async fn a_removed_file_is_not_ready_and_is_not_made_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let (app, hot) = service(folder.path()).await;
    let path = folder.path().join("hot");
    std::fs::remove_file(&path).expect("removed");
    assert_eq!(probes(&app).await, [503, 503]);
    // More reads at once than there are idle connections: new ones are opened.
    let statement = Statement::new("-- count\nSELECT count(*) AS n FROM archive_state");
    let reads = (0..32).map(|_| hot.fetch(&statement, &[]));
    futures::future::join_all(reads).await;
    assert!(!path.exists(), "the file was made anew");
    std::fs::write(&path, "").expect("another file");
    assert_eq!(probes(&app).await, [503, 503], "another file is not the database");
}
