//! The documentation: its links lead somewhere, and its reference pages name everything there is.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use thermocline::web::problem::KINDS;

use crate::support::waiting::output;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page(name: &str) -> String {
    fs::read_to_string(root().join(name)).expect("a page of the documentation")
}

/// Every Markdown page of the repository: those at the top and those under `docs/` and `deploy/`.
fn pages() -> Vec<PathBuf> {
    fn walk(folder: &Path, deep: bool, pages: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && deep {
                walk(&path, deep, pages);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    let mut pages = Vec::new();
    walk(root(), false, &mut pages);
    walk(&root().join("docs"), true, &mut pages);
    walk(&root().join("deploy"), true, &mut pages);
    pages
}

/// The lines of a page that are not inside a code block.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        !code && !fence
    })
}

/// The anchors of a page's headings, as code hosts make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).filter_map(|line| line.strip_prefix('#'));
    let anchor = |heading: &str| -> String {
        let title = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

/// The targets of the links `[…](target)` on a line.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

#[test]
fn every_relative_link_leads_to_a_file_and_a_heading() {
    let mut broken = Vec::new();
    for file in pages() {
        let text = fs::read_to_string(&file).expect("a page");
        for target in prose(&text).flat_map(links).filter(|target| !target.contains("://")) {
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let to = if path.is_empty() { file.clone() } else { file.parent().expect("a folder").join(path) };
            let found = to.exists()
                && (anchor.is_empty()
                    || anchors(&fs::read_to_string(&to).unwrap_or_default()).contains(anchor));
            if !found {
                broken.push(format!("{}: {target}", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
}

/// The texts in backticks on a line.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

#[test]
fn every_path_of_the_repository_that_is_named_exists() {
    const FOLDERS: [&str; 9] =
        ["src/", "crates/", "tests/", "docs/", "migrations/", "scripts/", "clients/", "deploy/", "benches/"];
    // What the walks through a migration and a resource add.
    const EXAMPLES: [&str; 2] = ["migrations/hot/sqlite/0004_user_phone.up.sql", "src/resources/notes/"];
    let mut absent = Vec::new();
    for file in pages().into_iter().filter(|file| !file.ends_with("CHANGELOG.md")) {
        let text = fs::read_to_string(&file).expect("a page");
        let paths =
            prose(&text).flat_map(quoted).filter(|word| FOLDERS.iter().any(|at| word.starts_with(at)));
        for path in
            paths.filter(|path| !path.contains(['*', '<', '{', ' ', '…', ':']) && !path.contains("NNNN"))
        {
            if !EXAMPLES.contains(&path) && !root().join(path).exists() {
                absent.push(format!("{}: {path}", file.display()));
            }
        }
    }
    assert!(absent.is_empty(), "paths that do not exist:\n{}", absent.join("\n"));
}

#[test]
fn every_problem_type_is_documented_with_its_status() {
    let page = page("docs/reference/errors.md");
    for kind in KINDS {
        let row = format!("| [`{name}`](#{name}) | {} |", kind.status.as_u16(), name = kind.name);
        assert!(page.contains(&row), "docs/reference/errors.md: no row {row}");
        assert!(page.contains(&format!("\n### {}\n", kind.name)), "docs/reference/errors.md: {}", kind.name);
    }
}

/// The help of a command: the commands below it and its own options.
fn help(command: &[&str]) -> (Vec<String>, Vec<String>) {
    let help = output(Command::new(env!("CARGO_BIN_EXE_thermocline")).args(command).arg("--help"));
    let text = String::from_utf8(help.stdout).expect("UTF-8");
    let (mut commands, mut options, mut in_commands) = (Vec::new(), Vec::new(), false);
    for line in text.lines() {
        if !line.starts_with(' ') {
            in_commands = line == "Commands:";
        }
        let indent = line.len() - line.trim_start().len();
        let word = line.split_whitespace().next().unwrap_or("");
        if in_commands && indent == 2 && word != "help" {
            commands.push(word.to_owned());
        }
        let long = line.split_whitespace().take(2).find(|word| word.starts_with("--"));
        if let Some(option) = long.filter(|_| (2..=6).contains(&indent)) {
            options.push(option.trim_end_matches([',', '.']).to_owned());
        }
    }
    (commands, options)
}

#[test]
fn every_command_and_option_is_documented() {
    let page = page("docs/reference/command-line.md");
    let mut missing = Vec::new();
    let mut waiting: Vec<Vec<String>> = vec![Vec::new()];
    while let Some(command) = waiting.pop() {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let (commands, options) = help(&words);
        let name = command.join(" ");
        if commands.is_empty() && !page.contains(&format!("`{name}")) {
            missing.push(name.clone());
        }
        for option in options.iter().filter(|option| !["--help", "--version"].contains(&option.as_str())) {
            if !page.contains(option.as_str()) {
                missing.push(format!("{name} {option}"));
            }
        }
        for below in commands {
            waiting.push(command.iter().cloned().chain([below]).collect());
        }
    }
    assert!(missing.is_empty(), "docs/reference/command-line.md does not name: {}", missing.join(", "));
}

#[test]
fn the_walk_through_a_resource_shows_the_code_that_is_compiled() {
    let page = page("docs/adding-a-resource.md");
    // A comment before each block names its file.
    let blocks: Vec<(&str, &str)> = page
        .split("\n<!-- ")
        .skip(1)
        .map(|part| {
            let (file, rest) = part.split_once(" -->\n```").expect("a block after the name of its file");
            let (_, code) = rest.split_once('\n').expect("a language");
            (file, code.split_once("```\n").expect("the end of the block").0)
        })
        .collect();
    assert!(blocks.len() >= 7, "{} blocks", blocks.len());
    for (file, code) in blocks {
        let compiled = fs::read_to_string(root().join(file)).expect("the file of a block");
        assert!(compiled.contains(code), "docs/adding-a-resource.md shows {file} as it is not:\n{code}");
    }
}
