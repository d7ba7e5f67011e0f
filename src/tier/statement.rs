//! The SQL the program uses: each statement is a file in `sql/<engine>/` beside the code it serves, and its first
//! line is its name.

/// One statement: its name, and its text for each engine that has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// What logs and errors call it.
    pub name: &'static str,
    sqlite: &'static str,
    postgres: Option<&'static str>,
    mssql: Option<&'static str>,
}

impl Statement {
    /// The statement in a file whose first line is `-- <name>`.
    ///
    /// # Panics
    /// At start, when the first line is not a name: the file is part of the program.
    pub fn new(sqlite: &'static str) -> Self {
        let name = sqlite.lines().next().and_then(|line| line.strip_prefix("-- "));
        let name = name.expect("an SQL file begins with its statement's name").trim();
        Self { name, sqlite, postgres: None, mssql: None }
    }

    /// The same statement with its text for PostgreSQL.
    ///
    /// # Panics
    /// At start, when that text is called otherwise.
    #[must_use]
    pub fn postgres(self, text: &'static str) -> Self {
        self.check_name(text);
        Self { postgres: Some(text), ..self }
    }

    /// The same statement, with its text for SQL Server.
    ///
    /// # Panics
    /// At start, when that text is called otherwise.
    #[must_use]
    pub fn mssql(self, text: &'static str) -> Self {
        self.check_name(text);
        Self { mssql: Some(text), ..self }
    }

    fn check_name(&self, text: &str) {
        let name = text.lines().next().and_then(|line| line.strip_prefix("-- ")).map(str::trim);
        assert_eq!(name, Some(self.name), "the texts of one statement have one name");
    }

    /// The same statement with `from` replaced by `to` in the text for SQL Server alone, where engines say a thing
    /// differently that is put together here.
    #[must_use]
    pub fn with_in_mssql(self, from: &str, to: &str) -> Self {
        Self { mssql: self.mssql.map(|text| replaced(text, from, to)), ..self }
    }

    /// The same statement with `from` replaced by `to`; one file then serves both reading orders, or several
    /// tables. Texts made so live as long as the program: call it once a statement, not once a use.
    #[must_use]
    pub fn with(self, from: &str, to: &str) -> Self {
        let replace = |text| replaced(text, from, to);
        Self {
            name: self.name,
            sqlite: replace(self.sqlite),
            postgres: self.postgres.map(replace),
            mssql: self.mssql.map(replace),
        }
    }

    /// The text for SQLite.
    pub const fn sqlite(&self) -> &'static str {
        self.sqlite
    }

    /// The text for PostgreSQL; none for a statement of the hot tier.
    pub const fn for_postgres(&self) -> Option<&'static str> {
        self.postgres
    }

    /// The text for SQL Server, if the statement is ever asked of one.
    pub const fn for_mssql(&self) -> Option<&'static str> {
        self.mssql
    }
}

fn replaced(text: &'static str, from: &str, to: &str) -> &'static str {
    if text.contains(from) { text.replace(from, to).leak() } else { text }
}

/// The statement of the hot tier in the files of this name, beside the file that says so.
macro_rules! hot_sql {
    ($name:literal) => {
        $crate::tier::Statement::new(include_str!(concat!("sql/sqlite/", $name, ".sql")))
            .mssql(include_str!(concat!("sql/mssql/", $name, ".sql")))
    };
}

/// The statement of the cold tier in the files of this name, beside the file that says so.
macro_rules! cold_sql {
    ($name:literal) => {
        $crate::tier::Statement::new(include_str!(concat!("sql/sqlite/", $name, ".sql")))
            .postgres(include_str!(concat!("sql/postgres/", $name, ".sql")))
    };
}

/// The statement of either tier in the files of this name, beside the file that says so.
macro_rules! any_sql {
    ($name:literal) => {
        $crate::tier::Statement::new(include_str!(concat!("sql/sqlite/", $name, ".sql")))
            .postgres(include_str!(concat!("sql/postgres/", $name, ".sql")))
            .mssql(include_str!(concat!("sql/mssql/", $name, ".sql")))
    };
}

pub(crate) use {any_sql, cold_sql, hot_sql};
