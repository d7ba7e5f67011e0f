//! Failed sign-ins.

use std::future::pending;
use std::time::Duration;

use thermocline::server;

use super::raw::{limits, serve};
use crate::support::Service;

#[tokio::test]
async fn forged_tokens_are_limited_and_valid_ones_pass() {
    let service = Service::start().await;
    let router = server::router(service.app.clone(), Duration::from_secs(10));
    let (addr, _server) = serve(router, limits(), pending()).await;
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let ask = async |token: String| {
        let request = client.get(format!("http://{addr}/api/posts")).bearer_auth(token);
        request.send().await.expect("an answer")
    };
    let mut statuses = Vec::new();
    for number in 0..400 {
        let answer = ask(format!("{}{number}", service.token(1))).await;
        if answer.status() == 429 {
            assert!(answer.headers().contains_key("retry-after"));
        }
        statuses.push(answer.status().as_u16());
    }
    assert_eq!(statuses[..100], [401; 100]);
    assert!(statuses.contains(&429));
    assert_eq!(ask(service.token(1)).await.status(), 200, "a valid token passes beside them");
    let missing = client.get(format!("http://{addr}/api/posts")).send().await.expect("an answer");
    assert_eq!(missing.status(), 401, "a request without a token is no guess");
}
