//! The statements of lists return the declared columns, the same on every engine.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{AssertSqlSafe, Column as _, Connection as _, Executor as _, SqlSafeStr as _, Statement as _};
use thermocline::resources::registry;
use thermocline::schema::{self, Table};
use thermocline::tier::{Engine as _, Sqlite, Tier, migrate};

use crate::support::postgres;

/// Columns of the state, returned with each row.
const HOT: [&str; 6] = ["epoch", "token", "cold_newest_at", "cold_newest_id", "n", "late"];
const COLD: [&str; 3] = ["floor", "proven", "confirmed"];

/// A statement's name, such as `posts.cold_find`, and its text by engine.
type Statements = BTreeMap<String, BTreeMap<&'static str, String>>;

/// The statements that return a resource's rows: slices, newest first, and finds of every list.
fn statements() -> Statements {
    let mut statements = Statements::new();
    let lists = registry::RESOURCES.into_iter().flat_map(|resource| resource.lists);
    for statement in lists.flat_map(|list| list.all()) {
        if ["_slice", "_find"].iter().all(|part| !statement.name.ends_with(part)) {
            continue;
        }
        let texts = [
            ("sqlite", Some(statement.sqlite())),
            ("postgres", statement.for_postgres()),
            ("mssql", statement.for_mssql()),
        ];
        let texts = texts.into_iter().filter_map(|(engine, text)| Some((engine, text?.to_owned())));
        statements.entry(statement.name.to_owned()).or_insert_with(|| texts.collect());
    }
    statements
}

/// The columns that a statement has to return.
fn expected(name: &str) -> BTreeSet<String> {
    let (list, _) = name.split_once('.').expect("a list and a query");
    let (table, left_out, counted): (&Table, &[&str], &[&str]) = match list {
        "conversations" => (&schema::CONVERSATIONS, &[], &[]),
        "messages" | "messages_containing" => (&schema::MESSAGES, &[], &[]),
        "comments" => (&schema::COMMENTS, &[], &[]),
        "posts" | "posts_by_author" => (&schema::POSTS, &[], &["comment_count", "like_count"]),
        // Hot has only a state of behaviour; in cold its rows are sums.
        "behavior" if name.contains("hot_") => {
            return HOT.iter().copied().chain(["id"]).map(str::to_owned).collect();
        }
        "behavior" => (
            &thermocline::resources::behavior::tables::BEHAVIOR,
            &["metadata", "resource", "from_epoch"],
            &[],
        ),
        // A price is asked for by its stock, and the API does not show when it was written.
        "prices" => (&schema::PRICES, &["stock_id", "created_at"], &[]),
        _ => panic!("no declared table is known for {name}"),
    };
    let own = table.columns.iter().map(|column| column.name).filter(|name| !left_out.contains(name));
    let state: &[&str] = if name.contains("cold_") { &COLD } else { &HOT };
    // A row by its id is not counted.
    let is_counted = !name.ends_with(".hot_find");
    let state = state.iter().copied().filter(|column| is_counted || !["late", "n"].contains(column));
    own.chain(counted.iter().copied()).chain(state).map(str::to_owned).collect()
}

/// Returns a text without comments.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split("--").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Splits a text at the separators that are outside of parentheses.
fn parts<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let (mut depth, mut from, mut parts) = (0, 0, Vec::new());
    for (at, c) in text.char_indices() {
        depth += i32::from(c == '(') - i32::from(c == ')');
        if depth == 0 && text[at..].starts_with(separator) && at >= from {
            parts.push(&text[from..at]);
            from = at + separator.len();
        }
    }
    parts.push(&text[from..]);
    parts
}

/// Returns the columns of a `SELECT`, read from its text; `whole` is the statement that contains it.
fn selected(text: &str, whole: &str) -> BTreeSet<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let select = parts(&text, "SELECT ").pop().expect("it selects");
    let list = parts(select, " FROM ")[0];
    let mut names = BTreeSet::new();
    for item in parts(list, ",") {
        let name = item.rsplit([' ', '.']).next().expect("a name");
        if name == "*" {
            let source = item.trim().strip_suffix(".*").unwrap_or_else(|| {
                select.split(" FROM ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a source")
            });
            names.extend(selected(&body(whole, source), whole));
        } else {
            names.insert(name.to_owned());
        }
    }
    names
}

