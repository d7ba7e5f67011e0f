//! The deployment of the program: manifests, units, the image, releases.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::serve::Serving;
use crate::support::waiting::output;

const PROGRAM: &str = env!("CARGO_BIN_EXE_thermocline");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn file(name: &str) -> String {
    fs::read_to_string(root().join(name)).expect("a file of the repository")
}

/// The files below a folder with one of these extensions.
fn files(folder: &str, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
            if path.is_dir() {
                folders.push(path);
            } else if extensions.contains(&extension) {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "{folder}");
    found
}

/// Runs a script of the repository and returns what it printed.
fn script(name: &str, arguments: &[&str]) -> Result<String, String> {
    let ended = output(Command::new(root().join(name)).args(arguments).current_dir(root()));
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    eprint!("{}", said(&ended.stderr));
    if ended.status.success() { Ok(said(&ended.stdout)) } else { Err(said(&ended.stderr)) }
}

/// The names in capitals that a line of a manifest or unit sets, with their values.
fn variable(line: &str) -> Option<(&str, &str)> {
    let line = line.trim().trim_start_matches("- ");
    let line = line.strip_prefix("Environment=").unwrap_or(line);
    let (name, value) = line.split_once(": ").or_else(|| line.split_once('='))?;
    let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let is_variable = name.len() > 3 && name.chars().all(is_name) && name.contains('_');
    is_variable.then(|| (name, value.trim().trim_matches('"')))
}

/// The variables of the settings page.
fn settings() -> BTreeSet<String> {
    let page = file("docs/reference/settings.md");
    let words = page.split('`').skip(1).step_by(2);
    words.filter(|word| word.chars().all(|c| c.is_ascii_uppercase() || c == '_')).map(str::to_owned).collect()
}

#[test]
fn deployments_set_variables_that_the_program_knows() {
    let known = settings();
    assert!(known.len() > 40 && known.contains("JWT_SECRET_FILE"), "{known:?}");
    let mut set = BTreeSet::new();
    let manifests = files("deploy/k8s", &["yaml"]).into_iter().chain(files("deploy/systemd", &["service"]));
    for path in manifests {
        let text = fs::read_to_string(&path).expect("a manifest");
        for (name, _) in text.lines().filter(|line| !line.trim_start().starts_with('#')).filter_map(variable)
        {
            assert!(known.contains(name), "{}: {name} is no setting", path.display());
            set.insert(name.to_owned());
        }
    }
    assert!(set.len() > 10, "{set:?}");
    for path in COMPOSE {
        for (name, _) in composed(&file(path)) {
            assert!(known.contains(&name), "{path}: {name} is no setting");
        }
    }
}

const COMPOSE: [&str; 2] = ["docker-compose.yml", "docker-compose.postgres.yml"];

/// The variables that a compose file sets for the services of the program.
fn composed(compose: &str) -> Vec<(String, String)> {
    // Services before have variables of their own images.
    let own = compose.split_once("\n  migrate:\n").expect("the first service of the program").1;
    let own = own.split_once("\nvolumes:\n").expect("the end of the services").0;
    own.lines().filter_map(variable).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// A value of a compose file with variables of the environment, of which `set` has the ones without a default.
fn interpolated(value: &str, set: &BTreeMap<&str, &str>) -> String {
    let Some((before, rest)) = value.split_once("${") else { return value.to_owned() };
    let (expression, after) = rest.split_once('}').expect("the end of a variable");
    let (name, default) = match expression.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (expression.split_once(":?").expect("a default, or an error").0, None),
    };
    let known = set.get(name).copied().or(default);
    let known = known.unwrap_or_else(|| panic!("{name} has no value"));
    format!("{before}{known}{}", interpolated(after, set))
}

