//! A generated migration brings every engine to the declaration and back, whichever engine of the tier it was generated
//! from, and keeps the rows.

use std::collections::BTreeMap;

use thermocline::schema::diff::diff;
use thermocline::schema::emit::Plan;
use thermocline::schema::model::{ColumnModel, DefaultValue, ForeignKey, IndexModel, TableModel, Type};
use thermocline::schema::{Dialect, Model};
use thermocline::tier::{Tier, Value};

use super::Database;

fn index(name: &str, columns: &[&str], unique: bool) -> IndexModel {
    let columns = columns.iter().map(|&column| (column.to_owned(), false)).collect();
    IndexModel { name: name.to_owned(), columns, unique, constraint: false, only: None }
}

fn column<'a>(model: &'a mut Model, table: &str, name: &str) -> &'a mut ColumnModel {
    let table = model.table_mut(table).expect("a table");
    table.columns.iter_mut().find(|column| column.name == name).expect("a column")
}

fn text(length: u16) -> Type {
    Type::Text { length: Some(length), exact: false }
}

/// `plain` leaves out what Babelfish cannot do.
fn changed_hot(model: &mut Model, plain: bool) {
    let users = model.table_mut("users").expect("users");
    users.columns.retain(|column| column.name != "email");
    users.columns.push(ColumnModel::nullable("nickname", text(50)));
    let rank = ColumnModel::required("rank", Type::Int);
    users.columns.push(ColumnModel { default: Some(DefaultValue::Int(3)), ..rank });
    users.indexes.push(index("users_name", &["username"], true));
    model.table_mut("conversations").expect("conversations").indexes.pop();
    model.table_mut("stock_prices").expect("prices").columns.retain(|column| column.name != "turnover");
    column(model, "stocks", "market_type").kind = text(80);
    if !plain {
        // A unique constraint blocks this change, and its collation has to be repeated.
        column(model, "stocks", "symbol").kind = Type::Text { length: Some(40), exact: true };
        let exchange = column(model, "stocks", "exchange");
        (exchange.nullable, exchange.default) = (false, Some(DefaultValue::Text("it's".to_owned())));
        column(model, "messages", "is_read").default = None;
        column(model, "posts", "title").nullable = true;
    }
    let mut id = ColumnModel::required("id", Type::Int);
    id.identity = true;
    let created = ColumnModel::required("created_at", Type::Time);
    model.tables.push(TableModel {
        name: "tags".to_owned(),
        columns: vec![
            id,
            ColumnModel::required("post_id", Type::Int),
            ColumnModel::required("tag", text(50)),
            ColumnModel { default: Some(DefaultValue::Now), ..created },
        ],
        key: vec!["id".to_owned()],
        indexes: vec![index("tags_tag", &["tag", "post_id"], true)],
        foreign: vec![ForeignKey {
            name: None,
            columns: vec!["post_id".to_owned()],
            table: "posts".to_owned(),
            references: vec!["id".to_owned()],
            cascades: false,
        }],
        rows: Vec::new(),
    });
}

fn changed_cold(model: &mut Model) {
    let analytics = model.table_mut("user_behavior_analytics").expect("analytics");
    analytics.columns.retain(|column| column.name != "created_at");
    analytics.columns.push(ColumnModel::nullable("origin", Type::TEXT));
    analytics.indexes.push(index("user_behavior_analytics_day", &["analysis_date", "user_id"], false));
    column(model, "user_behavior_analytics", "action_count").kind = Type::TEXT;
    let metadata = column(model, "user_behavior_analytics", "resource");
    (metadata.nullable, metadata.default) = (true, Some(DefaultValue::Text("posts".to_owned())));
    model.table_mut("archive_batches").expect("batches").indexes.clear();
}

