//! Named queries: the SQL of a module stands in a few files beside its code, and `queries!` turns every
//! query of them into a function that returns its [`Statement`].
//!
//! `queries.sql` is the catalogue of the module. Each query has a header and, where one text serves every engine, its text:
//!
//! ```sql
//! -- name: claim
//! -- tier: cold
//! -- purpose: Claims the next epoch of a resource. The holder of an older claim is fenced off.
//! -- parameters: resource text, oldest epoch int, mover text, now time
//! -- index: primary key of archive_head
//! UPDATE archive_head SET claimed = max(claimed, $2) + 1, … WHERE resource = $1 RETURNING claimed
//! ```
//!
//! A query that one engine alone is ever asked says so with `-- engine: postgres`.
//!
//! `tier` is `hot`, `cold`, `both`, or `fragment` for a piece of SQL that other queries are assembled from. A fragment has no
//! index, and texts only for the engines that use it. The parameter types are those of [`ColumnType`](crate::schema::ColumnType): `int`,
//! `text`, `time`, `date`, `price`, `bool`, and `ints` for a list of integers.
//!
//! `queries.sqlite.sql`, `queries.postgres.sql` and `queries.mssql.sql` hold texts for one engine, each under its `-- name:`
//! line, and `queries.citus.sql` those that a PostgreSQL with spread tables is sent instead. Such a text replaces the shared
//! one. An engine file may repeat `-- index:` and hold further comment lines in the header; they are notes for the reader and
//! are not sent.
//!
//! A text names its parameters `$1`, `$2`, …; for SQL Server they are rewritten to `@P1`, `@P2`, …. `{any $1}` becomes the
//! engine's comparison with a list of integers. Other names in braces are filled in by [`Statement::bind`], or by
//! [`Statement::assemble`] where the values differ between engines.

use std::collections::{BTreeMap, BTreeSet};

use super::statement::{Description, Statement, Texts};

/// The engine that a file of queries is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    /// Every engine: the catalogue, with the shared texts.
    Shared,
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// PostgreSQL whose tables are spread over workers, where its text must differ.
    Citus,
    /// SQL Server.
    Mssql,
}

/// The parsed query files of one module.
#[derive(Debug)]
pub struct QueryFile {
    statements: BTreeMap<&'static str, Statement>,
}

/// One query of one file.
#[derive(Debug, Default)]
struct Section {
    header: BTreeMap<&'static str, &'static str>,
    text: String,
}

