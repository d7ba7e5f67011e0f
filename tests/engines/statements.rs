//! `thermocline db statements` lists every statement the program can send, documented and complete.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::waiting::output;

const ENGINES: [&str; 3] = ["sqlite", "postgres", "mssql"];

fn statements(engine: &str) -> Vec<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_thermocline"));
    let out = output(command.args(["db", "statements", "--engine", engine, "--json"]));
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let listing: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    listing["statements"].as_array().expect("a list").clone()
}

fn text<'a>(statement: &'a Value, field: &str) -> &'a str {
    statement[field].as_str().unwrap_or_else(|| panic!("{field} of {statement}"))
}

/// Returns the numbers of the parameters that a text names as `$1` or `@P1`.
fn placeholders(sql: &str) -> BTreeSet<usize> {
    let numbers = |sign: &str| {
        let after = sql.split(sign).skip(1);
        after
            .filter_map(|rest| {
                let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
                rest[..digits].parse().ok()
            })
            .collect::<BTreeSet<usize>>()
    };
    [numbers("$"), numbers("@P"), numbers("?")].into_iter().flatten().collect()
}

#[test]
fn every_statement_is_documented() {
    for engine in ENGINES {
        let mut names = BTreeSet::new();
        for statement in statements(engine) {
            let name = text(&statement, "name");
            assert!(names.insert(name.to_owned()), "{engine}: {name} is listed twice");
            assert!(["hot", "cold", "both"].contains(&text(&statement, "tier")), "{engine}: {statement}");
            let purpose = text(&statement, "purpose");
            assert!(purpose.ends_with('.') && purpose.len() > 10, "{engine}: {name}: {purpose:?}");
            assert!(!text(&statement, "index").is_empty(), "{engine}: {name} names no index");
            assert!(!text(&statement, "sql").is_empty(), "{engine}: {name} has no text");
        }
        assert!(names.len() > 100, "{engine}: {} statements", names.len());
    }
}

#[test]
fn parameters_match_the_text() {
    for engine in ENGINES {
        for statement in statements(engine) {
            let (name, sql) = (text(&statement, "name"), text(&statement, "sql"));
            let listed = statement["parameters"].as_array().expect("a list");
            for (parameter, place) in listed.iter().zip(1..) {
                assert_eq!(parameter["place"], place, "{engine}: {name}");
                assert!(!text(parameter, "name").is_empty(), "{engine}: {name}");
                assert!(!text(parameter, "type").is_empty(), "{engine}: {name}");
            }
            // A text may leave out a parameter that the same statement of another engine needs.
            let most = placeholders(sql).last().copied().unwrap_or(0);
            assert!(most <= listed.len(), "{engine}: {name} has {} parameters:\n{sql}", listed.len());
        }
    }
}

#[test]
fn texts_are_expanded() {
    for engine in ENGINES {
        for statement in statements(engine) {
            let sql = text(&statement, "sql");
            let open = sql.match_indices('{').any(|(at, _)| {
                sql[at + 1..].starts_with(|c: char| c.is_ascii_lowercase())
                    && !sql[at + 1..].starts_with("table}''")
            });
            assert!(!open, "{engine}: {}:\n{sql}", text(&statement, "name"));
        }
    }
}

/// Returns the names of the queries that the catalogues below a folder declare for an engine.
fn declared(folder: &Path, engine: &str, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                declared(&path, engine, names);
            }
            continue;
        }
        if path.extension().is_none_or(|extension| extension != "sql") {
            continue;
        }
        let catalogue = std::fs::read_to_string(&path).expect("UTF-8");
        for query in catalogue.split("-- name: ").skip(1) {
            let name = query.lines().next().unwrap_or_default().trim();
            let tier = query.lines().find_map(|line| line.strip_prefix("-- tier: "));
            let only = query.lines().find_map(|line| line.strip_prefix("-- engine: "));
            if only.is_some_and(|only| only.trim() != engine) {
                continue;
            }
            let sent = match (engine, tier.map(str::trim)) {
                (_, Some("both" | "hot")) => true,
                (_, Some("cold")) => engine != "mssql",
                // Fragments are parts of statements.
                _ => false,
            };
            if sent {
                names.insert(name.to_owned());
            }
        }
    }
}

#[test]
fn every_query_of_every_catalogue_is_listed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for engine in ENGINES {
        let mut names = BTreeSet::new();
        declared(&root.join("src"), engine, &mut names);
        declared(&root.join("crates"), engine, &mut names);
        let listed: Vec<String> = statements(engine).iter().map(|one| text(one, "name").to_owned()).collect();
        names.retain(|name| {
            !listed.iter().any(|one| {
                let bare = one.split(" (").next().unwrap_or_default();
                let Some((_, own)) = bare.rsplit_once('.') else { return false };
                // The statements of one template, by their shapes.
                let shaped = ["newest", "before", "after", "between"].iter().any(|shape| {
                    name.strip_suffix("rows").is_some_and(|tier| own == format!("{tier}{shape}"))
                });
                own == name || shaped
            })
        });
        assert!(names.is_empty(), "{engine}: not listed: {names:?}");
    }
}

/// `scripts/check-tsql` compiles samples of the texts that migrations and statements put together and execute; a piece of such
/// a text that no sample holds would go unchecked.
#[test]
fn every_piece_of_a_dynamic_text_has_a_sample() {
    let samples = include_str!("statements/dynamic.sql");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/hot/mssql");
    let mut texts = vec![(
        "statements".to_owned(),
        statements("mssql")
            .iter()
            .map(|one| text(one, "sql").to_owned())
            .filter(|sql| sql.contains("EXEC"))
            .collect::<String>(),
    )];
    let live = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/live/mssql");
    let entries = [folder, live].map(|folder| std::fs::read_dir(folder).expect("a folder"));
    for entry in entries.into_iter().flatten() {
        let path = entry.expect("an entry").path();
        texts.push((path.display().to_string(), std::fs::read_to_string(&path).expect("UTF-8")));
    }
    for (place, text) in texts {
        for piece in literals(&text).filter(|piece| is_sql(piece)) {
            assert!(samples.contains(&piece), "{place}: no sample holds {piece:?}");
        }
    }
}

/// Returns the Unicode string literals of a T-SQL text.
fn literals(text: &str) -> impl Iterator<Item = String> {
    let code: Vec<&str> = text.lines().map(|line| line.split("-- ").next().unwrap_or_default()).collect();
    let code = code.join("\n");
    let mut literals = Vec::new();
    let mut rest = code.as_str();
    while let Some(start) = rest.find("N'") {
        let mut literal = String::new();
        let mut characters = rest[start + 2..].char_indices().peekable();
        let mut end = rest.len();
        while let Some((at, character)) = characters.next() {
            if character != '\'' {
                literal.push(character);
            } else if characters.next_if(|(_, next)| *next == '\'').is_some() {
                literal.push('\'');
            } else {
                end = start + 2 + at + 1;
                break;
            }
        }
        literals.push(literal);
        rest = &rest[end..];
    }
    literals.into_iter()
}

/// Tells pieces of statements from names, messages and declarations of parameters: their words are in capitals. Names of
/// variables do not count.
fn is_sql(piece: &str) -> bool {
    if piece.starts_with('@') {
        return false;
    }
    let words = piece.split(|c: char| !c.is_alphanumeric() && c != '@' && c != '_');
    let mut capitals = false;
    for word in words.filter(|word| !word.starts_with('@')) {
        if word.chars().any(char::is_lowercase) {
            return false;
        }
        capitals |= word.len() > 1 && word.chars().any(char::is_uppercase);
    }
    capitals
}