async fn fill(database: &Database) {
    let at: Value = "2026-11-01T10:00:00Z".parse::<thermocline::clock::Timestamp>().expect("a time").into();
    let day: Value = "2026-11-01".parse::<chrono::NaiveDate>().expect("a day").into();
    let text = |text: &str| Value::from(text);
    if database.engine.tier() == Tier::Cold {
        let columns = [
            "user_id",
            "action_type",
            "action_count",
            "analysis_date",
            "created_at",
            "resource",
            "from_epoch",
        ];
        let row = |user: i64| {
            vec![user.into(), text("post"), 7.into(), day.clone(), at.clone(), text("posts"), 1.into()]
        };
        database.put("user_behavior_analytics", &columns, &(1..=20).map(row).collect::<Vec<_>>()).await;
        return;
    }
    let user = |id: i64| vec![id.into(), text(&format!("用户{id}")), text("a@example.org")];
    database.put("users", &["id", "username", "email"], &(1..=9).map(user).collect::<Vec<_>>()).await;
    let talk = |id: i64| vec![id.into(), id.into(), at.clone(), at.clone()];
    let columns = ["id", "user1_id", "created_at", "updated_at"];
    database.put("conversations", &columns, &(1..=3).map(talk).collect::<Vec<_>>()).await;
    let message =
        |id: i64| vec![id.into(), (1 + id % 3).into(), 1.into(), text("x"), at.clone(), true.into()];
    let columns = ["id", "conversation_id", "sender_id", "content", "created_at", "is_read"];
    database.put("messages", &columns, &(1..=30).map(message).collect::<Vec<_>>()).await;
    let post = |id: i64| vec![id.into(), 2.into(), text("t"), text("b"), at.clone()];
    let columns = ["id", "author_id", "title", "body", "created_at"];
    database.put("posts", &columns, &(1..=5).map(post).collect::<Vec<_>>()).await;
    let stock = |id: i64| vec![id.into(), text(&format!("{id}")), at.clone(), at.clone()];
    let columns = ["id", "symbol", "created_at", "updated_at"];
    database.put("stocks", &columns, &(1..=4).map(stock).collect::<Vec<_>>()).await;
    let price = |id: i64| vec![id.into(), id.into(), day.clone(), 5.into(), at.clone()];
    let columns = ["id", "stock_id", "trade_date", "volume", "created_at"];
    database.put("stock_prices", &columns, &(1..=4).map(price).collect::<Vec<_>>()).await;
    // The rows with the highest ids were archived: these ids are never given again.
    for table in ["messages", "stock_prices"] {
        database.execute(&format!("DELETE FROM {table} WHERE id > 2")).await;
    }
    database.execute("DELETE FROM stocks WHERE id > 2").await;
}

/// Returns the columns that stay, as numbers.
async fn rows(database: &Database) -> BTreeMap<&'static str, Vec<i64>> {
    let queries: &[(&str, &str)] = match database.engine.tier() {
        Tier::Cold => &[
            ("heads", "SELECT count(*) AS n FROM archive_head"),
            (
                "analytics",
                "SELECT user_id AS n FROM user_behavior_analytics WHERE action_type = 'post' ORDER BY id",
            ),
        ],
        Tier::Hot => &[
            ("users", "SELECT id AS n FROM users ORDER BY id"),
            ("conversations", "SELECT user1_id AS n FROM conversations ORDER BY id"),
            ("messages", "SELECT conversation_id AS n FROM messages WHERE is_read = 1 ORDER BY id"),
            ("posts", "SELECT id AS n FROM posts WHERE title = 't' ORDER BY id"),
            ("stocks", "SELECT id AS n FROM stocks WHERE symbol IN ('1', '2') ORDER BY id"),
            ("prices", "SELECT volume AS n FROM stock_prices ORDER BY id"),
            ("state", "SELECT count(*) AS n FROM archive_state"),
        ],
    };
    let mut rows = BTreeMap::new();
    for (name, query) in queries {
        let query = match database.dialect {
            Dialect::Postgres => query.replace("is_read = 1", "is_read"),
            Dialect::Sqlite | Dialect::Mssql => (*query).to_owned(),
        };
        rows.insert(*name, database.ints(&query).await);
    }
    rows
}

#[tokio::test]
async fn generated_migrations_reach_the_declaration_and_revert() {
    let mut sources = Vec::new();
    for source in Database::all().await {
        source.upgrade().await;
        sources.push((source.engine.tier(), source.dialect, source.live().await));
        source.drop().await;
    }
    for (tier, from, live) in sources {
        for target in Database::of(tier).await {
            let babelfish = target.dialect == Dialect::Mssql && target.is_babelfish().await;
            if babelfish {
                println!("Babelfish: NULL and defaults of a column that is there are not changed");
            }
            let mut wanted = target.declared();
            match tier {
                Tier::Hot => changed_hot(&mut wanted, babelfish),
                Tier::Cold => changed_cold(&mut wanted),
            }
            if target.dialect == Dialect::Mssql && from != Dialect::Mssql {
                // SQLite and PostgreSQL have no lengths: a plan made there cannot contain these changes.
                column(&mut wanted, "stocks", "symbol").kind = Type::Text { length: Some(20), exact: true };
                column(&mut wanted, "stocks", "market_type").kind = text(50);
            }
            let plan = Plan::new(&live, &wanted, &[target.dialect], None);
            lead(&target, from, &plan, &wanted, &from.lift(&live.model, &wanted)).await;
            target.drop().await;
        }
    }
}

