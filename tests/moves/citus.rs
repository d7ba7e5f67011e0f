//! Cold spread over the workers of a Citus: commits of which a worker loses its part, workers that die, tables that are placed
//! in another way.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use thermocline::federation::ReadError;
use thermocline::federation::sql::SqlList;
use thermocline::page::{Order, Span};
use thermocline::resources::messages::Messages;
use thermocline::resources::posts::{Post, Posts};
use thermocline::telemetry::explain;

use super::expected_lists::Reader;
use super::fixture::Fixture;
use super::program::{Ended, Serving};
use super::{every_command, run, sql};
use crate::support::citus::{self, Cutter, Node};
use crate::support::client;
use crate::support::dice::Dice;
use crate::support::postgres;
use crate::support::waiting::{finish, output, until, until_beside};

/// A pair whose cold is spread, with a proxy before the last worker.
struct Spread {
    fixture: Fixture,
    cutter: Cutter,
    /// The address of that worker.
    worker: Node,
    /// The name of the database.
    name: String,
    server: String,
}

impl Spread {
    /// Returns none, and says so, without a Citus.
    fn make() -> Option<Self> {
        Self::make_with("citus_reads=coordinator")
    }

    /// Makes one whose URL has a parameter.
    fn make_with(parameter: &str) -> Option<Self> {
        let Some(server) = citus::url() else {
            eprintln!("skipped, THERMOCLINE_TEST_CITUS_URL names no Citus");
            return None;
        };
        let mut ways = run(citus::workers(&server));
        let worker = ways.pop().expect("a worker");
        let cutter = Cutter::before(worker.clone());
        ways.push(cutter.way.clone());
        let database = run(postgres::make_beside(&server, &ways)).with(parameter);
        let name = database.name().to_owned();
        Some(Self { fixture: Fixture::beside(database), cutter, worker, name, server })
    }

    /// Connects to the database on the coordinator.
    async fn coordinator(&self) -> PgConnection {
        postgres::connect(self.fixture.database.as_deref().expect("a database")).await
    }

    /// Returns a number that the worker knows of the database.
    async fn on_worker(&self, text: &str) -> i64 {
        let options = citus::on(&self.server, &self.worker).database(&self.name);
        let mut connection = PgConnection::connect_with(&options).await.expect("the worker answers");
        sqlx::query_scalar(AssertSqlSafe(text.to_owned())).fetch_one(&mut connection).await.expect("a number")
    }

    /// Returns whether the coordinator speaks TLS with its workers, in which the proxy sees no commit.
    async fn is_encrypted(&self) -> bool {
        let text = "SELECT current_setting('citus.node_conninfo') NOT LIKE '%sslmode=disable%'";
        sqlx::query_scalar(text).fetch_one(&mut self.coordinator().await).await.expect("a setting")
    }

    /// Returns the number of parts that are prepared on the worker and not committed.
    async fn prepared(&self) -> i64 {
        self.on_worker("SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()").await
    }

    /// Returns the number of statements that wait for a lock on the worker.
    async fn waiting(&self) -> i64 {
        let text = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        self.on_worker(text).await
    }

    /// Returns the epoch of hot.
    async fn epoch(&self, resource: &str) -> i64 {
        epoch(&self.fixture, resource).await
    }

    /// Makes the coordinator commit what is prepared, as it does by itself after a while.
    async fn recover(&self) {
        let mut connection = self.coordinator().await;
        let text = "SELECT recover_prepared_transactions()::bigint";
        let _: i64 = sqlx::query_scalar(text).fetch_one(&mut connection).await.expect("a number");
    }
}

/// Returns the epoch of hot.
async fn epoch(fixture: &Fixture, resource: &str) -> i64 {
    let pair = fixture.open().await;
    let epoch = sql("SELECT epoch AS n FROM archive_state WHERE resource = ?1");
    let n =
        pair.hot.fetch(&epoch, &[resource.into()]).await.expect("an epoch")[0].int("n").expect("an epoch");
    pair.close().await;
    n
}