#[test]
fn the_values_of_the_compose_files_are_accepted() {
    let secret = "0123456789abcdef0123456789abcdef";
    for (path, passwords) in COMPOSE
        .iter()
        .zip([["MSSQL_APP_PASSWORD", "POSTGRES_PASSWORD"], ["HOT_POSTGRES_PASSWORD", "POSTGRES_PASSWORD"]])
    {
        let example = file(".env.example");
        let asked = |name: &str| example.lines().any(|line| line.strip_suffix('=') == Some(name));
        assert!(passwords.iter().all(|name| asked(name)), "{path}: .env.example asks for {passwords:?}");
        let mut set: BTreeMap<&str, &str> = passwords.map(|name| (name, "secret")).into();
        set.insert("JWT_SECRET", secret);
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = Command::new(PROGRAM);
        command.current_dir(folder.path()).env_clear().args(["token", "--user", "1"]);
        let variables = composed(&file(path));
        command.envs(variables.iter().map(|(name, value)| (name, interpolated(value, &set))));
        let ended = output(&mut command);
        assert!(ended.status.success(), "{path}: {ended:?}");
    }
}

/// Of the services of the program, the compose files differ in the hot database only.
#[test]
fn the_compose_files_give_the_program_the_same_settings() {
    let [on_sql_server, on_postgres] = COMPOSE.map(|path| {
        let of_hot = |name: &str| name.starts_with("MSSQL_") || name == "HOT_DATABASE_URL";
        let mut variables = composed(&file(path));
        variables.retain(|(name, _)| !of_hot(name));
        variables
    });
    assert!(on_sql_server.len() > 10, "{on_sql_server:?}");
    assert_eq!(on_sql_server, on_postgres);
}

#[test]
fn the_values_of_the_manifests_are_accepted() {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = |name: &str, value: &str| {
        let path = folder.path().join(name);
        fs::write(&path, value).expect("written");
        path.display().to_string()
    };
    let manifest = file("deploy/k8s/base/settings.yaml");
    let mut command = Command::new(PROGRAM);
    command.current_dir(folder.path()).env_clear().args(["token", "--user", "1"]);
    for (name, value) in manifest.lines().filter_map(variable) {
        // The URLs of the folder's README.
        let value = match value.strip_prefix("/run/secrets/thermocline/") {
            None => value.to_owned(),
            Some("hot-url") => secret("hot-url", "mssql://user:password@hot:1433/platform"),
            Some("cold-url") => secret(
                "cold-url",
                "postgres://thermocline:password@cold-pooler-rw:5432/thermocline?pooler=transaction",
            ),
            Some("cold-url-direct") => {
                secret("cold-url-direct", "postgres://thermocline:password@cold-rw:5432/thermocline")
            }
            Some("jwt-secret") => secret("jwt-secret", "0123456789abcdef0123456789abcdef"),
            Some(other) => panic!("no value for {other}"),
        };
        command.env(name, value);
    }
    let ended = output(&mut command);
    assert!(ended.status.success(), "{ended:?}");
    let ended = output(command.env("THERMOCLINE_ARCHIVE_SCHEDULES", "0 2 * * *"));
    assert_eq!(ended.status.code(), Some(2), "a setting that does not exist is accepted: {ended:?}");
}

#[test]
fn probes_ask_for_paths_that_are_served() {
    let mut serving = Serving::empty(&[("THERMOCLINE_OPS_ADDR", "127.0.0.1:0")]);
    serving.use_ops_address();
    let mut paths = BTreeSet::new();
    for manifest in files("deploy/k8s", &["yaml"]) {
        let text = fs::read_to_string(manifest).expect("a manifest");
        let named = text.split("path: /").skip(1).filter_map(|rest| rest.split([',', ' ', '\n']).next());
        paths.extend(named.filter(|path| !path.starts_with("spec/")).map(|path| format!("/{path}")));
    }
    assert_eq!(paths, ["/livez", "/metrics", "/readyz"].map(str::to_owned).into());
    for path in paths {
        assert!(serving.get(&path, "").starts_with("HTTP/1.1 200 "), "{path}");
    }
}

