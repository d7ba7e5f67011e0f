//! Every statement for SQL Server names the index that serves it, and that index exists.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use thermocline::resources::registry;
use thermocline::resources::resource::Resource;

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "sql")
            && path.to_string_lossy().contains("/mssql/")
        {
            found.push(path);
        }
    }
}

/// Returns the comment at the beginning of a file, in one line.
fn head(text: &str) -> String {
    let lines = text.lines().skip(1).map_while(|line| line.strip_prefix("-- "));
    lines.collect::<Vec<_>>().join(" ")
}

/// Returns the names of the indexes of the platform's tables.
fn indexes(migration: &str) -> BTreeSet<&str> {
    let after =
        |mark: &'static str| migration.split(mark).skip(1).filter_map(|rest| rest.split_whitespace().next());
    after("CREATE INDEX ").chain(after("CREATE UNIQUE INDEX ")).chain(after("CONSTRAINT ")).collect()
}

#[test]
fn every_statement_names_its_indexes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    files(&root.join("src"), &mut found);
    files(&root.join("crates"), &mut found);
    let migration = std::fs::read_to_string(root.join("migrations/hot/mssql/0001_platform.up.sql"));
    let migration = migration.expect("the migration");
    let there = indexes(&migration);
    assert!(there.contains("messages_key") && there.contains("stock_prices_day"), "{there:?}");
    let mut named = BTreeSet::new();
    let mut heads: Vec<(String, String)> = found
        .iter()
        .map(|path| {
            let text = std::fs::read_to_string(path).expect("a file");
            (path.display().to_string(), head(&text))
        })
        .collect();
    let statements = registry::RESOURCES.into_iter().flat_map(Resource::statements);
    let of_hot = statements.filter(|statement| statement.for_mssql().is_some());
    heads.extend(of_hot.map(|statement| {
        let index = statement.about().map_or("", |about| about.index);
        (statement.name.to_owned(), index.to_owned())
    }));
    assert!(heads.len() > 30, "{heads:?}");
    for (name, head) in heads {
        let says = ["seek", "Seek", "scan", "primary key", "Reads no table", "_"]
            .iter()
            .any(|word| head.contains(word));
        assert!(says, "{name}: {head}");
        for word in head.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            if ["_key", "_due", "_user1", "_user2", "_day"].iter().any(|end| word.ends_with(end)) {
                assert!(there.contains(word), "{name}: there is no {word}");
                named.insert(word.to_owned());
            }
        }
    }
    assert!(named.len() > 5, "{named:?}");
}