/// Claim and copy; the third commit confirms the move in cold. Settling commits nothing where there is nothing to settle.
const COMMITS_BEFORE_HOT: i64 = 2;

#[test]
fn a_part_of_a_commit_that_a_worker_lost_holds_hot_back() {
    let Some(spread) = Spread::make() else { return };
    if run(spread.is_encrypted()) {
        eprintln!(
            "skipped, commits cannot be cut: citus.node_conninfo on the coordinator lacks sslmode=disable"
        );
        return;
    }
    for resource in ["messages", "posts", "prices"] {
        // The confirmation and the claim of the next batch are cut too.
        for passing in 0..=COMMITS_BEFORE_HOT + 1 {
            let (cuts, before) = (spread.cutter.cuts(), run(spread.epoch(resource)));
            spread.cutter.cut_after(passing);
            let args = format!("archive run --older-than 1d --batch 40 --resource {resource}");
            let child = spread.fixture.command(&args).spawn().expect("the program");
            let child = until_beside(child, "a commit is cut", || spread.cutter.cuts() > cuts);
            // Citus may have committed the part by itself meanwhile.
            let child = until_beside(child, "the mover waits for the part", || {
                run(spread.prepared()) == 0 || run(spread.waiting()) > 0
            });
            let epoch = run(spread.epoch(resource));
            if passing < COMMITS_BEFORE_HOT && run(spread.prepared()) > 0 {
                assert_eq!(epoch, before, "{resource}, commit {passing}: hot did not wait");
            }
            run(spread.recover());
            let ended = Ended::of(finish(child));
            assert_eq!(ended.status, Some(0), "{resource}, commit {passing}: {ended:?}");
            run(spread.fixture.check_whole(resource));
            spread.fixture.done(&format!("archive restore --all --resource {resource}"));
            run(spread.fixture.check_whole(resource));
            spread.fixture.done("archive resume");
        }
    }
}

#[test]
fn every_command_works_on_spread_tables() {
    let Some(mut spread) = Spread::make() else { return };
    every_command::run_all(&mut spread.fixture);
}

#[test]
fn a_move_waits_for_a_dead_worker() {
    let Some(spread) = Spread::make() else { return };
    for resource in ["messages", "posts", "prices"] {
        let before = run(spread.epoch(resource));
        let args =
            format!("archive run --older-than 1d --batch 5 --resource {resource} --patience 120s --pause 20");
        let child = spread.fixture.command(&args).spawn().expect("the program");
        let child = until_beside(child, "a batch moves", || run(spread.epoch(resource)) != before);
        spread.cutter.set_dead(true);
        std::thread::sleep(Duration::from_secs(2));
        spread.cutter.set_dead(false);
        run(spread.recover());
        let ended = Ended::of(finish(child));
        assert_eq!(ended.status, Some(0), "{resource}: {ended:?}");
        run(spread.fixture.check_whole(resource));
    }
}

/// Each server crashes in the middle of moves, with what it had in memory.
#[test]
fn moves_continue_after_any_server_crashes() {
    if citus::url().is_none() {
        eprintln!("skipped, THERMOCLINE_TEST_CITUS_URL names no Citus");
        return;
    }
    let mut servers = match run(citus::Servers::start()) {
        Ok(servers) => servers,
        Err(reason) => return eprintln!("skipped, this machine's PostgreSQL has no Citus: {reason}"),
    };
    let fixture = Fixture::beside(run(servers.database()));
    let mut dice = Dice(43);
    for resource in ["messages", "posts", "prices"] {
        for crashing in 0..3 {
            let before = run(epoch(&fixture, resource));
            let args = format!(
                "archive run --older-than 1d --batch 5 --resource {resource} --patience 120s --pause 20"
            );
            let child = fixture.command(&args).spawn().expect("the program");
            let child = until_beside(child, "a batch moves", || run(epoch(&fixture, resource)) != before);
            std::thread::sleep(Duration::from_micros(dice.roll(100_000)));
            let server = match crashing {
                0 => &mut servers.coordinator,
                nth => &mut servers.workers[nth - 1],
            };
            server.crash().expect("it crashes");
            std::thread::sleep(Duration::from_millis(dice.roll(500)));
            server.launch().expect("it starts again");
            let ended = Ended::of(finish(child));
            assert_eq!(ended.status, Some(0), "{resource}, server {crashing}: {ended:?}");
            run(fixture.check_whole(resource));
            fixture.done(&format!("archive restore --all --resource {resource}"));
            fixture.done("archive resume");
            run(fixture.check_whole(resource));
        }
    }
}