/// The keys of a YAML file that one mapping has twice. Block style only, which is how the files here are written.
fn repeated_keys(text: &str) -> Vec<String> {
    let (mut open, mut repeated): (Vec<(usize, BTreeSet<&str>)>, Vec<String>) = (Vec::new(), Vec::new());
    let mut literal: Option<usize> = None;
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')) {
        let mut indent = line.len() - line.trim_start().len();
        if literal.is_some_and(|at| indent > at) {
            continue;
        }
        literal =
            line.trim_end().ends_with(['|', '>', '-']).then_some(indent).filter(|_| line.contains(": "));
        let mut rest = line.trim_start();
        while let Some(item) = rest.strip_prefix("- ") {
            // An item begins a mapping of its own.
            open.retain(|(at, _)| *at <= indent);
            indent += 2;
            rest = item;
        }
        open.retain(|(at, _)| *at < indent || (*at == indent && !line.trim_start().starts_with("- ")));
        let Some((key, _)) =
            rest.split_once(':').filter(|(_, value)| value.is_empty() || value.starts_with(' '))
        else {
            continue;
        };
        if key.contains(['"', '\'', '{', ' ']) {
            continue;
        }
        match open.last_mut() {
            Some((at, keys)) if *at == indent => {
                if !keys.insert(key) {
                    repeated.push(line.trim().to_owned());
                }
            }
            _ => open.push((indent, BTreeSet::from([key]))),
        }
    }
    repeated
}

#[test]
fn no_file_sets_a_key_twice() {
    let twice = "a:\n  b: 1\n  # c\n  c: 2\n  b: 3\nd:\n  - b: 1\n    e: 1\n  - b: 1\n  - b: 2\n    b: 3\n";
    assert_eq!(repeated_keys(twice), ["b: 3", "b: 3"]);
    let mut paths = files("deploy", &["yaml", "yml"]);
    paths.extend(files(".github", &["yml"]));
    paths.extend(COMPOSE.map(|path| root().join(path)));
    for path in paths {
        let repeated = repeated_keys(&fs::read_to_string(&path).expect("a file"));
        assert!(repeated.is_empty(), "{}: {repeated:?}", path.display());
    }
}

#[test]
fn the_context_of_the_image_has_what_the_build_needs() {
    let ignored = file(".dockerignore");
    let sent: BTreeSet<&str> = ignored.lines().filter_map(|line| line.strip_prefix('!')).collect();
    let manifest = file("Cargo.toml");
    let mut needed: BTreeSet<String> =
        ["Cargo.toml", "Cargo.lock", "build.rs", "migrations", "README.md"].map(str::to_owned).into();
    let value = |line: &str, key: &str| -> Option<String> {
        let value = line.split_once(key)?.1.split('"').next()?;
        Some(value.to_owned()).filter(|value| value != ".")
    };
    needed.extend(manifest.lines().filter_map(|line| value(line, "path = \"")));
    // Cargo reads every target of a manifest, whichever it builds.
    let sections = manifest.split("[[bench]]").skip(1);
    let benches = sections.map(|section| section.split("\n[").next().unwrap_or_default());
    needed.extend(benches.filter_map(|bench| {
        let named = || Some(format!("benches/{}.rs", value(bench, "name = \"")?));
        value(bench, "path = \"").or_else(named)
    }));
    for source in files("src", &["rs"]).into_iter().chain(files("crates", &["rs"])) {
        let text = fs::read_to_string(&source).expect("a source file");
        // Files and folders that are put into the program.
        needed.extend(text.lines().filter_map(|line| value(line, "#[folder = \"")));
        let included = text.lines().filter_map(|line| value(line, "include_str!(\"../"));
        let folder = source.parent().expect("a folder");
        let included = included.filter_map(|path| folder.join("..").join(path).canonicalize().ok());
        needed
            .extend(included.filter_map(|path| Some(path.strip_prefix(root()).ok()?.display().to_string())));
    }
    for path in needed {
        let parents: Vec<&Path> = Path::new(&path).ancestors().collect();
        let is_sent = parents.iter().any(|parent| sent.contains(parent.to_string_lossy().as_ref()));
        assert!(root().join(&path).exists(), "{path} does not exist");
        assert!(is_sent, ".dockerignore keeps {path} from the build");
    }
}

