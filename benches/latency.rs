//! The cost of the federation: each read beside the bare query a client of one database would have made, as a ratio.
//!
//! `cargo bench` makes the demo's data with a long conversation in a temporary folder, archives what is old, and asks
//! for the same rows both ways. Times are medians in microseconds of one client on one machine; only the ratios mean
//! anything elsewhere.

use std::future::Future;
use std::time::Instant;

use thermocline::clock::Clock;
use thermocline::demo;
use thermocline::federation::sql::{SqlCold, SqlHot};
use thermocline::federation::{Count, ReadCache, Tiers};
use thermocline::page::{Key, Order, Span};
use thermocline::resources::messages::Messages;
use thermocline::resources::stocks::prices::Prices;
use thermocline::tier::{Engine, Sqlite, Statement, Value};
use thermocline_testing::bench::{self, quantile};

/// Rounds of each measurement.
const ROUNDS: usize = 400;
/// The demo's longest conversation has a third of these.
const MESSAGES: usize = 1_000_000;
const PAGE: i64 = 20;

#[tokio::main]
async fn main() {
    // `cargo test --benches` only asks whether it builds.
    if std::env::args().any(|arg| arg == "--test") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let clock = Clock::system();
    let plan = demo::DemoPlan { messages: MESSAGES, ..demo::DemoPlan::new(1, clock.now()) };
    let (hot, cold) = bench::filled_files(folder.path(), plan, &clock).await.expect("a pair");
    let facts = plan.facts();
    let memory = ReadCache::default();
    let (sql_hot, sql_cold) = (SqlHot(&hot), SqlCold(&cold));
    let tiers = &Tiers { hot: &sql_hot, cold: Some(&sql_cold), cache: &memory, partial: false };
    let list = Messages::of(facts.conversation);
    let conversation = Value::Int(facts.conversation);

    let page = |offset| {
        let list = &list;
        async move { tiers.page(list, Span::ALL, offset, PAGE, Count::Usual).await.expect("a page").rows.len() }
    };
    let total = tiers.page(&list, Span::ALL, 0, PAGE, Count::Exact).await.expect("a page").total.unwrap_or(0);
    let in_hot = count(&hot, "messages", &conversation).await;
    println!("conversation of {total} messages, {in_hot} of them in hot; medians of {ROUNDS} rounds\n");
    println!("{:<44} {:>9} {:>9} {:>7}", "", "ours µs", "bare µs", "ratio");

    let newest = bare("messages", "id", "ORDER BY created_at DESC, id DESC LIMIT 20");
    let ours = median(|| async {
        tiers.seek(&list, Span::ALL, Order::Desc, PAGE).await.expect("a page").rows.len()
    });
    report("newest page, by cursor", ours.await, median(|| rows(&hot, &newest, &conversation)).await);
    let counted = bare("messages", "id", "ORDER BY created_at DESC, id DESC LIMIT 20");
    let counting =
        Statement::new("-- bare.count\nSELECT count(*) AS n FROM messages WHERE conversation_id = ?1");
    let both = median(|| async {
        rows(&hot, &counted, &conversation).await + rows(&hot, &counting, &conversation).await
    });
    let first = median(|| page(0)).await;
    report("page 1, with total (bare: page and COUNT)", first, both.await);

    let archived =
        bare("messages_archive", "original_id", "ORDER BY created_at DESC, original_id DESC LIMIT 20");
    let bound = tiers.page(&list, Span::ALL, in_hot + 10, 1, Count::None).await.expect("a page");
    let bound = bound.rows.first().map_or(Key::MAX, |placed| Key::new(placed.row.created_at, placed.row.id));
    let ours = median(|| async {
        tiers.seek(&list, Span::ALL.below(bound), Order::Desc, PAGE).await.expect("a page").rows.len()
    });
    report("cursor page in cold", ours.await, median(|| rows(&cold, &archived, &conversation)).await);
    for depth in [in_hot, 100_000, 200_000, 300_000] {
        let name = format!("page {depth} rows deep (beside our page 1)");
        report(&name, median(|| page(depth)).await, first);
    }
    for depth in [100_000, 300_000] {
        let tail = format!("ORDER BY created_at DESC, original_id DESC LIMIT 20 OFFSET {}", depth - in_hot);
        let skipping = bare("messages_archive", "original_id", &tail);
        let name = format!("page {depth} rows deep (bare: OFFSET)");
        report(&name, median(|| page(depth)).await, median(|| rows(&cold, &skipping, &conversation)).await);
    }

    let prices = Prices { stock: 1 };
    let tiers = Tiers { hot: &sql_hot, cold: Some(&sql_cold), cache: &memory, partial: false };
    let all = Statement::new(
        "-- bare.prices\nSELECT * FROM stock_prices_history\nWHERE stock_id = ?1 AND to_epoch IS NULL ORDER BY trade_date",
    );
    let ours = median(|| async {
        tiers.seek(&prices, Span::ALL, Order::Asc, 1_000).await.expect("prices").rows.len()
    });
    report(
        "three years of prices (bare: cold alone)",
        ours.await,
        median(|| rows(&cold, &all, &Value::Int(1))).await,
    );
}

fn report(what: &str, ours: f64, bare: f64) {
    println!("{what:<44} {ours:>9.0} {bare:>9.0} {:>7.2}", ours / bare);
}

fn bare(table: &str, id: &str, tail: &str) -> Statement {
    // Without the condition of the index of open versions the bare query would sort the whole conversation.
    let open = if table == "messages" { "" } else { "AND to_epoch IS NULL" };
    let text = format!(
        "-- bare\nSELECT {id} AS id, conversation_id, sender_id, content, created_at, is_read FROM {table}
         WHERE conversation_id = ?1 {open} {tail}"
    );
    Statement::new(text.leak())
}

async fn rows(engine: &Sqlite, statement: &Statement, param: &Value) -> usize {
    engine.fetch(statement, std::slice::from_ref(param)).await.expect("rows").len()
}

async fn count(engine: &Sqlite, table: &str, conversation: &Value) -> i64 {
    let text = format!("-- bare.count\nSELECT count(*) AS n FROM {table} WHERE conversation_id = ?1");
    let counting = Statement::new(text.leak());
    let records = engine.fetch(&counting, std::slice::from_ref(conversation)).await.expect("a count");
    records.first().map_or(0, |record| record.int("n").expect("a count"))
}

/// The median time of one call, in microseconds.
async fn median<F: Future<Output = usize>>(call: impl Fn() -> F) -> f64 {
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        std::hint::black_box(call().await);
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    quantile(&times, 0.5).as_secs_f64() * 1e6
}