#[test]
fn a_database_of_which_a_part_is_spread_is_refused() {
    let Some(spread) = Spread::make() else { return };
    spread.fixture.done("db check");
    run(async {
        let mut connection = spread.coordinator().await;
        let text = "SELECT undistribute_table('archive_head')";
        sqlx::raw_sql(text).execute(&mut connection).await.expect("undone");
    });
    let ended = Ended::of(output(&mut spread.fixture.command("db check --tier cold")));
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.out.contains("archive_head is local beside spread tables"), "{ended:?}");
    let planned = spread.fixture.done("db distribute --citus --dry-run").out;
    assert!(planned.contains("SELECT create_reference_table('archive_head');"), "{planned}");
    spread.fixture.done("db distribute --citus");
    spread.fixture.done("db check");
    let again = spread.fixture.done("db distribute --citus").out;
    assert_eq!(again, "cold: spread already, nothing to do\n");
}

/// A table that a migration makes is local; another run places it.
#[test]
fn spread_tables_are_migrated_down_and_up() {
    let Some(spread) = Spread::make() else { return };
    spread.fixture.done("archive run --older-than 1d");
    spread.fixture.done("db downgrade 7 --tier cold --yes");
    spread.fixture.done("db upgrade --tier cold");
    let ended = Ended::of(output(&mut spread.fixture.command("db check --tier cold")));
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.out.contains("messages_archive_signatures is local beside spread tables"), "{ended:?}");
    spread.fixture.done("db distribute --citus");
    spread.fixture.done("db check");
    every_command::check(&spread.fixture);
}

/// Returns the answer to `GET /health`.
async fn health(address: &str) -> String {
    let client = client().build().expect("a client");
    let answer = client.get(format!("http://{address}/health")).send().await.expect("an answer");
    answer.text().await.expect("a text")
}

