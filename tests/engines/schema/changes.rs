//! Every kind of change by itself, up and down on the hot engines: the catalogs show what was declared, and then what
//! was there before.

use std::collections::BTreeSet;

use thermocline::schema::diff::diff;
use thermocline::schema::emit::Plan;
use thermocline::schema::model::{
    ColumnModel, DefaultValue, ForeignKey, IndexModel, Model, Predicate, TableModel, Type,
};
use thermocline::schema::{Dialect, findings::Live};
use thermocline::tier::Tier;

use super::Database;

/// A change of the declaration.
struct Kind {
    name: &'static str,
    change: fn(&mut Model),
    /// What Babelfish lacks for it.
    lacking: Option<&'static str>,
}

fn kind(name: &'static str, change: fn(&mut Model)) -> Kind {
    Kind { name, change, lacking: None }
}

impl Kind {
    fn but(self, lacking: &'static str) -> Self {
        Self { lacking: Some(lacking), ..self }
    }
}

fn table<'a>(model: &'a mut Model, name: &str) -> &'a mut TableModel {
    model.table_mut(name).expect("a table")
}

fn column<'a>(model: &'a mut Model, of: &str, name: &str) -> &'a mut ColumnModel {
    table(model, of).columns.iter_mut().find(|column| column.name == name).expect("a column")
}

const fn text(length: u16, exact: bool) -> Type {
    Type::Text { length: Some(length), exact }
}

fn index(name: &str, columns: &[(&str, bool)]) -> IndexModel {
    let columns = columns.iter().map(|(name, descends)| ((*name).to_owned(), *descends)).collect();
    IndexModel { name: name.to_owned(), columns, unique: false, constraint: false, only: None }
}

const NO_DEFAULT: &str = "DROP CONSTRAINT of a default";
const NO_NULL: &str = "NULL and NOT NULL in ALTER COLUMN";
const NO_COLLATION: &str = "COLLATE in ALTER COLUMN";

fn kinds() -> Vec<Kind> {
    vec![
        kind("a column comes", |model| {
            table(model, "users").columns.push(ColumnModel::nullable("phone", text(30, false)));
        }),
        kind("a column with a default comes", |model| {
            let rank = ColumnModel::required("rank", Type::Int);
            table(model, "users").columns.push(ColumnModel { default: Some(DefaultValue::Int(3)), ..rank });
        }),
        kind("a required column goes, and comes back", |model| {
            table(model, "posts").columns.retain(|column| column.name != "body");
        })
        .but(NO_DEFAULT),
        kind("a column with a default goes", |model| {
            table(model, "messages").columns.retain(|column| column.name != "is_read");
        }),
        kind("a text grows", |model| column(model, "posts", "title").kind = text(300, false)),
        kind("a text loses its limit", |model| column(model, "posts", "title").kind = Type::TEXT),
        kind("an integer shrinks", |model| {
            column(model, "stock_prices", "transaction_count").kind = Type::Small;
        }),
        kind("an instant becomes a day, with a default and an index on it", |model| {
            let updated = column(model, "conversations", "updated_at");
            (updated.kind, updated.default) = (Type::Date, None);
        })
        .but(NO_DEFAULT),
        kind("a day under a unique constraint becomes an instant", |model| {
            column(model, "stock_prices", "trade_date").kind = Type::Time;
        }),
        kind("a text under a unique constraint grows", |model| {
            column(model, "stocks", "symbol").kind = text(40, true);
        })
        .but(NO_COLLATION),
        kind("a text is compared by bytes", |model| {
            column(model, "users", "username").kind = text(200, true);
        })
        .but(NO_COLLATION),
        kind("a text is not compared by bytes any more", |model| {
            column(model, "stocks", "symbol").kind = text(20, false);
        })
        .but(NO_COLLATION),
        kind("a column may be NULL", |model| column(model, "posts", "title").nullable = true).but(NO_NULL),
        kind("a column of a foreign key and an index must not be NULL", |model| {
            column(model, "conversations", "user2_id").nullable = false;
        })
        .but(NO_NULL),
        kind("a column must not be NULL and has a default", |model| {
            let exchange = column(model, "stocks", "exchange");
            (exchange.nullable, exchange.default) = (false, Some(DefaultValue::Text("it's".to_owned())));
        })
        .but(NO_NULL),
        kind("a default comes", |model| {
            column(model, "stock_prices", "volume").default = Some(DefaultValue::Int(0));
        })
        .but(NO_DEFAULT),
        kind("a default goes", |model| column(model, "archive_state", "epoch").default = None)
            .but(NO_DEFAULT),
        kind("a default changes", |model| {
            column(model, "archive_state", "epoch").default = Some(DefaultValue::Int(7));
        })
        .but(NO_DEFAULT),
        kind("an index comes", |model| {
            table(model, "posts").indexes.push(index("posts_title", &[("title", false), ("id", true)]));
        }),
        kind("an index goes", |model| {
            table(model, "messages").indexes.retain(|index| index.name != "messages_due");
        }),
        kind("an index changes its order", |model| {
            table(model, "messages").indexes[1] =
                index("messages_due", &[("created_at", true), ("id", true)]);
        }),
        kind("a unique index comes", |model| {
            let index = index("users_name", &[("username", false)]);
            table(model, "users").indexes.push(IndexModel { unique: true, ..index });
        }),
        kind("an index of some rows comes", |model| {
            let index = index("users_reachable", &[("username", false)]);
            let only = Some(Predicate::NotNull("email".to_owned()));
            table(model, "users").indexes.push(IndexModel { only, ..index });
        })
        .but("the rows of an index in its catalog"),
        kind("a unique constraint goes", |model| table(model, "stocks").indexes.clear()),
        kind("a foreign key goes", |model| table(model, "posts").foreign.clear()),
        kind("a column with a foreign key comes", |model| {
            let posts = table(model, "posts");
            posts.columns.push(ColumnModel::nullable("editor_id", Type::Int));
            posts.foreign.push(ForeignKey {
                name: Some("posts_editor_id".to_owned()),
                columns: vec!["editor_id".to_owned()],
                table: "users".to_owned(),
                references: vec!["id".to_owned()],
                cascades: false,
            });
        }),
        kind("a table goes", |model| model.tables.retain(|table| table.name != "archive_rejects")),
    ]
}

