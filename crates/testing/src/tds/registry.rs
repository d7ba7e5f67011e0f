//! The texts the front knows. One it does not know is an error.
//!
//! Statements are files: those under `sql/mssql/` are known, each with its twin under `sql/sqlite/`, newest first and
//! oldest first. Of those with names put in, only the program knows the text; a `Statement` carries its twin too, so
//! the engine under test tells the front of each before it is asked (`super::engine`). What arrives has to be such a
//! text to the letter. What else the program says is listed here or, generated, has its rule in `super::inserts`.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};

use thermocline::schema;
use thermocline::tier::Statement;

use super::values::{Declared, Param};

/// Directory of the workspace.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// A text the program says to SQL Server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// Done by this text on SQLite; the first is its name.
    Twin(&'static str, &'static str),
    /// A batch of a migration, done by this script on SQLite.
    Migration(&'static str),
    /// About the session itself.
    Control(Control),
}

/// What a text about the session does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    SetUp {
        snapshot: bool,
        abort: bool,
    },
    Begin,
    Commit,
    RollBack,
    /// Asks whether snapshots are allowed.
    SnapshotState,
    AllowSnapshots,
    Lock,
    Unlock,
}

/// The texts about sessions and migrations, white space apart.
const CONTROLS: [(&str, Control); 12] = [
    (
        "SET TRANSACTION ISOLATION LEVEL SNAPSHOT; SET LOCK_TIMEOUT 10000;",
        Control::SetUp { snapshot: true, abort: false },
    ),
    (
        "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SET LOCK_TIMEOUT 10000; SET XACT_ABORT ON; \
         SET DEADLOCK_PRIORITY LOW;",
        Control::SetUp { snapshot: false, abort: true },
    ),
    (
        "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SET XACT_ABORT ON; SET DEADLOCK_PRIORITY LOW;",
        Control::SetUp { snapshot: false, abort: true },
    ),
    ("BEGIN TRANSACTION", Control::Begin),
    ("COMMIT TRANSACTION", Control::Commit),
    ("COMMIT", Control::Commit),
    ("ROLLBACK", Control::RollBack),
    ("IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION", Control::RollBack),
    (
        "SELECT snapshot_isolation_state AS state FROM sys.databases WHERE name = DB_NAME()",
        Control::SnapshotState,
    ),
    ("ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON", Control::AllowSnapshots),
    (
        "DECLARE @got INT; EXEC @got = sp_getapplock @Resource = N'thermocline.migrate', @LockMode = N'Exclusive', \
         @LockOwner = N'Session', @LockTimeout = 600000; SELECT @got AS got",
        Control::Lock,
    ),
    ("EXEC sp_releaseapplock @Resource = N'thermocline.migrate', @LockOwner = N'Session'", Control::Unlock),
];

/// How NULLs are written out.
const NULLS: [&str; 4] = [
    "CAST(NULL AS NVARCHAR(MAX))",
    "CAST(NULL AS DATETIME2(6))",
    "CAST(NULL AS DATE)",
    "CAST(NULL AS DECIMAL(10, 2))",
];

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The texts of one front.
#[derive(Debug, Default)]
pub struct Registry(Mutex<HashMap<&'static str, (&'static str, &'static str)>>);

impl Registry {
    /// From now on the statement's text is known.
    pub fn note(&self, statement: &Statement) {
        let Some(text) = statement.for_mssql() else { return };
        let twin = (statement.name, statement.sqlite());
        let before = self.0.lock().expect("no panic").insert(text, twin);
        assert!(before.is_none_or(|before| before == twin), "{} has two twins", statement.name);
    }

    /// What a text means, if it is known.
    pub fn find(&self, text: &str, params: &[Param]) -> Option<Known> {
        let line = one_line(text);
        // Sent on a connection that has been idle.
        if line == "SELECT 1" {
            return Some(Known::Twin("ping", "SELECT 1 AS one"));
        }
        if let Some((name, twin)) = self.twin(text, params) {
            return Some(Known::Twin(name, twin));
        }
        if let Some(script) = MIGRATIONS.get(text) {
            return Some(Known::Migration(script));
        }
        let control = CONTROLS.iter().find(|(known, _)| *known == line);
        control.map(|(_, control)| Known::Control(*control))
    }

    /// The name and the twin of a statement.
    fn twin(&self, text: &str, params: &[Param]) -> Option<(&'static str, &'static str)> {
        let noted = self.0.lock().expect("no panic");
        let files = FILES.iter().map(|(text, (name, twin))| (text.as_str(), name.as_str(), twin.as_str()));
        let mut all = noted.iter().map(|(text, (name, twin))| (*text, *name, *twin)).chain(files);
        all.find(|(known, ..)| is_said(known, text, params)).map(|(_, name, twin)| (name, twin))
    }
}

/// Whether `text` is `known`, to the letter but for parameters that are NULL: where one would have no type on the wire,
/// the program writes it out.
fn is_said(known: &str, text: &str, params: &[Param]) -> bool {
    let mut parts = known.split("@P");
    let mut rest = parts.next().and_then(|first| text.strip_prefix(first));
    for part in parts {
        let Some(text) = rest else { return false };
        let (number, after) = part.split_at(part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len()));
        let param = number.parse::<usize>().ok().and_then(|number| params.get(number.checked_sub(1)?));
        let null =
            NULLS.iter().find_map(|null| text.strip_prefix(null)).filter(|_| param == Some(&Param::Null));
        let said = null.or_else(|| text.strip_prefix("@P")?.strip_prefix(number));
        rest = said.and_then(|rest| rest.strip_prefix(after));
    }
    rest == Some("")
}