#[test]
fn health_names_a_dead_worker_until_it_is_back() {
    let Some(spread) = Spread::make() else { return };
    let server = Serving::start(&spread.fixture.program, &[]).expect("it serves");
    let (host, port) = &spread.cutter.way;
    let named = format!(r#""silent_workers":["{host}:{port}"]"#);
    for is_dead in [false, true, false] {
        spread.cutter.set_dead(is_dead);
        run(until("the health that follows", async || {
            let health = health(&server.address).await;
            health.contains(r#"{"status":"degraded""#) == is_dead && health.contains(&named) == is_dead
        }));
    }
    server.stop();
}

/// Replaces what the function of a table does.
async fn replace_function(spread: &Spread, table: &str, body: &str) {
    let mut connection = spread.coordinator().await;
    let name =
        format!("thermocline_run_on_{table} (key bigint, name text, types text, query text, args text[])");
    let text = format!(
        "CREATE OR REPLACE FUNCTION {name} RETURNS SETOF record LANGUAGE plpgsql AS $$ BEGIN {body} END $$"
    );
    sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut connection).await.expect("replaced");
}

/// Reads a list in other connections than before.
async fn read<L: SqlList>(spread: &Spread, list: &L) -> Result<Vec<L::Row>, ReadError> {
    let pair = spread.fixture.open().await;
    let rows = Reader::new(&*pair.hot, &*pair.cold).walk(list, Span::ALL, Order::Desc, 3).await?;
    pair.close().await;
    Ok(rows)
}

/// Checks that reads of a list call the function of its table, and do without it.
fn calls_a_function<L: SqlList>(spread: &Spread, list: &L, table: &str) {
    let replace = |body: &str| run(replace_function(spread, table, body));
    run(spread.fixture.check_whole(list.resource()));
    replace("RAISE EXCEPTION 'it was called' USING ERRCODE = 'data_exception';");
    let Err(error) = run(read(spread, list)) else { panic!("the function of {table} is not called") };
    assert!(explain(&error).contains("it was called"), "{error:?}");
    // As on a server without a table of the shard, such as while Citus moves it.
    replace("RAISE EXCEPTION 'not here' USING ERRCODE = 'feature_not_supported';");
    run(spread.fixture.check_whole(list.resource()));
    let found = spread.fixture.done("db check --tier cold").out;
    assert!(found.contains(&format!("{table} has no function of this version")), "{found}");
    let made = spread.fixture.done("db distribute --citus").out;
    assert!(made.starts_with("cold: spread already; made the functions"), "{made}");
    assert!(!spread.fixture.done("db check --tier cold").out.contains("has no function"));
    run(spread.fixture.check_whole(list.resource()));
}

#[test]
fn reads_call_functions_and_do_without_them() {
    let Some(spread) = Spread::make() else { return };
    spread.fixture.done("archive run --older-than 1d");
    calls_a_function(&spread, &Messages::of(1), "messages_archive");
    calls_a_function(&spread, &Posts { author: None }, "posts_archive");
}

/// Walks through the posts of all authors.
async fn posts(reader: &Reader<'_>, order: Order) -> Vec<Post> {
    reader.walk(&Posts { author: None }, Span::ALL, order, 3).await.expect("the posts")
}

/// Reads the lists of every resource.
fn check_lists(spread: &Spread) {
    for resource in ["messages", "posts", "prices"] {
        run(spread.fixture.check_whole(resource));
    }
}

/// The connections of readers on a worker. Those of the coordinator have another name.
const READERS: &str =
    "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'thermocline'";

#[test]
fn readers_ask_workers_past_the_coordinator() {
    let Some(spread) = Spread::make_with("citus_reads=workers") else { return };
    spread.fixture.done("archive run --older-than 1d");
    run(async {
        let pair = spread.fixture.open().await;
        let reader = Reader::new(&*pair.hot, &*pair.cold);
        let before = posts(&reader, Order::Desc).await;
        let readers = spread.on_worker(&format!("SELECT count(*) {READERS}")).await;
        assert!(readers > 0, "none is connected to the worker");
        // The connections die while they are idle, all at once.
        let ended = spread.on_worker(&format!("SELECT count(pg_terminate_backend(pid)) {READERS}")).await;
        assert!(ended >= readers);
        assert_eq!(posts(&reader, Order::Desc).await, before);
        pair.close().await;
    });
    check_lists(&spread);
    // A worker without the function is asked through the coordinator, which sends the statement as it is.
    run(replace_function(
        &spread,
        "messages_archive",
        "RAISE EXCEPTION 'not here' USING ERRCODE = 'feature_not_supported';",
    ));
    check_lists(&spread);
}

/// A driver that is connected to the worker itself has prepared statements there too.
#[test]
fn functions_forget_their_own_statements_alone() {
    let Some(spread) = Spread::make() else { return };
    run(async {
        let options = citus::on(&spread.server, &spread.worker).database(&spread.name);
        let mut worker = PgConnection::connect_with(&options).await.expect("the worker answers");
        let mut of_functions = async |call: String| {
            sqlx::raw_sql(AssertSqlSafe(call)).execute(&mut worker).await.expect("it runs");
            // The driver keeps this one prepared.
            let text = "SELECT count(*) FROM pg_prepared_statements WHERE from_sql";
            sqlx::query_scalar::<_, i64>(text).fetch_one(&mut worker).await.expect("a number")
        };
        let call = |key: i64, n: i32| {
            format!(
                "SELECT * FROM thermocline_run_on_messages_archive({key}, 'n{n}', 'bigint', 'SELECT $1', ARRAY['1']) AS r (x bigint)"
            )
        };
        let mut local = 1;
        while of_functions(call(local, 0)).await == 0 {
            local += 1;
        }
        let mut most = 0;
        for n in 1..300 {
            most = most.max(of_functions(call(local, n)).await);
        }
        assert_eq!(most, 256);
        assert!(of_functions(call(local, 300)).await < 256, "they were forgotten");
    });
}

#[test]
fn moves_beside_readers_of_a_worker_that_dies_are_whole() {
    let Some(spread) = Spread::make_with("citus_reads=workers") else { return };
    let of_all = || (1..=8).map(|conversation| run(read(&spread, &Messages::of(conversation))));
    let expected: Vec<_> = of_all().map(|rows| rows.expect("the messages")).collect();
    let before = run(spread.epoch("messages"));
    let args = "archive run --older-than 1d --batch 5 --resource messages --patience 120s --pause 20";
    let child = spread.fixture.command(args).spawn().expect("the program");
    let child = until_beside(child, "a batch moves", || run(spread.epoch("messages")) != before);
    for (rows, expected) in of_all().zip(&expected) {
        assert_eq!(&rows.expect("the messages"), expected);
    }
    spread.cutter.set_dead(true);
    let meanwhile: Vec<_> = of_all().collect();
    assert!(meanwhile.iter().any(Result::is_err), "the dead worker has no conversation");
    for (rows, expected) in meanwhile.iter().zip(&expected) {
        // Its rows are unavailable, and no others are returned for them.
        assert!(rows.as_ref().is_err() || rows.as_ref().is_ok_and(|rows| rows == expected));
    }
    spread.cutter.set_dead(false);
    run(spread.recover());
    let ended = Ended::of(finish(child));
    assert_eq!(ended.status, Some(0), "{ended:?}");
    check_lists(&spread);
}

/// Cuts the first shard of posts and what is beside it in two.
const SPLIT: &str = "SELECT citus_split_shard_by_split_points(shardid, ARRAY[middle::text], ARRAY[nodeid, nodeid], 'block_writes')
    FROM (
        SELECT s.shardid, (s.shardminvalue::bigint + s.shardmaxvalue::bigint) / 2 AS middle, n.nodeid
        FROM pg_dist_shard s JOIN pg_dist_placement p ON p.shardid = s.shardid JOIN pg_dist_node n ON n.groupid = p.groupid
        WHERE s.logicalrelid = 'posts_archive'::regclass ORDER BY s.shardid LIMIT 1
    ) first";

#[test]
fn lists_of_many_shards_are_whole_after_a_shard_was_split() {
    lists_survive_a_split("citus_reads=coordinator");
    lists_survive_a_split("citus_reads=workers");
}

fn lists_survive_a_split(parameter: &str) {
    let Some(spread) = Spread::make_with(parameter) else { return };
    spread.fixture.done("archive run --older-than 1d");
    run(async {
        let pair = spread.fixture.open().await;
        let reader = Reader::new(&*pair.hot, &*pair.cold);
        let before = posts(&reader, Order::Desc).await;
        let mut coordinator = spread.coordinator().await;
        sqlx::raw_sql(SPLIT).execute(&mut coordinator).await.expect("is split");
        // The reader finds that a shard is no more, and then which there are.
        for order in [Order::Desc, Order::Asc] {
            let mut rows = posts(&reader, order).await;
            if order == Order::Asc {
                rows.reverse();
            }
            assert_eq!(rows, before);
        }
        assert_eq!(reader.pages(&Posts { author: None }, 3).await.expect("the posts"), before);
        pair.close().await;
    });
    run(spread.fixture.check_whole("posts"));
}