/// A declaration with changes to different tables, and their names.
struct Round {
    wanted: Model,
    touched: BTreeSet<String>,
    names: Vec<&'static str>,
}

/// Distributes the changes over as few rounds as possible, because servers are slow.
fn rounds(declared: &Model, kinds: Vec<Kind>) -> Vec<Round> {
    let mut rounds: Vec<Round> = Vec::new();
    for Kind { name, change, .. } in kinds {
        let mut alone = declared.clone();
        change(&mut alone);
        let differs = |table: &&TableModel| alone.table(&table.name) != Some(*table);
        let touched: BTreeSet<String> =
            declared.tables.iter().filter(differs).map(|table| table.name.clone()).collect();
        assert!(!touched.is_empty(), "{name}");
        let free = rounds.iter().position(|round| round.touched.is_disjoint(&touched));
        let place = free.unwrap_or_else(|| {
            rounds.push(Round { wanted: declared.clone(), touched: BTreeSet::new(), names: Vec::new() });
            rounds.len() - 1
        });
        let round = &mut rounds[place];
        change(&mut round.wanted);
        round.touched.extend(touched);
        round.names.push(name);
    }
    rounds
}

#[tokio::test]
async fn every_kind_of_change_is_applied_and_reverted() {
    for database in Database::of(Tier::Hot).await {
        let (name, declared) = (database.name(), database.declared());
        database.upgrade().await;
        let babelfish = database.dialect == Dialect::Mssql && database.is_babelfish().await;
        let mut kinds = kinds();
        kinds.retain(|kind| match kind.lacking {
            Some(lacking) if babelfish => {
                println!("skipped on {name}, which lacks {lacking}: {}", kind.name);
                false
            }
            _ => true,
        });
        let (before, mut seen) = (database.live().await, 0);
        for Round { wanted, names, .. } in rounds(&declared, kinds) {
            let what = names.join("; ");
            let meant = database.dialect.fold(&wanted);
            let plan = Plan::new(&before, &wanted, &[database.dialect], Some(&declared));
            assert_eq!(plan.obstacles, Vec::<String>::new(), "{name}: {what}");
            assert_eq!(plan.kept, Vec::<String>::new(), "{name}: {what}");
            let changes = diff(&before.model, &meant).len();
            // SQLite and PostgreSQL have no lengths and collations.
            let all_seen = changes >= names.len() || database.dialect != Dialect::Mssql;
            assert!(all_seen, "{name}: {what}: {changes} changes");
            seen += changes;
            let [(_, up, down)] = plan.scripts.as_slice() else { panic!("{name}: {plan:?}") };
            let (up, down) = (up.text(database.dialect), down.text(database.dialect));
            database.apply(&up).await;
            assert_eq!(diff(&all(&database, &wanted).await.model, &meant), [], "{name}: {what}\n{up}");
            database.take_back(&up, &down).await;
            let after = database.live().await;
            assert_eq!(diff(&after.model, &before.model), [], "{name}: {what}\n{down}");
            assert_eq!(after.model.lines(), before.model.lines(), "{name}: {what}\n{down}");
            println!("{name}: up and down: {what}");
        }
        assert!(seen >= 15, "{name}: {seen}");
        database.drop().await;
    }
}