/// The batches of the migrations for SQL Server. The first of each file is done by the whole file for SQLite, the others
/// have nothing left to do.
static MIGRATIONS: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    let folder = Path::new(ROOT).join("migrations/hot");
    let read = |path: &Path| fs::read_to_string(path).expect("a migration");
    let mut batches = HashMap::new();
    for file in files(&folder.join("mssql")) {
        let script = read(&folder.join("sqlite").join(file.file_name().expect("a file")));
        let lines = |part: &str| part.lines().flat_map(|line| [line, "\n"]).collect::<String>();
        let text = lines(&read(&file));
        let texts = text.split("\nGO\n").map(lines).filter(|batch| !batch.trim().is_empty());
        for (place, batch) in texts.enumerate() {
            batches.entry(batch).or_insert(if place == 0 { script.clone() } else { String::new() });
        }
    }
    batches
});

/// The files of a folder and of those in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The statements for SQL Server in the sources, by their texts, with their names and twins.
static FILES: LazyLock<HashMap<String, (String, String)>> = LazyLock::new(|| {
    let read =
        |path: &Path| fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut statements = HashMap::new();
    let root = Path::new(ROOT);
    for path in ["src", "crates"].into_iter().flat_map(|folder| files(&root.join(folder))) {
        let Some(name) =
            path.file_name().filter(|_| path.parent().is_some_and(|of| of.ends_with("sql/mssql")))
        else {
            continue;
        };
        let (text, twin) = (read(&path), read(&path.with_file_name("../sqlite").join(name)));
        let name = text.lines().next().and_then(|line| line.strip_prefix("-- ")).expect("a name").trim();
        for (from, to) in [("", ""), (" DESC", " ASC")] {
            statements.insert(text.replace(from, to), (name.to_owned(), twin.replace(from, to)));
        }
    }
    let families = thermocline::resources::families();
    let named = thermocline::journal::statements()
        .into_iter()
        .chain(thermocline::tier::statements().into_iter().copied())
        .chain(thermocline::archive::statements(&families))
        .chain(thermocline::export::statements())
        .chain(thermocline::cli::tier_report::statements())
        .chain(thermocline::ops::health::statements())
        .chain(thermocline::web::auth::statements());
    for statement in named.filter(|statement| statement.about().is_none_or(|about| about.tier != "cold")) {
        if let Some(text) = statement.for_mssql() {
            statements.insert(text.to_owned(), (statement.name.to_owned(), statement.sqlite().to_owned()));
        }
    }
    statements
});

/// The names of all statements for SQL Server in the sources.
pub fn names() -> BTreeSet<&'static str> {
    FILES.values().map(|(name, _)| name.as_str()).collect()
}

/// How a column of this name is declared in the answer of a statement of hot. A name that is not here has to be added
/// with its type.
pub fn declared(statement: &str, name: &str) -> Option<Declared> {
    Some(match (statement, name) {
        ("prices.due_count", "oldest") | (_, "member") => Declared::Date,
        (_, "content" | "body" | "reason" | "predicate" | "preset") => Declared::LongText,
        (_, "resource" | "mover" | "checksum" | "engine" | "name1" | "name2") => Declared::Text(200),
        // Of the catalogs.
        ("inspect.server", "version")
        | (_, "tbl" | "col" | "typ" | "coll" | "fk" | "parent" | "parent_col" | "idx" | "trg") => {
            Declared::Text(400)
        }
        (
            _,
            "nullable" | "has_default" | "is_identity" | "is_primary" | "is_unique" | "is_constraint"
            | "descends" | "cascades" | "held" | "paused" | "whole" | "snapshots" | "fires_always",
        ) => Declared::Bit,
        (
            _,
            "epoch" | "token" | "cold_newest_id" | "pair" | "n" | "late" | "weight" | "comment_count"
            | "like_count" | "version" | "nanos" | "bytes" | "place" | "first_" | "second_" | "digits"
            | "scale" | "ahead" | "rows_per_second" | "max_hot_latency_ms" | "conversation" | "user1"
            | "user2" | "unread" | "incarnation" | "bound",
        ) => Declared::BigInt,
        (_, "one" | "state" | "got") => Declared::Int,
        (_, "cold_newest_at" | "at" | "changed_at" | "oldest") => Declared::DateTime2,
        _ => {
            let columns = || schema::hot::PLATFORM.iter().flat_map(|table| table.columns);
            Declared::of(columns().find(|column| column.name == name)?.kind)
        }
    })
}
