//! The client that progenitor generates.

use std::error::Error as StdError;

progenitor::generate_api!(spec = "openapi-3.0.json", interface = Builder);

/// An id that no row has.
const ABSENT: u64 = 9_000_000_000;

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let mut headers = reqwest::header::HeaderMap::new();
    headers.insert("authorization", format!("Bearer {}", variable("THERMOCLINE_TOKEN")).parse()?);
    let http = reqwest::Client::builder().default_headers(headers).build()?;
    let client = Client::new_with_client(&variable("THERMOCLINE_URL"), http);
    let conversation: u64 = variable("THERMOCLINE_CONVERSATION").parse()?;

    let (mut rows, mut before): (Vec<types::Message>, Option<String>) = (Vec::new(), None);
    for _ in 0..3 {
        let mut request = client.list_messages().id(conversation).limit(4_u64);
        if let Some(cursor) = before {
            request = request.before(cursor);
        }
        let page = request.send().await?.into_inner();
        assert_eq!(page.messages.len(), 4);
        rows.extend(page.messages);
        before = page.next;
    }
    let mut ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 12, "no row comes twice");
    assert!(rows.is_sorted_by(|newer, older| newer.created_at >= older.created_at));

    let at = rows[4].created_at;
    let around = client.list_messages().id(conversation).limit(1_u64).at(at).send().await?;
    assert_eq!(around.messages[0].created_at, at);

    let prices = client.get_stock_prices().stock_id(1_u64).limit(5_u64).send().await?;
    assert_eq!((prices.count, prices.prices.len()), (5, 5));
    assert!(prices.prices[0].close_price.is_some());

    match client.get_post().id(ABSENT).send().await {
        Err(progenitor_client::Error::ErrorResponse(problem)) => {
            assert_eq!(problem.type_, "/problems/not-found");
            assert_eq!((problem.status, problem.success), (404, false));
        }
        other => panic!("an absent post is an error: {other:?}"),
    }
    Ok(())
}