/// Returns the live state of the wanted and the declared tables.
async fn all(database: &Database, wanted: &Model) -> Live {
    let mut names: Vec<&str> = database.tables().iter().map(|table| table.name).collect();
    names.extend(wanted.tables.iter().map(|table| table.name.as_str()));
    database.engine.inspect(&names).await.expect("inspects")
}

/// A platform's own columns and indexes stay; what was declared before and is no longer goes.
#[tokio::test]
async fn only_objects_of_migrations_are_dropped() {
    for database in Database::all().await {
        let name = database.name();
        database.upgrade().await;
        let (of, add, own) = match database.engine.tier() {
            Tier::Hot => (
                "messages",
                if database.dialect == Dialect::Mssql { "ADD" } else { "ADD COLUMN" },
                "created_at",
            ),
            Tier::Cold => ("posts_archive", "ADD COLUMN", "title"),
        };
        database
            .execute(&format!(
                "ALTER TABLE {of} {add} sticker INTEGER NULL;\nCREATE INDEX theirs ON {of} ({own})"
            ))
            .await;
        let live = database.live().await;
        let made = database.declared();
        let mut wanted = made.clone();
        // Declared before, and no longer.
        let (gone, index) = match database.engine.tier() {
            Tier::Hot => ("users.email", "conversations_user2"),
            Tier::Cold => ("posts_archive.archived_at", "posts_archive_batch"),
        };
        let (of_gone, gone) = gone.split_once('.').expect("a column");
        table(&mut wanted, of_gone).columns.retain(|column| column.name != gone);
        let before: usize = wanted.tables.iter().map(|table| table.indexes.len()).sum();
        wanted.tables.iter_mut().for_each(|table| table.indexes.retain(|one| one.name != index));
        assert_eq!(
            wanted.tables.iter().map(|table| table.indexes.len()).sum::<usize>(),
            before - 1,
            "{index}"
        );

        let careful = Plan::new(&live, &wanted, &[database.dialect], Some(&made));
        assert_eq!(careful.obstacles, Vec::<String>::new(), "{name}");
        let kept = [
            format!("{of}.sticker is not ours, and stays"),
            format!("the index theirs ({own}) of {of} is not ours, and stays"),
        ];
        assert_eq!(careful.kept, kept, "{name}");
        let up = careful.scripts[0].1.text(database.dialect);
        let says = |text: &str, what: &str| text.contains(what);
        assert!(
            says(&up, &format!("DROP COLUMN {gone}")) && says(&up, &format!("DROP INDEX {index}")),
            "{up}"
        );
        assert!(!says(&up, "sticker") && !says(&up, "theirs"), "{name}: {up}");
        database.apply(&up).await;
        let left = all(&database, &wanted).await.model;
        let left = left.table(of).expect("the table");
        assert!(left.column("sticker").is_some(), "{name}: {left:?}");
        assert!(left.indexes.iter().any(|index| index.name == "theirs"), "{name}: {left:?}");

        // It is dropped on request only.
        let plan = Plan::new(&live, &wanted, &[database.dialect], None);
        let up = plan.scripts[0].1.text(database.dialect);
        assert!(
            plan.kept.is_empty() && says(&up, "DROP COLUMN sticker") && says(&up, "DROP INDEX theirs"),
            "{up}"
        );

        // SQLite rebuilds a table for most changes, and would lose what it does not know.
        let kind = column(&mut wanted, of, own);
        kind.nullable = !kind.nullable;
        let plan = Plan::new(&live, &wanted, &[database.dialect], Some(&made));
        let refused: Vec<String> = if database.dialect == Dialect::Sqlite {
            kept.iter().map(|text| text.replace(" is not ours, and stays", "")).map(|what| format!("{of} has to be made anew, which would lose {what}: declare it, or let it go with --drop-unknown")).collect()
        } else {
            Vec::new()
        };
        assert_eq!(plan.obstacles, refused, "{name}");
        database.drop().await;
    }
}
