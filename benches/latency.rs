//! The cost of the federation: each read beside the bare query a client of one database would have made, as a ratio.
//!
//! `cargo bench` makes the demo's data with a long conversation in a temporary folder, archives what is old, and asks
//! for the same rows both ways: by rusqlite, the driver of this program, called directly, and by sqlx, an asynchronous one. Times
//! are medians in microseconds of one client on one machine; only the ratios mean anything elsewhere. Another connection writes
//! to hot before each read, since an answer is given again while nothing was written; *again* is without these writes.

use std::future::Future;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use sqlx::{AssertSqlSafe, Connection as _};
use thermocline::clock::Clock;
use thermocline::demo;
use thermocline::federation::sql::{SqlCold, SqlHot};
use thermocline::federation::{Count, ReadCache, Tiers};
use thermocline::page::{Key, Order, Span};
use thermocline::resources::messages::Messages;
use thermocline::resources::stocks::prices::Prices;
use thermocline_testing::bench::{self, quantile};
use tokio::sync::Mutex;

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
    let list = &Messages::of(facts.conversation);
    let of_conversation = format!("conversation_id = {}", facts.conversation);
    let (hot, cold) = (File::open(hot.path()).await, File::open(cold.path()).await);
    let write = || hot.write();

    let page = |offset| async move {
        tiers.page(list, Span::ALL, offset, PAGE, Count::Usual).await.expect("a page").rows.len()
    };
    let seek =
        |span| async move { tiers.seek(list, span, Order::Desc, PAGE).await.expect("a page").rows.len() };
    let total = tiers.page(list, Span::ALL, 0, PAGE, Count::Exact).await.expect("a page").total.unwrap_or(0);
    let counting = format!("SELECT count(*) FROM messages WHERE {of_conversation}");
    let in_hot = hot.reader.query_row(&counting, [], |row| row.get::<_, i64>(0)).expect("a count");
    println!(
        "conversation of {total} messages, {in_hot} of them in hot; medians of {ROUNDS} rounds, in µs\n"
    );
    let columns = ["again", "ours", "rusqlite", "ratio", "sqlx", "ratio"];
    println!("{:<34} {}", "", columns.map(|column| format!("{column:>9}")).join(""));

    let newest = |table: &str, id: &str, tail: &str| {
        // Without the condition of the index of open versions the bare query would sort the whole conversation.
        let open = if table == "messages" { "" } else { "AND to_epoch IS NULL" };
        let columns = format!("{id} AS id, conversation_id, sender_id, content, created_at, is_read");
        format!(
            "SELECT {columns} FROM {table} WHERE {of_conversation} {open} ORDER BY created_at DESC, {id} DESC LIMIT 20 {tail}"
        )
    };
    let in_hot_newest = newest("messages", "id", "");
    let ours = Ours::measure(write, || seek(Span::ALL)).await;
    ours.beside("newest page, by cursor", &[hot.measure(write, &in_hot_newest).await]);
    let first = Ours::measure(write, || page(0)).await;
    let both = [hot.measure(write, &in_hot_newest).await, hot.measure(write, &counting).await];
    first.beside("page 1, with total (and COUNT)", &both);

    let bound = tiers.page(list, Span::ALL, in_hot + 10, 1, Count::None).await.expect("a page");
    let bound = bound.rows.first().map_or(Key::MAX, |placed| Key::new(placed.row.created_at, placed.row.id));
    let ours = Ours::measure(write, || seek(Span::ALL.below(bound))).await;
    let in_cold = newest("messages_archive", "original_id", "");
    ours.beside("cursor page in cold", &[cold.measure(write, &in_cold).await]);
    for depth in [in_hot, 100_000, 200_000, 300_000] {
        let ours = Ours::measure(write, || page(depth)).await;
        ours.beside_first(&format!("page {depth} rows deep"), &first);
    }
    for depth in [100_000, 300_000] {
        let skipping = newest("messages_archive", "original_id", &format!("OFFSET {}", depth - in_hot));
        let ours = Ours::measure(write, || page(depth)).await;
        ours.beside(&format!("page {depth} rows deep (OFFSET)"), &[cold.measure(write, &skipping).await]);
    }

    let prices = &Prices { stock: 1 };
    let tiers = &Tiers { hot: &sql_hot, cold: Some(&sql_cold), cache: &memory, partial: false };
    let ours = Ours::measure(write, || async move {
        tiers.seek(prices, Span::ALL, Order::Asc, 1_000).await.expect("prices").rows.len()
    });
    let all =
        "SELECT * FROM stock_prices_history WHERE stock_id = 1 AND to_epoch IS NULL ORDER BY trade_date";
    ours.await.beside("three years of prices (cold alone)", &[cold.measure(write, all).await]);
}

/// The time of a read without a write before it, and after one.
struct Ours {
    again: f64,
    written: f64,
}

impl Ours {
    async fn measure<F: Future<Output = usize>>(write: impl Fn(), call: impl Fn() -> F) -> Self {
        Self { again: median(|| {}, &call).await, written: median(write, &call).await }
    }

    /// Prints it beside bare queries, one after the other.
    fn beside(&self, what: &str, bare: &[Bare]) {
        let direct: f64 = bare.iter().map(|bare| bare.direct).sum();
        let by_sqlx: f64 = bare.iter().map(|bare| bare.by_sqlx).sum();
        let Self { again, written } = self;
        println!(
            "{what:<34} {again:>9.0}{written:>9.0}{direct:>9.0}{:>9.2}{by_sqlx:>9.0}{:>9.2}",
            written / direct,
            written / by_sqlx
        );
    }

    /// Prints it beside the first page.
    fn beside_first(&self, what: &str, first: &Self) {
        let Self { again, written } = self;
        println!("{what:<34} {again:>9.0}{written:>9.0} {:>17.2} of our page 1", written / first.written);
    }
}

/// The times of a bare query by each driver.
struct Bare {
    direct: f64,
    by_sqlx: f64,
}

/// Connections to a file.
struct File {
    reader: rusqlite::Connection,
    by_sqlx: Mutex<sqlx::SqliteConnection>,
    writer: rusqlite::Connection,
}

impl File {
    async fn open(path: &Path) -> Self {
        let open = || rusqlite::Connection::open(path).expect("opens");
        let url = format!("sqlite:{}", path.display());
        let by_sqlx = sqlx::SqliteConnection::connect(&url).await.expect("opens").into();
        let (reader, writer) = (open(), open());
        writer
            .execute_batch("PRAGMA synchronous = OFF; CREATE TABLE bench_writes (n INT)")
            .expect("is created");
        Self { reader, by_sqlx, writer }
    }

    fn write(&self) {
        self.writer.execute("INSERT INTO bench_writes VALUES (1)", []).expect("is written");
    }

    async fn measure(&self, write: impl Fn(), query: &str) -> Bare {
        let direct = median(&write, || async {
            bench::read_rows(&self.reader, query, |_| Ok(())).expect("rows").len()
        })
        .await;
        let by_sqlx = median(&write, || async {
            let mut connection = self.by_sqlx.lock().await;
            sqlx::query(AssertSqlSafe(query.to_owned()))
                .fetch_all(&mut *connection)
                .await
                .expect("rows")
                .len()
        });
        Bare { direct, by_sqlx: by_sqlx.await }
    }
}

/// The median time of one call after `before`, in microseconds.
async fn median<F: Future<Output = usize>>(before: impl Fn(), call: impl Fn() -> F) -> f64 {
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        before();
        let begun = Instant::now();
        black_box(call().await);
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    quantile(&times, 0.5).as_secs_f64() * 1e6
}
