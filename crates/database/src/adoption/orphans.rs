//! Foreign keys that the first migration adds, and rows of the platform that break them: a platform without the key deletes a
//! post and leaves its comments. Such a key is added here, and does not check the rows that are there.

use super::platform::Platform;
use super::{Preparation, RowCounts, counted, united};
use crate::schema::Dialect;
use crate::schema::model::Model;

/// A foreign key that a platform lacks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MissingKey {
    /// Its table.
    pub table: String,
    /// The column that refers.
    pub column: String,
    /// The table that it refers to by its id.
    pub parent: String,
}

/// Returns the foreign keys that the first migration adds to a platform's tables.
pub fn missing_keys(platform: &Platform, declared: &Model) -> Vec<MissingKey> {
    let mut missing = Vec::new();
    for table in &declared.tables {
        let Some(found) = platform.tables.get(&table.name) else { continue };
        for key in &table.foreign {
            let Some(column) = key.columns.first().and_then(|name| found.column(name)) else { continue };
            let id = platform.tables.get(&key.table).and_then(|parent| parent.column("id"));
            let is_there = found
                .foreign
                .iter()
                .any(|known| known.parent == key.table && known.columns.contains(&column.name));
            if !is_there && id.is_some_and(|id| id.kind == column.kind) {
                let (table, column) = (table.name.clone(), column.name.clone());
                missing.push(MissingKey { table, column, parent: key.table.clone() });
            }
        }
    }
    missing
}

/// Returns the statement that counts the rows that break each of some keys: `tbl`, `col` and `n`.
pub fn count_orphans(dialect: Dialect, keys: &[MissingKey]) -> Option<String> {
    let one = |MissingKey { table, column, parent }: &MissingKey| {
        format!(
            "{counted} FROM {from} AS c \
             WHERE c.{refers} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {to} AS p WHERE p.{id} = c.{refers})",
            counted = counted(dialect, table, column),
            from = dialect.quoted(table),
            refers = dialect.quoted(column),
            to = dialect.quoted(parent),
            id = dialect.quoted("id"),
        )
    };
    united(keys.iter().map(one))
}

/// Adds the keys that rows break to a planned adoption. `orphans` has the number of such rows by table and column.
pub fn prepare(
    (dialect, is_babelfish): (Dialect, bool),
    keys: &[MissingKey],
    orphans: &RowCounts,
    done: &mut Preparation,
) {
    for key in keys {
        let MissingKey { table, column, parent } = key;
        let rows = orphans.get(&(table.clone(), column.clone())).copied().unwrap_or_default();
        if rows == 0 {
            continue;
        }
        let noun = if rows == 1 { "row refers" } else { "rows refer" };
        let text = format!("{rows} {noun} by {table}.{column} to {parent} that are not there");
        if is_babelfish {
            let cure = "Babelfish adds no foreign key beside them; add one without it, or remove the rows";
            done.refusals.push(format!("{text}: {cure}"));
            done.statements.clear();
            continue;
        }
        done.notes.push(format!("{text}: they stay, and the new foreign key checks later rows only"));
        if done.refusals.is_empty() {
            done.statements.push(add_unchecked(dialect, key));
        }
    }
}

/// Returns the statement that adds a key which does not check the rows that are there.
fn add_unchecked(dialect: Dialect, MissingKey { table, column, parent }: &MissingKey) -> String {
    let (check, not_valid) = match dialect {
        Dialect::Mssql => (" WITH NOCHECK", ""),
        Dialect::Sqlite | Dialect::Postgres => ("", " NOT VALID"),
    };
    format!(
        "ALTER TABLE {from}{check} ADD CONSTRAINT {name} FOREIGN KEY ({refers}) REFERENCES {to} ({id}){not_valid}",
        from = dialect.quoted(table),
        name = dialect.quoted(&format!("{table}_{column}")),
        refers = dialect.quoted(column),
        to = dialect.quoted(parent),
        id = dialect.quoted("id"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> MissingKey {
        MissingKey { table: "comments".to_owned(), column: "post_id".to_owned(), parent: "posts".to_owned() }
    }

    #[test]
    fn a_key_that_rows_break_is_added_without_checking_them() {
        let orphans = RowCounts::from([(("comments".to_owned(), "post_id".to_owned()), 24)]);
        let mut done = Preparation::default();
        prepare((Dialect::Mssql, false), &[key()], &orphans, &mut done);
        assert_eq!(
            done.statements,
            [
                "ALTER TABLE [comments] WITH NOCHECK ADD CONSTRAINT [comments_post_id] FOREIGN KEY ([post_id]) REFERENCES [posts] ([id])"
            ]
        );
        assert_eq!(done.notes.len(), 1);
        assert_eq!(
            add_unchecked(Dialect::Postgres, &key()),
            r#"ALTER TABLE "comments" ADD CONSTRAINT "comments_post_id" FOREIGN KEY ("post_id") REFERENCES "posts" ("id") NOT VALID"#
        );
        let mut refused = Preparation { statements: vec!["DROP INDEX".to_owned()], ..Preparation::default() };
        prepare((Dialect::Mssql, true), &[key()], &orphans, &mut refused);
        assert_eq!((refused.refusals.len(), refused.statements.len()), (1, 0));
        let mut whole = Preparation::default();
        prepare((Dialect::Mssql, false), &[key()], &RowCounts::new(), &mut whole);
        assert_eq!(whole, Preparation::default(), "the first migration adds the key");
    }
}