/// Migrates a database with a plan made on the engine `from`, where `current` was found, and back.
async fn lead(target: &Database, from: Dialect, plan: &Plan, wanted: &Model, current: &Model) {
    let name = format!("{}, planned on {}", target.name(), from.name());
    let [(_, up, down)] = plan.scripts.as_slice() else { panic!("{name}: {plan:?}") };
    assert_eq!(plan.obstacles, Vec::<String>::new(), "{name}");
    assert!(up.notes.iter().any(|note| note.starts_with("DATA LOSS: ")), "{name}: {:?}", up.notes);
    let (up, down) = (up.text(target.dialect), down.text(target.dialect));
    target.upgrade().await;
    fill(target).await;
    let (before, kept) = (target.live().await, rows(target).await);
    let inspected = async || {
        let names: Vec<&str> =
            wanted.tables.iter().chain(&current.tables).map(|table| table.name.as_str()).collect();
        thermocline::tier::inspect::inspect(&*target.engine, &names).await.expect("inspects").model
    };

    target.apply(&up).await;
    assert_eq!(diff(&inspected().await, &target.dialect.fold(wanted)), [], "{name}\n{up}");
    let after = rows(target).await;
    assert_eq!(after.get("heads"), kept.get("heads"), "{name}");
    assert_eq!(after, kept, "{name}");
    if target.engine.tier() == Tier::Hot {
        assert_eq!(target.ints("SELECT DISTINCT rank AS n FROM users").await, [3], "{name}");
        let text = "SELECT count(*) AS n FROM stocks WHERE exchange = 'it''s'";
        let filled = wanted.table("stocks").and_then(|table| table.column("exchange")).expect("exchange");
        assert_eq!(target.ints(text).await, [if filled.nullable { 0 } else { 2 }], "{name}");
    }

    target.take_back(&up, &down).await;
    // A plan from another engine restores what that engine could know.
    assert_eq!(diff(&inspected().await, &target.dialect.fold(current)), [], "{name}\n{down}");
    if from == target.dialect {
        assert_eq!(target.live().await.model.lines(), before.model.lines(), "{name}");
    }
    assert_eq!(rows(target).await, kept, "{name}");
    if target.engine.tier() == Tier::Hot {
        let at: Value = "2026-11-01".parse::<thermocline::clock::Timestamp>().expect("a time").into();
        let row = vec![1.into(), 1.into(), "new".into(), at.clone(), false.into()];
        let columns = ["conversation_id", "sender_id", "content", "created_at", "is_read"];
        target.put("messages", &columns, &[row]).await;
        target
            .put("stocks", &["symbol", "created_at", "updated_at"], &[vec!["new".into(), at.clone(), at]])
            .await;
        let new = target.ints("SELECT id AS n FROM messages WHERE content = 'new'").await;
        assert_eq!(new, [31], "{name}: an id was given twice");
        let new = target.ints("SELECT id AS n FROM stocks WHERE symbol = 'new'").await;
        assert_eq!(new, [5], "{name}: an id was given twice");
    }
    println!("{name}: up {} lines, down {} lines", up.lines().count(), down.lines().count());
}

/// A value that cannot be derived is required, not invented.
#[tokio::test]
async fn a_required_column_without_a_default_is_rejected() {
    let database = Database::of(Tier::Hot).await.remove(0);
    database.upgrade().await;
    let mut wanted = database.declared();
    let users = wanted.table_mut("users").expect("users");
    users.columns.push(ColumnModel::required("age", Type::Int));
    wanted.table_mut("likes").expect("likes").key.reverse();
    let plan = Plan::new(&database.live().await, &wanted, &Dialect::HOT, None);
    assert_eq!(plan.obstacles.len(), 2, "{:?}", plan.obstacles);
    assert!(plan.obstacles[0].starts_with("users.age is required"), "{:?}", plan.obstacles);
    assert!(!plan.is_empty());
}
