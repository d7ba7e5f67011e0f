//! One SQL statement with its text for each engine.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use super::fragment::Fragment;

/// One statement: its name, and its text for each engine that has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The name that logs and errors use, such as `journal.claim`.
    pub name: &'static str,
    texts: Texts,
    subject: Option<&'static str>,
    about: Option<&'static Description>,
    shards: Option<Shards>,
}

/// The shards that a statement reads, where tables are spread over workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shards {
    /// A table of the statement; its other tables are spread beside it or are on each worker.
    pub table: &'static str,
    /// Which shards of the table.
    pub which: WhichShards,
}

/// Which shards of a table a statement reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhichShards {
    /// The shard of one key: the value of this parameter, numbered from 1.
    Of(usize),
    /// No shard: every server has a copy of its tables.
    Local,
    /// Every one. The answer may be the answers of all shards one after the other, each as if there were no other shard.
    Each,
}

/// The text for each engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Texts {
    pub sqlite: Option<&'static str>,
    pub postgres: Option<&'static str>,
    /// For a PostgreSQL whose tables are spread over workers; without one it is sent the text of PostgreSQL.
    pub citus: Option<&'static str>,
    pub mssql: Option<&'static str>,
}

impl Texts {
    fn map(self, change: impl Fn(&'static str) -> &'static str) -> Self {
        let Self { sqlite, postgres, citus, mssql } = self;
        Self {
            sqlite: sqlite.map(&change),
            postgres: postgres.map(&change),
            citus: citus.map(&change),
            mssql: mssql.map(&change),
        }
    }
}

/// The documentation of a named query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Description {
    /// `hot`, `cold` or `both`.
    pub tier: &'static str,
    /// What the statement is for, as one sentence.
    pub purpose: &'static str,
    /// The parameters in order, each a name and a type, separated by commas.
    pub parameters: &'static str,
    /// The index that serves the statement.
    pub index: &'static str,
}

impl Description {
    /// Returns the description with its texts changed. The new one lives as long as the program.
    fn map(&self, change: impl Fn(&'static str) -> &'static str) -> &'static Self {
        Box::leak(Box::new(Self {
            tier: self.tier,
            purpose: change(self.purpose),
            parameters: change(self.parameters),
            index: change(self.index),
        }))
    }
}

/// The bound statements, by template and values, so that binding twice costs no memory.
static BOUND: LazyLock<Mutex<HashMap<(Texts, String), Statement>>> = LazyLock::new(Mutex::default);

impl Statement {
    /// Creates a statement from a text whose first line is `-- <name>`.
    ///
    /// # Panics
    /// When the first line is not a name.
    pub fn new(sqlite: &'static str) -> Self {
        let name = sqlite.lines().next().and_then(|line| line.strip_prefix("-- "));
        let name = name.expect("an SQL text begins with its statement's name").trim();
        let texts = Texts { sqlite: Some(sqlite), ..Texts::default() };
        Self { name, texts, subject: None, about: None, shards: None }
    }

    pub(super) const fn described(name: &'static str, texts: Texts, about: &'static Description) -> Self {
        Self { name, texts, subject: None, about: Some(about), shards: None }
    }

    /// Adds the text for PostgreSQL.
    ///
    /// # Panics
    /// When that text has another name.
    #[must_use]
    pub fn postgres(mut self, text: &'static str) -> Self {
        self.check_name(text);
        self.texts.postgres = Some(text);
        self
    }

    /// Adds the text for SQL Server.
    ///
    /// # Panics
    /// When that text has another name.
    #[must_use]
    pub fn mssql(mut self, text: &'static str) -> Self {
        self.check_name(text);
        self.texts.mssql = Some(text);
        self
    }

    /// Leaves the text for PostgreSQL out, for a statement of one kind of server that speaks SQL Server's protocol.
    #[must_use]
    pub const fn without_postgres(mut self) -> Self {
        (self.texts.postgres, self.texts.citus) = (None, None);
        self
    }

    fn check_name(&self, text: &str) {
        let name = text.lines().next().and_then(|line| line.strip_prefix("-- ")).map(str::trim);
        assert_eq!(name, Some(self.name), "the texts of one statement have one name");
    }

    /// Returns the statement with `from` replaced by `to`.
    ///
    /// The new text lives as long as the program: call this once for each statement, not once for each use.
    #[must_use]
    pub fn with(mut self, from: &str, to: &str) -> Self {
        self.texts = self.texts.map(|text| replaced(text, from, to));
        self
    }