#[test]
fn manifests_units_and_the_dockerfile_are_valid() {
    script("deploy/check", &[]).expect("everything is valid");
}

#[test]
fn the_commands_of_the_image_run_as_they_would_there() {
    script("deploy/check-image", &[PROGRAM]).expect("every command runs");
}

#[test]
fn release_notes_are_the_entry_of_the_changelog() {
    let notes = script("scripts/changelog-entry", &["v0.1.0"]).expect("an entry");
    assert!(notes.starts_with("### Added\n") && !notes.contains("\n## "), "{notes}");
    for unknown in ["0.0.9", "Unreleased", ""] {
        script("scripts/changelog-entry", &[unknown]).expect_err(unknown);
    }
}

#[test]
fn a_release_has_the_program_with_pages_completions_and_units() {
    let folder = tempfile::tempdir().expect("a folder");
    // As large as a script: packing the program itself would only take time.
    let small = folder.path().join("thermocline");
    fs::write(&small, format!("#!/bin/sh\nexec {PROGRAM} \"$@\"\n")).expect("written");
    let made = output(Command::new("chmod").arg("755").arg(&small));
    assert!(made.status.success(), "{made:?}");
    let pack = |name: &str| {
        let into = folder.path().join(name);
        let (small, into) = (small.to_string_lossy(), into.to_string_lossy());
        let archive = script("scripts/package-release", &["x86_64-unknown-linux-gnu", &small, &into]);
        PathBuf::from(archive.expect("an archive").trim())
    };
    let (one, two) = (pack("one"), pack("two"));
    assert_eq!(fs::read(&one).expect("bytes"), fs::read(two).expect("bytes"), "two packings differ");
    let listed = output(Command::new("tar").arg("--list").arg("--file").arg(&one));
    let listed = String::from_utf8(listed.stdout).expect("names");
    let name = format!("thermocline-{}-x86_64-unknown-linux-gnu", env!("CARGO_PKG_VERSION"));
    assert!(one.ends_with(format!("{name}.tar.gz")), "{}", one.display());
    for inside in [
        "thermocline",
        "LICENSE",
        "man/thermocline.1",
        "man/thermocline-archive-run.1",
        "completions/thermocline.bash",
        "completions/thermocline.powershell",
        "systemd/thermocline.service",
    ] {
        assert!(listed.lines().any(|line| line == format!("{name}/{inside}")), "{inside}: {listed}");
    }
}

#[test]
fn completions_and_pages_need_no_settings() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("thermocline.toml"), "no settings at all").expect("written");
    let run = |arguments: &[&str]| {
        let ended = output(Command::new(PROGRAM).current_dir(folder.path()).args(arguments));
        assert!(ended.status.success(), "{arguments:?}: {ended:?}");
        String::from_utf8(ended.stdout).expect("text")
    };
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(&["completions", shell]);
        assert!(script.contains("max-hot-latency"), "{shell}: {script}");
    }
    // A shell that is here reads its script.
    let bash = folder.path().join("completions.bash");
    fs::write(&bash, run(&["completions", "bash"])).expect("written");
    let read = output(Command::new("bash").arg("-n").arg(&bash));
    assert!(read.status.success(), "{read:?}");
    let page = run(&["man"]);
    assert!(page.lines().any(|line| line.starts_with(".TH thermocline 1")), "{page}");
    assert!(page.contains("HOT_DATABASE_URL"), "the settings are on the page: {page}");
}
