//! Behaviour specific to PostgreSQL servers: plans, dropped requests, errors, replicas.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::Executor as _;
use thermocline::clock::Timestamp;
use thermocline::federation::HotSnapshot;
use thermocline::federation::reads::Cold as _;
use thermocline::federation::sql::SqlCold;
use thermocline::page::{Key, Order, Slice, Span};
use thermocline::resources::behavior::Behaviors;
use thermocline::resources::messages::Messages;
use thermocline::resources::posts::{Posts, comments::Comments};
use thermocline::resources::stocks::prices::Prices;
use thermocline::tier::{
    Begin, Engine, Postgres, PostgresUrl, Record, Replicated, Session, Statement, Tier, TierError, Value,
};

use crate::support::pair::Pair;
use crate::support::postgres::{address, cold, connect};
use crate::support::proxy::{Link, Proxy};
use crate::support::{citus, explain};

/// The longest wait for the end of a pool.
const PATIENCE: Duration = Duration::from_secs(50);

/// Records the plan of every query.
#[derive(Debug)]
struct Explaining {
    inner: Arc<dyn Engine>,
    plans: Mutex<Vec<(&'static str, String)>>,
    asked: AtomicUsize,
}

impl Explaining {
    fn new(inner: Arc<dyn Engine>) -> Self {
        Self { inner, plans: Mutex::default(), asked: AtomicUsize::new(0) }
    }
}

#[async_trait]
impl Engine for Explaining {
    fn tier(&self) -> Tier {
        Tier::Cold
    }

    async fn fetch(&self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if citus::url().is_some() {
            let mut session = self.inner.session().await?;
            let plan = explain::on_citus(&mut *session, "ANALYZE, COSTS OFF", statement, params).await?;
            self.record(statement.name, plan);
            return self.inner.fetch(statement, params).await;
        }
        let text = statement.for_postgres().expect("a statement of cold");
        let explain = format!("-- {}\nEXPLAIN (ANALYZE, COSTS OFF) {text}", statement.name).leak();
        // Through a pooler each statement is planned for its parameters, otherwise once for all.
        let planned_for_these = self.inner.fetch(&sent(explain), params).await?;
        let generic = self.generic_plan(statement, params).await?;
        for lines in [planned_for_these, generic] {
            self.record(statement.name, explain::plan(&lines)?);
        }
        self.inner.fetch(statement, params).await
    }