    /// Returns the statement of `subject`, such as a table, with each `{name}` replaced by its value, in the
    /// description too.
    ///
    /// Results are kept for the life of the program, so the same binding may be asked for at every use.
    #[must_use]
    pub fn bind(&self, subject: &str, values: &[(&str, &str)]) -> Self {
        let mut key = subject.to_owned();
        for (name, value) in values {
            key.extend(["\0", name, "\0", value]);
        }
        let mut bound = BOUND.lock().unwrap_or_else(PoisonError::into_inner);
        *bound.entry((self.texts, key)).or_insert_with(|| {
            let fill = |text: &str| {
                values
                    .iter()
                    .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
            };
            let texts = self.texts.map(|text| fill(text).leak());
            let about = self.about.map(|about| about.map(|text| fill(text).leak()));
            Self { texts, subject: Some(subject.to_owned().leak()), about, ..*self }
        })
    }

    /// Returns the statement `name` of `subject`, assembled from this template: each `{name}` is replaced by its value,
    /// which may hold names that come later in `values`.
    ///
    /// The new texts live as long as the program: call this once for each statement, not once for each use.
    ///
    /// # Panics
    /// When a value has no text for an engine that needs it.
    #[must_use]
    pub fn assemble(&self, name: &str, subject: &str, values: &[(&str, Fragment)]) -> Self {
        let fill = |text: &str| Fragment::from(text).fill_all(values).sqlite_text();
        let about = self.about.map(|about| about.map(|text| fill(text).leak()));
        Self {
            name: name.to_owned().leak(),
            texts: Fragment::from(self).fill_all(values).named(name),
            subject: Some(subject.to_owned().leak()),
            about,
            shards: self.shards,
        }
    }

    pub(super) const fn texts(&self) -> Texts {
        self.texts
    }

    /// Returns the statement as one of another subject.
    #[must_use]
    pub const fn of_subject(self, subject: &'static str) -> Self {
        Self { subject: Some(subject), ..self }
    }

    /// Returns what the statement was bound to.
    pub const fn subject(&self) -> Option<&'static str> {
        self.subject
    }

    /// Returns its documentation; `None` for a statement that is no named query.
    pub const fn about(&self) -> Option<&'static Description> {
        self.about
    }

    /// Returns the text for SQLite.
    ///
    /// # Panics
    /// For a statement without one: only those of a single server lack it.
    pub const fn sqlite(&self) -> &'static str {
        self.texts.sqlite.expect("a statement of every engine has a text for SQLite")
    }

    /// Returns the text for SQLite, if the statement is ever sent to one.
    pub const fn for_sqlite(&self) -> Option<&'static str> {
        self.texts.sqlite
    }

    /// Returns the text for PostgreSQL, if the statement is ever sent to one.
    pub const fn for_postgres(&self) -> Option<&'static str> {
        self.texts.postgres
    }

    /// Returns the text for a PostgreSQL whose tables are spread over workers by Citus.
    pub fn for_citus(&self) -> Option<&'static str> {
        self.texts.citus.or(self.texts.postgres)
    }

    /// Returns whether Citus is sent another text than PostgreSQL.
    pub const fn differs_on_citus(&self) -> bool {
        self.texts.citus.is_some()
    }

    /// Returns the statement for rows of one shard: Citus is sent the text of PostgreSQL, in which the columns that say the shard
    /// lose the sign that keeps an index away. Behind it Citus would not find the shard, and would read at two instants.
    ///
    /// The new text lives as long as the program: call this once for each statement.
    #[must_use]
    pub fn of_one_shard(mut self, columns: &[&str]) -> Self {
        self.texts.citus = self.texts.postgres.and_then(|text| {
            let free =
                |text: String, column: &&str| text.replace(&format!("+{column} ="), &format!("{column} ="));
            let found = columns.iter().fold(text.to_owned(), free);
            (found != text).then(|| &*found.leak())
        });
        self
    }

    /// Returns the statement as one that reads these shards of `table` and of the tables beside it.
    #[must_use]
    pub const fn in_shards_of(self, table: &'static str, which: WhichShards) -> Self {
        Self { shards: Some(Shards { table, which }), ..self }
    }

    /// Returns the statement as one that is answered at once, however many shards it reads.
    #[must_use]
    pub const fn in_one_answer(self) -> Self {
        if self.is_in_parts() { Self { shards: None, ..self } } else { self }
    }

    /// Returns the shards that it reads; `None` if they are not known, or if it writes.
    pub const fn shards(&self) -> Option<Shards> {
        self.shards
    }

    /// Returns whether its answer may be those of all shards one after the other.
    pub const fn is_in_parts(&self) -> bool {
        matches!(self.shards, Some(Shards { which: WhichShards::Each, .. }))
    }

    /// Returns the text for SQL Server, if the statement is ever sent to one.
    pub const fn for_mssql(&self) -> Option<&'static str> {
        self.texts.mssql
    }
}

fn replaced(text: &'static str, from: &str, to: &str) -> &'static str {
    if text.contains(from) { text.replace(from, to).leak() } else { text }
}