/// Returns the text in the parentheses named `name`.
fn body(whole: &str, name: &str) -> String {
    let whole = whole.split_whitespace().collect::<Vec<_>>().join(" ");
    let behind = format!(") {name} ");
    if let Some(end) = format!("{whole} ").find(&behind) {
        let mut depth = 0;
        for (at, c) in whole[..=end].char_indices().rev() {
            depth += i32::from(c == ')') - i32::from(c == '(');
            if depth == 0 {
                return whole[at + 1..end].to_owned();
            }
        }
    }
    let from = whole.split(&format!("{name} AS ")).nth(1).unwrap_or_else(|| panic!("no {name} in {whole}"));
    let from = &from[from.find('(').expect("a body") + 1..];
    let mut depth = 1;
    let end = from.char_indices().find(|(_, c)| {
        depth += i32::from(*c == '(') - i32::from(*c == ')');
        depth == 0
    });
    from[..end.expect("an end").0].to_owned()
}

fn read(text: &str) -> BTreeSet<String> {
    let code = code(text);
    selected(&code, &code)
}

#[tokio::test]
async fn every_list_returns_the_declared_columns_on_every_engine() {
    let statements = statements();
    assert!(statements.len() >= 20, "the statements were not found: {:?}", statements.keys());
    let folder = tempfile::tempdir().expect("a folder");
    let mut embedded = BTreeMap::new();
    for tier in [Tier::Hot, Tier::Cold] {
        let file = folder.path().join(tier.name());
        let database = Sqlite::open(thermocline::schema::of(tier), &file).await.expect("opens");
        migrate::upgrade(&database).await.expect("migrates");
        database.close().await;
        let url = format!("sqlite:{}", file.display());
        embedded.insert(tier.name(), sqlx::SqliteConnection::connect(&url).await.expect("opens"));
    }
    let mut servers = BTreeMap::new();
    for tier in [Tier::Hot, Tier::Cold] {
        if let Some(url) = postgres::database().await {
            postgres::open_as(tier, &url).await.close().await;
            servers.insert(tier.name(), (postgres::connect(&url).await, url));
        }
    }
    let mut seen = BTreeMap::new();
    for (name, texts) in &statements {
        let (tier, engines) = if name.contains("cold_") {
            ("cold", &["postgres", "sqlite"][..])
        } else {
            ("hot", &["mssql", "postgres", "sqlite"][..])
        };
        assert_eq!(texts.keys().copied().collect::<Vec<_>>(), engines, "{name}");
        for (engine, text) in texts {
            // The program binds each parameter with its type, which a text alone does not show.
            let sql =
                text.replace("$5 + $6", "$5::bigint + $6::bigint").replace("resource = $9", "resource = $1");
            let sql = AssertSqlSafe(sql).into_sql_str();
            let columns: BTreeSet<String> = match (*engine, servers.get_mut(tier)) {
                ("sqlite", _) => {
                    let database = embedded.get_mut(tier).expect("a database");
                    let prepared = database.prepare(sql).await.expect(name);
                    let columns = prepared.columns().iter().map(|column| column.name().to_owned()).collect();
                    // The columns read from the text are those that a server returns.
                    assert_eq!(read(text), columns, "{name}: the text is not read well");
                    columns
                }
                ("postgres", Some((server, _))) => {
                    let prepared = server.prepare(sql).await.expect(name);
                    prepared.columns().iter().map(|column| column.name().to_owned()).collect()
                }
                ("postgres", None) => continue,
                _ => read(text),
            };
            assert_eq!(columns, expected(name), "{name} on {engine}");
            *seen.entry(*engine).or_insert(0) += 1;
        }
    }
    println!("read: {seen:?}");
}

/// The check itself finds a column that is left out of one text.
#[test]
fn a_missing_column_is_found() {
    let statements = statements();
    let text = &statements["messages.hot_slice"]["mssql"];
    assert_eq!(read(text), expected("messages.hot_slice"));
    let forgotten = text
        .replace("SELECT id, conversation_id, sender_id, content,", "SELECT id, conversation_id, content,");
    assert_ne!(*text, forgotten);
    assert!(!read(&forgotten).contains("sender_id"), "{forgotten}");
}