    async fn session(&self) -> Result<Box<dyn Session>, TierError> {
        self.inner.session().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

impl Explaining {
    fn record(&self, name: &'static str, plan: String) {
        self.plans.lock().expect("unpoisoned").push((name, plan));
    }

    async fn generic_plan(&self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError> {
        let text = statement.for_postgres().expect("a statement of cold");
        // A filter may have more parameters than its text.
        let used = (1..=params.len()).rfind(|n| text.contains(&format!("${n}"))).unwrap_or(0);
        let (kinds, values): (Vec<&str>, Vec<String>) = params[..used].iter().map(explain::literal).unzip();
        let list = |values: String| if used == 0 { values } else { format!("({values})") };
        let (kinds, values) = (list(kinds.join(", ")), list(values.join(", ")));
        let mut session = self.inner.session().await?;
        session.execute(&sent("-- set\nSET plan_cache_mode = force_generic_plan"), &[]).await?;
        session.execute(&sent(format!("-- prepare\nPREPARE explained{kinds} AS {text}").leak()), &[]).await?;
        let explain =
            format!("-- {}\nEXPLAIN (ANALYZE, COSTS OFF) EXECUTE explained{values}", statement.name);
        let plan = session.fetch(&sent(explain.leak()), &[]).await?;
        session.execute(&sent("-- deallocate\nDEALLOCATE explained"), &[]).await?;
        Ok(plan)
    }
}

fn sent(text: &'static str) -> Statement {
    Statement::new(text).postgres(text)
}

/// A third of all rows, and all rows of one author, were restored before the epoch that is read; some were closed after
/// it.
const FILL: &str = "
    INSERT INTO messages_archive
        (original_id, conversation_id, sender_id, content, created_at, is_read, archived_at, from_epoch, to_epoch)
        SELECT n, n % 5, 1, 'text ' || n, timestamptz '2020-01-01Z' + n * interval '1 minute', false, now(), 1 + n / 5000,
            CASE WHEN n % 997 = 0 THEN 60 WHEN n % 3 = 0 THEN 40 END
        FROM generate_series(1, 50000) n;
    INSERT INTO posts_archive (original_id, author_id, title, body, created_at, archived_at, from_epoch, to_epoch)
        SELECT n, n % 5, 't', 'b', timestamptz '2020-01-01Z' + n * interval '1 minute', now(), 1,
            CASE WHEN n % 997 = 0 THEN 60 WHEN n % 5 = 4 OR n % 3 = 0 THEN 40 END
        FROM generate_series(1, 50000) n;
    INSERT INTO comments_archive (original_id, post_id, author_id, body, created_at, archived_at, from_epoch)
        SELECT n, n % 1000, 1, 'b', timestamptz '2020-01-01Z' + n * interval '1 minute', now(), 1
        FROM generate_series(1, 50000) n;
    INSERT INTO likes_archive (user_id, post_id, archived_at, from_epoch)
        SELECT n, n % 1000, now(), 1 FROM generate_series(1, 50000) n;
    INSERT INTO stock_prices_history
        (original_id, stock_id, trade_date, created_at, archived_at, from_epoch, to_epoch)
        SELECT n, n % 5, date '2010-01-01' + n / 5, now(), now(), 1,
            CASE WHEN n % 997 = 0 THEN 60 WHEN n % 3 = 0 THEN 40 END
        FROM generate_series(1, 50000) n;
    INSERT INTO user_behavior_analytics
        (user_id, action_type, action_count, analysis_date, created_at, resource, from_epoch)
        SELECT n % 500, (ARRAY['chat', 'like', 'comment', 'post'])[1 + n / 500 % 4], 1 + n % 3, date '2020-01-01' + n / 2500,
            now(), CASE WHEN n / 500 % 4 = 0 THEN 'messages' ELSE 'posts' END, 1
        FROM generate_series(1, 100000) n;
    INSERT INTO archive_batches (resource, epoch, kind, token, row_count, digest, started, finished, confirmed)
        SELECT resource, n, 'archive', 1, 1, '', now(), now(), true
        FROM archive_head, generate_series(1, 100) n;
";

fn blocks(table: &str, rows: &str, column: &str) -> String {
    // A level 0 block of every 100 rows and a level 1 block of every 2,000; the newest has no end.
    let level = |level: i64, size: i64| {
        format!(
            "INSERT INTO {table} (scope, level, upper_at, upper_id, from_epoch, n)
            SELECT scope, {level}, max(created_at), max(original_id), 1, count(*) FROM (
                SELECT {column} AS scope, created_at, original_id,
                    (row_number() OVER (PARTITION BY {column} ORDER BY created_at, original_id) - 1) / {size} AS block
                FROM {rows}) numbered
            GROUP BY scope, block;
            UPDATE {table} b SET upper_at = '{}', upper_id = {} WHERE level = {level}
                AND (upper_at, upper_id) = (SELECT max(upper_at), max(upper_id) FROM {table} WHERE scope = b.scope AND level = {level});",
            Timestamp::MAX,
            i64::MAX
        )
    };
    level(0, 100) + &level(1, 2000)
}

/// Signatures that have every bit.
const SIGNATURES: &str = "
    INSERT INTO messages_archive_signatures (scope, upper_at, upper_id, from_epoch, bits)
        SELECT scope, upper_at, upper_id, from_epoch, decode(repeat('ff', 700), 'hex') FROM messages_archive_blocks
        WHERE level = 0 AND upper_at < '9999-01-01Z';
";

/// A shard with so few rows is read faster without an index.
const SMALL_SHARD: i64 = 200;

/// Returns the number of rows that a scan has read: those it returned, and those it discarded.
fn rows_scanned(plan: &str, nth: usize) -> i64 {
    let number = |line: &str, before: &str| -> Option<i64> {
        line.split(before).nth(1)?.split(' ').next()?.parse().ok()
    };
    let own = plan.lines().nth(nth).and_then(|line| number(line, " rows="));
    let below = plan.lines().skip(nth + 1).take_while(|line| !line.contains("->"));
    own.expect("a number of rows")
        + below.filter_map(|line| number(line, "Rows Removed by Filter: ")).sum::<i64>()
}

#[tokio::test]
async fn every_list_uses_an_index() {
    let Some((cold, url)) = cold().await else { return };
    let mut connection = connect(&url).await;
    let fill = FILL.to_owned()
        + &blocks("messages_archive_blocks", "messages_archive", "conversation_id")
        + &blocks("posts_archive_blocks", "posts_archive", "author_id")
        + SIGNATURES
        + "ANALYZE;";
    connection.execute(sqlx::AssertSqlSafe(fill)).await.expect("fills");
    let cold = Explaining::new(Arc::new(cold));
    let tier = SqlCold(&cold);
    let mark = HotSnapshot { epoch: 50, token: Some(1), cold_watermark: None };
    let middle = Key::new("2020-01-20T00:00:00Z".parse().expect("a time"), 5);
    let mut slices = Vec::new();
    for span in [Span::ALL, Span::ALL.below(middle), Span::ALL.from(middle)] {
        for order in [Order::Desc, Order::Asc] {
            slices.push(Slice { span, order, skip: 0, take: 21 });
        }
    }
    slices.push(Slice { skip: 5_000, ..Slice::newest(Span::ALL, 21) });
    macro_rules! read {
        ($list:expr) => {
            let list = $list;
            for slice in &slices {
                assert!(!tier.read(&list, mark, *slice).await.expect("answers").rows.is_empty(), "{slice:?}");
            }
            let _ = tier.find(&list, mark, 77).await.expect("answers");
        };
    }
    read!(Messages::of(1));
    read!(Posts { author: Some(1) });
    // Other slices never skip so far.
    slices.truncate(6);
    read!(Messages::containing(1, "text"));
    read!(Prices { stock: 1 });
    read!(Posts { author: None });
    slices.truncate(2);
    read!(Comments { post: 1 });
    let days = Behaviors { user: 1, resource: "posts" };
    for slice in &slices {
        assert!(!tier.read(&days, mark, *slice).await.expect("answers").rows.is_empty(), "{slice:?}");
    }
    let _ = tier.count(&Messages::of(1), mark, Span::ALL.below(middle)).await.expect("counts");
    let _ = tier.count(&Comments { post: 1 }, mark, Span::ALL).await.expect("counts");
    let plans = cold.plans.lock().expect("unpoisoned");
    for (name, plan) in &*plans {
        assert!(
            !plan.contains("Gather"),
            "workers take longer to start than the rows to read: {name}\n{plan}"
        );
        for (nth, line) in plan.lines().enumerate() {
            if line.contains("Seq Scan on") {
                let small = ["archive_head", "archive_batches"].iter().any(|table| line.contains(table));
                let small_shard = citus::url().is_some() && rows_scanned(plan, nth) <= SMALL_SHARD;
                assert!(small || small_shard, "{name}\n{plan}");
            }
            if line.contains("Sort  (actual") || line.contains("Sort (actual") {
                let rows = line.rsplit_once("rows=").and_then(|(_, rest)| rest.split(' ').next());
                let rows: i64 = rows.and_then(|rows| rows.parse().ok()).expect("a number of rows");
                assert!(rows <= 200, "{name}\n{plan}");
            }
            // Rows that are read and discarded along the index.
            let removed = line.trim().strip_prefix("Rows Removed by Filter: ");
            let removed = removed.map_or(0, |rows| rows.parse::<i64>().expect("a number"));
            assert!(removed <= 1000, "{name}\n{plan}");
        }
    }
    let names: std::collections::BTreeSet<_> = plans.iter().map(|(name, _)| *name).collect();
    assert!(names.len() >= 15, "{names:?}");
}

fn slow() -> Statement {
    Statement::new("-- test.slow\nSELECT 1 AS one")
        .postgres("-- test.slow\nSELECT 7::bigint AS one FROM pg_sleep(0.7)")
}

fn echo() -> Statement {
    Statement::new("-- test.echo\nSELECT ?1 AS one").postgres("-- test.echo\nSELECT $1 AS one")
}

/// A client that disconnects drops its query half-way; the next query on that connection gets its own answer.
#[tokio::test]
async fn a_dropped_query_does_not_affect_later_ones() {
    let Some((_cold, url)) = cold().await else { return };
    // Two connections: one for readers, one for sessions.
    let url = PostgresUrl::parse(&format!("{url}&pool_max=2")).expect("a URL");
    let cold = Postgres::open(thermocline::schema::of(Tier::Cold), &url, None).await.expect("opens");
    for n in 0..6 {
        let wait = Duration::from_millis(n * 20);
        assert!(tokio::time::timeout(wait, cold.fetch(&slow(), &[])).await.is_err());
        let records = cold.fetch(&echo(), &[Value::Int(n as i64)]).await.expect("answers");
        assert_eq!(records[0].int("one").expect("an integer"), n as i64);
        let mut session = cold.session().await.expect("a session");
        session.begin(Begin::Write).await.expect("begins");
        assert!(tokio::time::timeout(wait, session.fetch(&slow(), &[])).await.is_err());
        drop(session);
        let mut session = cold.session().await.expect("another");
        let records = session.fetch(&echo(), &[Value::Int(n as i64)]).await.expect("answers");
        assert_eq!(records[0].int("one").expect("an integer"), n as i64);
    }
}

/// The network falls silent while a connection is idle.
#[tokio::test]
async fn a_pool_is_closed_although_a_connection_is_lost() {
    let Some((_cold, url)) = cold().await else { return };
    let place = address(&url);
    let proxy = Proxy::before(place.clone()).await;
    let url = url.replacen(&place, &format!("127.0.0.1:{}", proxy.port), 1);
    let url = PostgresUrl::parse(&url).expect("a URL");
    let cold = Postgres::open(thermocline::schema::of(Tier::Cold), &url, None).await.expect("opens");
    let mut session = cold.session().await.expect("a session");
    session.fetch(&echo(), &[Value::Int(1)]).await.expect("answers");
    proxy.set(Link::Silent);
    drop(session);
    tokio::time::timeout(PATIENCE, cold.close()).await.expect("closing waits for a lost connection");
}

#[tokio::test]
async fn errors_are_classified_for_retries() {
    let Some((cold, url)) = cold().await else { return };
    let ask = |text: &'static str| Statement::new(text).postgres(text);
    // Needs a text of its own: a connection keeps the parameter types a text was prepared with.
    let nul = cold.fetch(&ask("-- test.nul\nSELECT $1 || ''"), &[Value::from("a\0b")]).await;
    assert!(matches!(nul, Err(TierError::Statement { statement: "test.nul", .. })), "{nul:?}");
    let nonsense = cold.fetch(&ask("-- test.error\nSELECT nothing"), &[]).await;
    assert!(matches!(nonsense, Err(TierError::Statement { .. })), "{nonsense:?}");
    let gone = cold.fetch(&ask("-- test.error\nSELECT pg_terminate_backend(pg_backend_pid())"), &[]).await;
    assert!(matches!(gone, Err(TierError::Unavailable { .. })), "{gone:?}");
    let again = cold.fetch(&echo(), &[Value::Int(1)]).await;
    assert!(again.is_ok(), "another connection serves: {again:?}");

    // A local table on Citus too, which waits for a row of the others.
    let lock = "-- test.lock\nSELECT version FROM _sqlx_migrations WHERE version = 1 FOR UPDATE NOWAIT";
    let lock = Statement::new(lock).postgres(lock);
    let (mut one, mut other) = (cold.session().await.expect("one"), cold.session().await.expect("another"));
    one.begin(Begin::Write).await.expect("begins");
    other.begin(Begin::Write).await.expect("begins");
    assert_eq!(one.fetch(&lock, &[]).await.expect("locks").len(), 1);
    assert!(other.fetch(&lock, &[]).await.expect_err("is locked").is_conflict());

    let mut reader = cold.session().await.expect("a session");
    reader.begin(Begin::Read).await.expect("begins");
    let write = "-- test.write\nUPDATE archive_head SET floor = 0";
    let write = reader.execute(&Statement::new(write).postgres(write), &[]).await;
    assert!(matches!(write, Err(TierError::Statement { .. })), "{write:?}");

    let nobody = url.replace(
        url.rsplit_once('@').and_then(|(_, rest)| rest.split('/').next()).unwrap_or(""),
        "127.0.0.1:1",
    );
    let nobody = PostgresUrl::parse(&nobody).expect("a URL");
    let begun = std::time::Instant::now();
    let refused = Postgres::open(thermocline::schema::of(Tier::Cold), &nobody, None)
        .await
        .expect_err("no server is there");
    assert!(matches!(refused, TierError::Unavailable { .. }), "{refused:?}");
    assert!(begun.elapsed() < Duration::from_secs(20));
}

/// Behind a pooler that changes the server connection with each transaction, nothing may be prepared by name.
#[tokio::test]
async fn no_prepared_statements_behind_a_pooler() {
    let Some((_cold, url)) = cold().await else { return };
    let url = PostgresUrl::parse(&format!("{url}&pooler=transaction&pool_max=2")).expect("a URL");
    let cold = Postgres::open(thermocline::schema::of(Tier::Cold), &url, None).await.expect("opens");
    let prepared = "-- test.prepared\nSELECT count(*) AS n FROM pg_prepared_statements WHERE name <> ''";
    let prepared = Statement::new(prepared).postgres(prepared);
    for n in 0..3 {
        assert_eq!(cold.fetch(&echo(), &[Value::Int(n)]).await.expect("answers").len(), 1);
    }
    assert_eq!(cold.fetch(&prepared, &[]).await.expect("answers")[0].int("n").expect("a number"), 0);
}

#[tokio::test]
async fn stale_replicas_are_skipped() {
    let (Some(pair), Some((stale, _stale_database))) = (Pair::mixed().await, cold().await) else { return };
    let list = Messages::of(1);
    let old: Timestamp = "2020-01-01T00:00:00Z".parse().expect("a time");
    let row = |id: i64| {
        let at = Value::from(old.plus(id));
        vec![id.into(), 1.into(), 1.into(), "x".into(), at, false.into()]
    };
    pair.put(&thermocline::schema::MESSAGES, (1..=40).map(row).collect()).await;
    pair.archive("messages", None).await;
    let mark = pair.mark(&list).await;
    let slice = Slice { skip: 20, ..Slice::newest(Span::ALL, 5) };
    let stale = Arc::new(Explaining::new(Arc::new(stale)));
    let fresh = Arc::new(Explaining::new(pair.cold.clone()));
    // A port that was free a moment ago and is closed again, so that nothing listens there.
    let closed =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number");
    let away = PostgresUrl::parse(&format!("postgres://nobody@{closed}/nothing")).expect("a URL");
    let away =
        Arc::new(Explaining::new(Arc::new(Postgres::replica(thermocline::schema::of(Tier::Cold), &away))));
    let replicas: Vec<Arc<dyn Engine>> = vec![away.clone(), stale.clone(), fresh.clone()];
    let (primary, _primary_database) = cold().await.expect("a database");
    // The primary is another, empty database: only the replica that knows the epoch can answer.
    let cold = Replicated::new(Arc::new(primary), replicas);
    let rows = SqlCold(&cold).read(&list, mark, slice).await.expect("answers").rows;
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), [20, 19, 18, 17, 16]);
    assert_eq!(SqlCold(&cold).count(&list, mark, Span::ALL).await.expect("counts").rows, 40);
    for replica in [&away, &stale, &fresh] {
        assert!(replica.asked.load(Ordering::Relaxed) > 0, "each replica is tried");
    }
    let later = HotSnapshot { epoch: mark.epoch + 1, ..mark };
    assert!(SqlCold(&cold).read(&list, later, slice).await.is_err(), "no server can prove this");
}