impl QueryFile {
    /// Parses the files of a module that declares the queries `declared`.
    ///
    /// # Panics
    /// When a file and the declaration disagree, a header is incomplete, or an engine lacks a text. The files are part of the
    /// program, and a test parses all of them.
    pub fn parse(prefix: &str, files: &[(FileKind, &'static str)], declared: &[&str]) -> Self {
        let mut parsed: BTreeMap<FileKind, BTreeMap<&'static str, Section>> = BTreeMap::new();
        for (source, text) in files {
            parsed.insert(*source, sections(prefix, text));
        }
        let mut catalogue = parsed.remove(&FileKind::Shared).unwrap_or_default();
        let names: BTreeSet<&str> = catalogue.keys().copied().collect();
        let expected: BTreeSet<&str> = declared.iter().copied().collect();
        assert_eq!(names, expected, "{prefix}: the catalogue and the declaration must name the same queries");
        for (source, sections) in &parsed {
            for name in sections.keys() {
                assert!(
                    names.contains(name),
                    "{prefix}.{name}: a text for {source:?} is not in the catalogue"
                );
            }
        }
        let statements = catalogue.iter_mut().map(|(name, shared)| {
            let engine_text = |source| parsed.get(&source).and_then(|sections| sections.get(name));
            (*name, statement(prefix, name, shared, engine_text))
        });
        Self { statements: statements.collect() }
    }

    /// Returns the query `name`.
    ///
    /// # Panics
    /// For a name that was not declared to [`QueryFile::parse`].
    pub fn statement(&self, name: &str) -> Statement {
        self.statements[name]
    }
}

/// Builds the statement of one query.
fn statement<'a>(
    prefix: &str,
    name: &str,
    shared: &Section,
    engine_text: impl Fn(FileKind) -> Option<&'a Section>,
) -> Statement {
    let field = |field: &str| {
        let value = shared.header.get(field).copied();
        value.unwrap_or_else(|| panic!("{prefix}.{name}: the header has no `{field}`"))
    };
    let full: &'static str = format!("{prefix}.{name}").leak();
    let sent = |text: &str| -> &'static str { format!("-- {full}\n{}", text.trim_end()).leak() };
    let engines: &[FileKind] = match field("tier") {
        _ if shared.header.get("engine") == Some(&"postgres") => &[FileKind::Postgres],
        "cold" => &[FileKind::Sqlite, FileKind::Postgres],
        "hot" | "both" | "fragment" => &[FileKind::Sqlite, FileKind::Postgres, FileKind::Mssql],
        tier => panic!("{prefix}.{name}: no tier `{tier}`"),
    };
    let text = |source| {
        let text = match engine_text(source) {
            Some(section) => section.text.clone(),
            None if shared.text.is_empty() || !engines.contains(&source) => return None,
            None => shared.text.clone(),
        };
        Some(sent(&for_engine(source, &text)))
    };
    let texts = Texts {
        sqlite: text(FileKind::Sqlite),
        postgres: text(FileKind::Postgres),
        citus: engine_text(FileKind::Citus).map(|section| sent(&for_engine(FileKind::Citus, &section.text))),
        mssql: text(FileKind::Mssql),
    };
    let found = [
        (FileKind::Sqlite, "SQLite", texts.sqlite.is_some()),
        (FileKind::Postgres, "PostgreSQL", texts.postgres.is_some()),
        (FileKind::Mssql, "SQL Server", texts.mssql.is_some()),
    ];
    for (source, engine, present) in found {
        let needed = engines.contains(&source) && field("tier") != "fragment";
        assert!(present || !needed, "{prefix}.{name}: no text for {engine}");
    }
    let parameters = shared.header.get("parameters").copied().unwrap_or_default();
    let index = if field("tier") == "fragment" { "" } else { field("index") };
    let about = Description { tier: field("tier"), purpose: field("purpose"), parameters, index };
    Statement::described(full, texts, Box::leak(Box::new(about)))
}

/// Rewrites a text for an engine: lists of integers, and for SQL Server the names of parameters.
fn for_engine(source: FileKind, text: &str) -> String {
    let mut rest = text;
    let mut out = String::with_capacity(text.len());
    while let Some(start) = rest.find("{any ") {
        let end = rest[start..].find('}').map_or(rest.len(), |end| start + end);
        let list = &rest[start + 5..end];
        out.push_str(&rest[..start]);
        let (before, after) = match source {
            FileKind::Postgres | FileKind::Citus | FileKind::Shared => ("= ANY (", ")"),
            FileKind::Sqlite => ("IN (SELECT value FROM json_each(", "))"),
            FileKind::Mssql => ("IN (SELECT v FROM OPENJSON(", ") WITH (v BIGINT '$'))"),
        };
        out.extend([before, list, after]);
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    out.push_str(rest);
    if source == FileKind::Mssql { numbered_for_mssql(&out) } else { out }
}

/// Replaces `$1` by `@P1`. JSON paths such as `'$'` and `'$.a'` have no digit behind the sign.
pub(super) fn numbered_for_mssql(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '$' && characters.peek().is_some_and(char::is_ascii_digit) {
            out.push_str("@P");
        } else {
            out.push(character);
        }
    }
    out
}

/// Splits a file into its queries, by name.
fn sections(prefix: &str, file: &'static str) -> BTreeMap<&'static str, Section> {
    let mut sections: BTreeMap<&'static str, Section> = BTreeMap::new();
    let mut current: Option<&'static str> = None;
    for line in file.lines() {
        if let Some(name) = line.strip_prefix("-- name: ") {
            current = Some(name.trim());
            let before = sections.insert(name.trim(), Section::default());
            assert!(before.is_none(), "{prefix}.{name} appears twice in one file");
            continue;
        }
        // Lines above the first query describe the file.
        let Some(section) = current.and_then(|name| sections.get_mut(name)) else { continue };
        let in_header = section.text.is_empty();
        match line.strip_prefix("-- ") {
            Some(comment) if in_header => {
                if let Some((field, value)) = comment.split_once(": ") {
                    section.header.insert(field, value.trim());
                }
            }
            _ if in_header && line.trim().is_empty() => {}
            _ => {
                section.text.push_str(line);
                section.text.push('\n');
            }
        }
    }
    for section in sections.values_mut() {
        section.text.truncate(section.text.trim_end().len());
    }
    sections
}

/// Declares the named queries of a module: a module with one function for each query, and `all`. The files are described in
/// [`queries`](mod@crate::queries).
///
/// ```ignore
/// queries! {
///     /// Statements of the journal.
///     mod sql = "journal" { Shared: "queries.sql", Postgres: "queries.postgres.sql" }
///     [claim, release]
/// }
/// session.fetch(sql::claim(), &params)
/// ```
#[macro_export]
macro_rules! queries {
    ($(#[$meta:meta])* $vis:vis mod $module:ident = $prefix:literal { $($source:ident: $file:literal),+ $(,)? }
     [$($name:ident),+ $(,)?]) => {
        $(#[$meta])*
        $vis mod $module {
            use std::sync::LazyLock;
            use $crate::queries::{FileKind, QueryFile};
            use $crate::Statement;

            static FILE: LazyLock<QueryFile> = LazyLock::new(|| {
                QueryFile::parse(
                    $prefix,
                    &[$((FileKind::$source, include_str!($file))),+],
                    &[$(stringify!($name)),+],
                )
            });

            $(
                #[doc = concat!("Returns `", $prefix, ".", stringify!($name), "`.")]
                pub fn $name() -> &'static Statement {
                    static STATEMENT: LazyLock<Statement> =
                        LazyLock::new(|| FILE.statement(stringify!($name)));
                    &STATEMENT
                }
            )+

            /// Returns every query of the module, unbound.
            #[allow(dead_code, reason = "not every module is listed alone")]
            pub fn all() -> Vec<&'static Statement> {
                vec![$($name()),+]
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARED: &str = "-- The catalogue.\n\n-- name: one\n-- tier: both\n-- purpose: Reads one row.\n\
        -- parameters: ids ints, day date\n-- index: primary key\nSELECT a FROM {table}\nWHERE id {any $1} AND day = $2;\n\n\
        -- name: two\n-- tier: both\n-- purpose: Counts.\n-- index: none\nSELECT count(*) AS n FROM a\n";

    fn file() -> QueryFile {
        let mssql = "-- name: two\n-- A note.\nSELECT COUNT_BIG(*) AS n FROM a -- '$' stays";
        QueryFile::parse("sample", &[(FileKind::Shared, SHARED), (FileKind::Mssql, mssql)], &["one", "two"])
    }

    #[test]
    fn shared_text_is_written_for_each_engine() {
        let one = file().statement("one");
        assert_eq!(one.name, "sample.one");
        assert_eq!(
            one.sqlite(),
            "-- sample.one\nSELECT a FROM {table}\nWHERE id IN (SELECT value FROM json_each($1)) AND day = $2;"
        );
        assert_eq!(
            one.for_postgres(),
            Some("-- sample.one\nSELECT a FROM {table}\nWHERE id = ANY ($1) AND day = $2;")
        );
        assert_eq!(
            one.for_mssql(),
            Some(
                "-- sample.one\nSELECT a FROM {table}\nWHERE id IN (SELECT v FROM OPENJSON(@P1) WITH (v BIGINT '$')) AND day = @P2;"
            )
        );
    }

    #[test]
    fn engine_text_replaces_the_shared_one() {
        let two = file().statement("two");
        assert_eq!(two.for_mssql(), Some("-- sample.two\nSELECT COUNT_BIG(*) AS n FROM a -- '$' stays"));
        assert_eq!(two.sqlite(), "-- sample.two\nSELECT count(*) AS n FROM a");
        assert_eq!(two.about().map(|about| about.tier), Some("both"));
    }

    #[test]
    fn bound_names_are_filled_in_once() {
        let bound = file().statement("one").bind("users", &[("table", "users")]);
        let again = file().statement("one").bind("users", &[("table", "users")]);
        assert!(bound.sqlite().contains("FROM users\n"));
        assert_eq!(bound.subject(), Some("users"));
        assert_eq!(bound, again);
    }

    #[test]
    #[should_panic(expected = "the catalogue and the declaration must name the same queries")]
    fn undeclared_query_is_noticed() {
        QueryFile::parse("sample", &[(FileKind::Shared, SHARED)], &["one"]);
    }

    #[test]
    #[should_panic(expected = "no text for PostgreSQL")]
    fn missing_text_is_noticed() {
        let shared = "-- name: one\n-- tier: cold\n-- purpose: Reads.\n-- index: none\n";
        let sqlite = "-- name: one\nSELECT 1";
        QueryFile::parse("sample", &[(FileKind::Shared, shared), (FileKind::Sqlite, sqlite)], &["one"]);
    }
}
