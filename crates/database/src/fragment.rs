//! Pieces of SQL that statements are put together from.

use super::queries::numbered_for_mssql;
use super::statement::{Statement, Texts};

/// A piece of SQL with its text for each engine that has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    sqlite: Option<String>,
    postgres: Option<String>,
    /// The text of PostgreSQL, unless there is another.
    citus: Option<String>,
    mssql: Option<String>,
}

impl From<&str> for Fragment {
    /// Takes one text for every engine. Parameters are named `$1`, `$2`, …
    fn from(text: &str) -> Self {
        Self {
            sqlite: Some(text.to_owned()),
            postgres: Some(text.to_owned()),
            citus: Some(text.to_owned()),
            mssql: Some(numbered_for_mssql(text)),
        }
    }
}

impl From<String> for Fragment {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<&Statement> for Fragment {
    /// Takes the texts of a named query, without the line that names it.
    fn from(statement: &Statement) -> Self {
        let body = |text: &str| text.split_once('\n').map_or("", |(_, body)| body).to_owned();
        let Texts { sqlite, postgres, citus, mssql } = statement.texts();
        Self {
            sqlite: sqlite.map(body),
            postgres: postgres.map(body),
            citus: citus.or(postgres).map(body),
            mssql: mssql.map(body),
        }
    }
}

impl Fragment {
    /// Returns the fragment with each `{name}` replaced by `value`.
    ///
    /// # Panics
    /// When an engine's text has the name and `value` has no text for that engine.
    #[must_use]
    pub fn fill(self, name: &str, value: &Self) -> Self {
        let place = format!("{{{name}}}");
        let fill = |text: Option<String>, value: &Option<String>, engine: &str| {
            let text = text?;
            if !text.contains(&place) {
                return Some(text);
            }
            let value = value.as_ref().unwrap_or_else(|| panic!("{place} has no text for {engine}"));
            Some(text.replace(&place, value))
        };
        Self {
            sqlite: fill(self.sqlite, &value.sqlite, "SQLite"),
            postgres: fill(self.postgres, &value.postgres, "PostgreSQL"),
            citus: fill(self.citus, &value.citus, "Citus"),
            mssql: fill(self.mssql, &value.mssql, "SQL Server"),
        }
    }

    /// Returns the fragment with each name replaced by its value. A value may hold names that come later.
    #[must_use]
    pub fn fill_all(self, values: &[(&str, Self)]) -> Self {
        values.iter().fold(self, |text, (name, value)| text.fill(name, value))
    }

    /// Returns this fragment with `next` behind it, for the engines that both have a text for.
    #[must_use]
    pub fn then(self, next: &Self) -> Self {
        let join = |first: Option<String>, next: &Option<String>| Some(first? + next.as_ref()?);
        Self {
            sqlite: join(self.sqlite, &next.sqlite),
            postgres: join(self.postgres, &next.postgres),
            citus: join(self.citus, &next.citus),
            mssql: join(self.mssql, &next.mssql),
        }
    }

    /// Returns the fragment with another text for SQL Server.
    #[must_use]
    pub fn in_mssql(self, text: &str) -> Self {
        Self { mssql: Some(numbered_for_mssql(text)), ..self }
    }

    /// Returns the fragment without `end`, with which the texts of all engines end; `None` if one does not.
    #[must_use]
    pub fn strip_end(&self, end: &str) -> Option<Self> {
        let strip = |text: &Option<String>| match text {
            Some(text) => text.strip_suffix(end).map(|text| Some(text.to_owned())),
            None => Some(None),
        };
        Some(Self {
            sqlite: strip(&self.sqlite)?,
            postgres: strip(&self.postgres)?,
            citus: strip(&self.citus)?,
            mssql: strip(&self.mssql)?,
        })
    }

    /// Returns the text for SQLite, which is the text of descriptions too.
    pub(super) fn sqlite_text(self) -> String {
        self.sqlite.unwrap_or_default()
    }

    /// Returns the texts of a statement called `name`. They live as long as the program.
    pub(super) fn named(self, name: &str) -> Texts {
        let text = |text: Option<String>| text.map(|text| &*format!("-- {name}\n{text}").leak());
        let citus = self.citus.filter(|citus| self.postgres.as_ref() != Some(citus));
        Texts {
            sqlite: text(self.sqlite),
            postgres: text(self.postgres),
            citus: text(citus),
            mssql: text(self.mssql),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_filled_in_for_each_engine() {
        let template = Statement::new("-- lists.find\nSELECT {columns} FROM t WHERE {where}")
            .mssql("-- lists.find\nSELECT {columns} FROM t WHERE {where}");
        let engine = Statement::new("-- lists.where\na = {value}").mssql("-- lists.where\na = N{value}");
        let values = [
            ("columns", Fragment::from("id").then(&", $1".into())),
            ("where", Fragment::from(&engine)),
            ("value", Fragment::from("$2")),
        ];
        let bound = template.assemble("notes.find", "notes", &values);
        assert_eq!(bound.name, "notes.find");
        assert_eq!(bound.sqlite(), "-- notes.find\nSELECT id, $1 FROM t WHERE a = $2");
        assert_eq!(bound.for_mssql(), Some("-- notes.find\nSELECT id, @P1 FROM t WHERE a = N@P2"));
        assert_eq!(bound.for_postgres(), None);
    }

    #[test]
    #[should_panic(expected = "{where} has no text for PostgreSQL")]
    fn a_missing_text_is_noticed() {
        let sqlite_alone = Statement::new("-- a\n1 = 1");
        let _ = Fragment::from("{where}").fill("where", &Fragment::from(&sqlite_alone));
    }
}
