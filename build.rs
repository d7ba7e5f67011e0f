//! Lists the migrations, so that a file under `migrations/` is carried in the program as soon as it is there.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

/// The folders, and what the list of each is called.
const FOLDERS: [(&str, &str); 8] = [
    ("HOT_SQLITE", "hot/sqlite"),
    ("HOT_POSTGRES", "hot/postgres"),
    ("HOT_MSSQL", "hot/mssql"),
    ("LIVE_SQLITE", "live/sqlite"),
    ("LIVE_POSTGRES", "live/postgres"),
    ("LIVE_MSSQL", "live/mssql"),
    ("COLD_SQLITE", "cold/sqlite"),
    ("COLD_POSTGRES", "cold/postgres"),
];

fn main() {
    println!("cargo::rerun-if-changed=migrations");
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo says where the package is");
    let mut list = String::new();
    for (name, folder) in FOLDERS {
        let _ = writeln!(list, "const {name}: &[Step] = &[");
        for (place, step) in steps(&Path::new(&root).join("migrations").join(folder)).iter().enumerate() {
            let version = step.split('_').next().and_then(|number| number.parse().ok());
            assert_eq!(version, Some(place + 1), "{folder}/{step}: numbers begin with 0001 and have no gaps");
            let _ = writeln!(list, "    step!({}, \"{folder}\", \"{step}\"),", place + 1);
        }
        list.push_str("];\n");
    }
    let out = env::var("OUT_DIR").expect("cargo says where to write");
    fs::write(Path::new(&out).join("migrations.rs"), list).expect("the list is written");
}

/// The names of a folder's migrations in order, each of which has both its files.
fn steps(folder: &Path) -> Vec<String> {
    let mut halves = [BTreeSet::new(), BTreeSet::new()];
    for entry in fs::read_dir(folder).expect("a folder of migrations") {
        let name = entry.expect("an entry").file_name().into_string().expect("a name in UTF-8");
        match (name.strip_suffix(".up.sql"), name.strip_suffix(".down.sql")) {
            (Some(step), _) => halves[0].insert(step.to_owned()),
            (_, Some(step)) => halves[1].insert(step.to_owned()),
            _ => panic!("{}/{name}: a migration is called NNNN_name.up.sql or .down.sql", folder.display()),
        };
    }
    let [ups, downs] = halves;
    assert_eq!(ups, downs, "{}: each migration has an .up.sql and a .down.sql", folder.display());
    ups.into_iter().collect()
}
