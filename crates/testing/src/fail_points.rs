//! The steps at which a test kills the program: see `crates/database/src/fail_point.rs`.

use std::collections::BTreeSet;
use std::path::Path;

/// The variable that names the step at which the program dies.
pub const DIE_AT: &str = "THERMOCLINE_TEST_DIE_AT";

/// The steps of every move, in order.
pub const MOVE: [&str; 13] = [
    "claiming",
    "claimed",
    "locked",
    "settling",
    "settled",
    "worked-in-hot",
    "worked-in-cold",
    "journalled",
    "committed-in-cold",
    "raised",
    "committed-in-hot",
    "confirming",
    "confirmed",
];
/// The folder whose steps belong to adoptions.
const OF_ADOPTION: &str = "crates/archive/src/adopt";
/// The folder whose steps belong to migrations.
const OF_MIGRATION: &str = "crates/database/src";

/// Returns the names of the steps in the sources of the adoption.
pub fn of_adoption() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(&root().join(OF_ADOPTION), &|_| true, &mut found);
    found
}

/// Returns the names of the steps in the sources of migrations.
pub fn of_migration() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(&root().join(OF_MIGRATION), &|_| true, &mut found);
    found
}

/// Returns the names of all other steps in the sources.
pub fn of_moves() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for folder in ["src", "crates"] {
        collect(
            &root().join(folder),
            &|path| ![OF_ADOPTION, OF_MIGRATION].iter().any(|of| path.ends_with(of)),
            &mut found,
        );
    }
    found
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Adds the names of the steps in a file, or in the files of a folder that `enters` accepts.
fn collect(path: &Path, enters: &dyn Fn(&Path) -> bool, found: &mut BTreeSet<String>) {
    if path.is_dir() {
        if enters(path) {
            for entry in std::fs::read_dir(path).expect("a folder") {
                collect(&entry.expect("an entry").path(), enters, found);
            }
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        let source = std::fs::read_to_string(path).expect("a source");
        for rest in source.split("fail_point::reached(\"").skip(1) {
            found.insert(rest.split('"').next().expect("a name").to_owned());
        }
    }
}
