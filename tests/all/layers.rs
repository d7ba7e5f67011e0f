//! Rooms look at each other in one direction only. This reads the sources, because the compiler does not mind.

use std::fs;
use std::path::Path;

/// What each room of `src` may look at, besides itself. `*` stands for a noun under `resources`.
const ROOMS: [(&str, &[&str]); 16] = [
    ("main", &["cli"]),
    ("lib", &[]),
    (
        "cli",
        &[
            "server",
            "resources",
            "ops",
            "web",
            "load",
            "archive",
            "federation",
            "tier",
            "page",
            "import",
            "demo",
        ],
    ),
    ("server", &["resources", "ops", "web"]),
    ("resources", &["resources::*", "archive", "web"]),
    ("resources::*", &["archive", "federation", "tier", "web", "page"]),
    ("ops", &["web", "tier", "federation", "archive"]),
    ("web", &["federation", "tier", "page"]),
    ("load", &["archive", "import", "demo", "tier"]),
    ("archive", &["federation", "tier", "page"]),
    ("federation", &["tier", "page"]),
    ("tier", &["page"]),
    ("page", &[]),
    ("import", &[]),
    ("demo", &[]),
    // Leaves look at each other at most.
    ("config", &[]),
];
/// Rooms without a side: everybody may look at them, except for those below.
const LEAVES: [&str; 4] = ["config", "clock", "telemetry", "schema"];
/// Rooms that are pure: of the leaves they know the time alone.
const PURE: [&str; 5] = ["page", "import", "demo", "clock", "schema"];

/// The room of a file, by its place under `src`, and the modules that lead to it.
fn place(file: &str) -> (String, Vec<String>) {
    let mut modules: Vec<String> =
        file.trim_end_matches(".rs").split('/').map(str::to_owned).filter(|name| name != "mod").collect();
    if modules == ["lib"] || modules == ["main"] {
        return (modules.remove(0), Vec::new());
    }
    (room(&modules), modules)
}

fn room(modules: &[String]) -> String {
    match modules {
        [first, second, ..] if first == "resources" => format!("{first}::{second}"),
        [first, ..] => first.clone(),
        [] => "lib".to_owned(),
    }
}

/// `source` without comments, texts and characters, so that what is left is code.
fn code(source: &str) -> String {
    let mut code = String::new();
    let mut rest = source;
    while let Some(next) = rest.chars().next() {
        let raw = rest.strip_prefix('r').map(|raw| raw.chars().take_while(|c| *c == '#').count());
        let skipped = if rest.starts_with("//") {
            rest.find('\n')
        } else if rest.starts_with("/*") {
            rest.find("*/").map(|end| end + 2)
        } else if let Some(hashes) = raw
            && rest[1 + hashes..].starts_with('"')
            && !code.ends_with(|before: char| before.is_alphanumeric() || before == '_')
        {
            let end = format!("\"{}", "#".repeat(hashes));
            rest[2 + hashes..].find(&end).map(|at| 2 + hashes + at + end.len())
        } else if next == '"' {
            let escaped = rest.char_indices().skip(1).scan(false, |escaped, (at, c)| {
                let ends = c == '"' && !*escaped;
                *escaped = c == '\\' && !*escaped;
                Some((at, ends))
            });
            escaped.into_iter().find(|(_, ends)| *ends).map(|(at, _)| at + 1)
        } else if let Some(quoted) =
            ["'\"'", "'\\\"'", "'\\''", "'{'", "'}'"].iter().find(|q| rest.starts_with(**q))
        {
            Some(quoted.len())
        } else {
            code.push(next);
            Some(next.len_utf8())
        };
        rest = &rest[skipped.unwrap_or(rest.len())..];
    }
    code
}

