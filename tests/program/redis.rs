//! The program with a Redis that asks for a password, or speaks TLS.

use std::process::Command;

use crate::serve::Serving;
use crate::support::redis_server::{Certificate, RedisServer};
use crate::support::waiting::{output, until};

const PASSWORD: &str = "correct-horse-battery";

#[tokio::test]
async fn a_password_is_used_and_never_shown() {
    let Some(redis) = RedisServer::with_password(PASSWORD) else { return };
    let url = redis.url();
    let serving = Serving::empty(&[("REDIS_URL", &url)]);
    let connected = serving.line("connected to Redis").to_string();
    assert!(!connected.contains(PASSWORD), "{connected}");
    until("a Redis that is well", async || {
        let health = serving.get("/health", "");
        assert!(!health.contains(PASSWORD), "{health}");
        health.contains(r#""redis":{"status":"healthy""#)
    })
    .await;

    let wrong = url.replace(PASSWORD, "wrong-donkey");
    let serving = Serving::empty(&[("REDIS_URL", &wrong)]);
    let line = serving.line("Redis cannot be reached; nothing is shared until it can").to_string();
    assert!(line.contains("error") && !line.contains("wrong-donkey"), "{line}");
    let health = serving.get("/health", "");
    assert!(
        health.starts_with("HTTP/1.1 200 ") && health.contains(r#""status":"healthy","timestamp""#),
        "{health}"
    );
    assert!(health.contains(r#""redis":{"status":"unhealthy""#), "{health}");
    assert!(serving.get("/readyz", "").starts_with("HTTP/1.1 200 "));

    for (url, said) in [(&url, "ok   redis: answers"), (&wrong, "nothing is shared until it answers")] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_thermocline"));
        command.current_dir(folder.path()).env_clear().env("REDIS_URL", url).args(["check"]);
        let ended = output(&mut command);
        let text = String::from_utf8_lossy(&ended.stdout).into_owned();
        assert!(text.contains(said) && !text.contains(PASSWORD) && !text.contains("donkey"), "{text}");
    }
}

#[tokio::test]
async fn tls_needs_a_certificate_that_is_trusted() {
    let Some((own, other)) = Certificate::make().zip(Certificate::make()) else { return };
    let Some(redis) = RedisServer::with_tls(&own) else { return };
    let url = redis.tls_url();
    let trusting = |certificate: &Certificate| {
        let file = certificate.file().display().to_string();
        Serving::empty(&[("REDIS_URL", &url), ("SSL_CERT_FILE", &file)])
    };
    let serving = trusting(&own);
    serving.line("connected to Redis");
    until("a Redis that is well", async || {
        serving.get("/health", "").contains(r#""redis":{"status":"healthy""#)
    })
    .await;
    let serving = trusting(&other);
    let line = serving.line("Redis cannot be reached; nothing is shared until it can").to_string();
    assert!(line.to_lowercase().contains("certificate"), "{line}");
    let health = serving.get("/health", "");
    assert!(health.starts_with("HTTP/1.1 200 "), "{health}");
    assert!(health.contains(r#""redis":{"status":"unhealthy""#), "{health}");
}
