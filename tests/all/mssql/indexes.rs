//! Every statement for SQL Server says what serves it, and what it names is there: plans cannot be looked at without one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

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

/// The comment a file begins with, in one line.
fn head(text: &str) -> String {
    let lines = text.lines().skip(1).map_while(|line| line.strip_prefix("-- "));
    lines.collect::<Vec<_>>().join(" ")
}

/// The indexes of the platform's tables, by their own names.
fn indexes(migration: &str) -> BTreeSet<&str> {
    let after =
        |mark: &'static str| migration.split(mark).skip(1).filter_map(|rest| rest.split_whitespace().next());
    after("CREATE INDEX ").chain(after("CREATE UNIQUE INDEX ")).chain(after("CONSTRAINT ")).collect()
}

#[test]
fn every_statement_says_what_serves_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    files(&root.join("src"), &mut found);
    files(&root.join("crates"), &mut found);
    assert!(found.len() > 30, "{found:?}");
    let migration = std::fs::read_to_string(root.join("migrations/hot/mssql/0001_platform.up.sql"));
    let migration = migration.expect("the migration");
    let there = indexes(&migration);
    assert!(there.contains("messages_key") && there.contains("stock_prices_day"), "{there:?}");
    let mut named = BTreeSet::new();
    for path in found {
        let text = std::fs::read_to_string(&path).expect("a file");
        let head = head(&text);
        let says =
            ["seek", "Seek", "scan", "primary key", "Reads no table"].iter().any(|word| head.contains(word));
        assert!(says, "{}: {head}", path.display());
        for word in head.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            if ["_key", "_due", "_user1", "_user2", "_day"].iter().any(|end| word.ends_with(end)) {
                assert!(there.contains(word), "{}: there is no {word}", path.display());
                named.insert(word.to_owned());
            }
        }
    }
    assert!(named.len() > 5, "{named:?}");
}
