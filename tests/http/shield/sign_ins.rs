//! Failed sign-ins.

use std::future::pending;
use std::time::Duration;

use thermocline::server;

use super::raw::{limits, serve};
use crate::support::waiting::until;
use crate::support::{Service, client};

#[tokio::test]
async fn forged_tokens_are_limited_and_valid_ones_pass() {
    let service = Service::start().await;
    let router = server::router(service.app.clone(), Duration::from_secs(10));
    let (addr, _server) = serve(router, limits(), pending()).await;
    let client = client().build().expect("a client");
    let ask = async |token: String| {
        let request = client.get(format!("http://{addr}/api/posts")).bearer_auth(token);
        request.send().await.expect("an answer")
    };
    let forged = |number: u32| ask(format!("{}{number}", service.token(1)));
    for number in 0..100 {
        assert_eq!(forged(number).await.status(), 401, "the first hundred are answered");
    }
    // The rate allows some more, fewer than are sent at once.
    until("a limit of failed sign-ins", async || {
        let answers = futures::future::join_all((0..100).map(forged)).await;
        assert!(answers.iter().all(|answer| [401, 429].contains(&answer.status().as_u16())));
        let refused: Vec<_> = answers.iter().filter(|answer| answer.status() == 429).collect();
        assert!(refused.iter().all(|answer| answer.headers().contains_key("retry-after")));
        !refused.is_empty()
    })
    .await;
    assert_eq!(ask(service.token(1)).await.status(), 200, "a valid token passes beside them");
    let missing = client.get(format!("http://{addr}/api/posts")).send().await.expect("an answer");
    assert_eq!(missing.status(), 401, "a request without a token is no guess");
}