/// The paths a `{…}` or a single path begins with, two modules each; `after` is what follows `crate::`.
fn heads(after: &str) -> Vec<Vec<String>> {
    let after = after.trim_start();
    let Some(group) = after.strip_prefix('{') else {
        let names = after.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':' || c == '*')).next();
        let names = names.unwrap_or_default().split("::").filter(|name| !name.is_empty());
        let head: Vec<String> = names.take(2).map(str::to_owned).collect();
        // `resources::{posts, …}`: the nouns stand in the braces.
        if let [only] = head.as_slice()
            && let Some(inner) = after.strip_prefix(&format!("{only}::{{"))
        {
            let inner = heads(&format!("{{{inner}"));
            return inner.into_iter().map(|path| [vec![only.clone()], path].concat()).collect();
        }
        return vec![head];
    };
    let (mut depth, mut item, mut items) = (0, String::new(), Vec::new());
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            ',' if depth == 0 => items.push(std::mem::take(&mut item)),
            _ => {
                depth += i32::from(c == '{') - i32::from(c == '}');
                item.push(c);
            }
        }
    }
    items.push(item);
    items.iter().filter(|item| !item.trim().is_empty()).flat_map(|item| heads(item)).collect()
}

/// Every module path outside itself that a file names, from the root of the crate.
fn named(source: &str, modules: &[String], is_root: bool) -> Vec<Vec<String>> {
    let code = code(source);
    let mut named = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_none_or(|c| !(c.is_alphanumeric() || c == '_' || c == '$')) {
            named.extend(heads(&code[at + "crate::".len()..]));
        }
    }
    if is_root {
        named.extend(
            code.match_indices("thermocline::").flat_map(|(at, found)| heads(&code[at + found.len()..])),
        );
    }
    // A chain of `super` may lead out of the room as well. Inside an inline module the first one leads nowhere.
    let inline = code.find("mod tests {").unwrap_or(code.len());
    for (at, _) in code.match_indices("super::") {
        if code[..at].ends_with("super::") {
            continue;
        }
        let mut after = &code[at..];
        let mut up = 0;
        while let Some(rest) = after.strip_prefix("super::") {
            (up, after) = (up + 1, rest);
        }
        let depth = modules.len() + usize::from(at > inline);
        for head in heads(after) {
            let kept = &modules[..depth.saturating_sub(up).min(modules.len())];
            named.push([kept, &head].concat());
        }
    }
    named
}

/// What a file looks at and may not.
fn violations(file: &str, source: &str) -> Vec<String> {
    let (own, modules) = place(file);
    let generic = if own.starts_with("resources::") { "resources::*" } else { &own };
    let allowed = ROOMS.iter().find(|(room, _)| *room == generic).map(|(_, allowed)| *allowed);
    let is_leaf = LEAVES.contains(&own.as_str());
    let Some(allowed) = allowed.or(is_leaf.then_some(&[])) else {
        return vec![format!("{file}: no rule says what `{own}` may look at")];
    };
    let may = |target: &[String]| {
        let room = room(target);
        let known = target.first().is_some_and(|first| ROOMS.iter().any(|(room, _)| room == first));
        if LEAVES.contains(&room.as_str()) {
            return room == own || room == "clock" || !PURE.contains(&own.as_str());
        }
        // A room that is no room: a macro or an item at the root, of which there are none.
        known
            && (room == own
                || allowed.contains(&room.as_str())
                || (room.starts_with("resources::") && allowed.contains(&"resources::*"))
                || (own == "cli" && target.first().is_some_and(|first| first == "resources")))
    };
    let root = own == "main";
    let wrong = named(source, &modules, root).into_iter().filter(|target| !may(target));
    wrong.map(|target| format!("{file}: `{own}` may not look at `{}`", target.join("::"))).collect()
}

fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_room_looks_in_one_direction_only() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    files(&src, &mut found);
    let mut wrong = Vec::new();
    for path in &found {
        let file = path.strip_prefix(&src).expect("under src").to_str().expect("a name").to_owned();
        wrong.extend(violations(&file, &fs::read_to_string(path).expect("a source")));
    }
    assert!(found.len() > 50, "the sources were not found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The checker itself: each of these is a wrong look, however it is written.
#[test]
fn a_planted_look_is_seen() {
    for (file, source, target) in [
        ("page.rs", "use crate::tier::Tier;", "tier"),
        ("page.rs", "fn f() { crate::federation::merge::cut() }", "federation"),
        ("page.rs", "use crate::schema::Kind;", "schema"),
        ("page.rs", "use super::tier::Tier;", "tier"),
        ("page.rs", "mod tests {\n    use super::super::tier::Tier;\n}", "tier"),
        ("tier/mod.rs", "use crate::web::problem::Problem;", "web"),
        ("tier/sqlite.rs", "use super::super::archive;", "archive"),
        ("federation/sql.rs", "use crate::{page::Key, resources::posts::Posts};", "resources::posts"),
        ("web/list.rs", "use crate::{\n    page::{self, Key},\n    ops,\n};", "ops"),
        ("web/list.rs", "let x = r#\"a \" quote\"#; use crate::server;", "server"),
        ("web/list.rs", "let x = \"\\\"//\"; use crate::server;", "server"),
        ("web/list.rs", "let x = '\"'; use crate::archive::Family; let y = '\"';", "archive"),
        ("resources/posts/http.rs", "use crate::resources::messages::Messages;", "resources::messages"),
        ("resources/posts/mod.rs", "use super::messages::Messages;", "resources::messages"),
        ("resources/posts/http.rs", "use super::super::messages;", "resources::messages"),
        ("resources/posts/http.rs", "use crate::resources::{posts, messages};", "resources::messages"),
        ("resources/posts/http.rs", "use crate::resources::families;", "resources::families"),
        ("resources/posts/http.rs", "pub use crate::load::Loader;", "load"),
        ("import/mod.rs", "use crate::load;", "load"),
        ("demo/mod.rs", "use crate::import::Record;", "import"),
        ("load/mod.rs", "use crate::federation::Tiers;", "federation"),
        ("archive/mod.rs", "use crate::load::Loader;", "load"),
        ("ops/health.rs", "use crate::resources;", "resources"),
        ("server.rs", "use crate::tier::Engine;", "tier"),
        ("server.rs", "use crate::*;", "*"),
        ("config.rs", "use crate::web::auth;", "web"),
        ("main.rs", "use thermocline::server;", "server"),
        ("lib.rs", "use crate::server;", "server"),
    ] {
        let found = violations(file, source);
        assert!(found.len() == 1 && found[0].contains(&format!("`{target}")), "{file}: {source}: {found:?}");
    }
    assert_eq!(violations("rumpus/mod.rs", "").len(), 1, "a room without a rule");
}

/// And these are not.
#[test]
fn what_is_no_look_is_left_alone() {
    for (file, source) in [
        (
            "page.rs",
            "// use crate::tier;\n/* crate::web */ /// [`crate::archive`]\nconst X: &str = \"crate::web\";",
        ),
        ("page.rs", "use crate::clock::Timestamp; pub(crate) fn f() {}"),
        ("page.rs", "mod tests {\n    use super::*;\n}"),
        ("tier/mod.rs", "use crate::{clock::Clock, page::Key, schema::Kind, telemetry};"),
        ("tier/sqlite.rs", "use super::{Engine, Tier}; fn f<'a>(x: &'a str) {}"),
        (
            "resources/posts/http.rs",
            "use super::comments; use crate::resources::posts::Posts; use super::super::posts;",
        ),
        ("resources/mod.rs", "pub mod posts; use crate::resources::posts; use crate::web::state::App;"),
        ("cli/demo.rs", "use crate::{demo, load, resources, server}; use crate::resources::families;"),
        ("main.rs", "thermocline::cli::run()"),
        ("web/problem.rs", "$crate::tier::x; mycrate::ops::y;"),
    ] {
        assert_eq!(violations(file, source), Vec::<String>::new(), "{file}: {source}");
    }
}
