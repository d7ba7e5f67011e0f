//! How the rows of a table are told apart: by their id, and without one by their content.

use std::collections::HashMap;

use super::nouns;
use super::row::{pick, read};
use super::{Chunk, LoadError, count, sql};
use crate::import::{Noun, Record};
use crate::schema::{Column, ColumnType};
use crate::tier::{Statement, TierError, Value};

/// The columns whose content makes two rows the same, in the order of the index that serves them. Columns that the service
/// changes are left out: whether a message was read, and the times of a conversation. Those make no row another one.
static COMPARED: [(&Noun, &[&str]); 6] = [
    (&nouns::USERS, &["username", "email"]),
    (&nouns::CONVERSATIONS, &["user1_id", "user2_id"]),
    (&nouns::MESSAGES, &["conversation_id", "created_at", "sender_id", "content"]),
    (&nouns::POSTS, &["author_id", "created_at", "title", "body"]),
    (&nouns::COMMENTS, &["post_id", "created_at", "author_id", "body"]),
    (&nouns::STOCKS, &["symbol"]),
];

/// Columns that the service changes, and that are compared only where a file states them.
static COMPARED_WHERE_STATED: [(&Noun, &[&str]); 1] = [(&nouns::MESSAGES, &["is_read"])];

/// A compared column that is filled later: NULL in a file contradicts nothing there.
const FILLED_LATER: (&str, &str) = ("conversations", "user2_id");

/// How the rows of a table are told apart, and the statements that look for them.
pub(super) struct Identity {
    noun: &'static Noun,
    compared: &'static [&'static str],
    hot_by_id: Statement,
    hot_alike: Statement,
    cold_by_id: Option<Statement>,
    cold_alike: Option<Statement>,
}

impl Identity {
    /// Returns the identity of the rows of `noun`.
    pub(super) fn of(noun: &'static Noun) -> Self {
        let table = noun.table;
        let compared =
            COMPARED.iter().find(|(known, _)| known.name == noun.name).map_or(&[][..], |(_, names)| names);
        let columns: Vec<&Column> = compared
            .iter()
            .filter_map(|name| table.columns.iter().find(|column| column.name == *name))
            .collect();
        let alike = |term: fn(&Column, usize) -> String| {
            let terms = columns.iter().zip(1..).map(|(column, n)| term(column, n));
            terms.collect::<Vec<_>>().join(" AND ")
        };
        let (sqlite, mssql) = (alike(|column, n| format!("{} IS ${n}", column.name)), alike(alike_in_mssql));
        let postgres = alike(alike_in_postgres);
        let parameters: Vec<String> = columns.iter().map(|column| column.parameter()).collect();
        let parameters = parameters.join(", ");
        let hot = [
            ("table", table.name),
            ("alike", &*sqlite),
            ("alike_postgres", &postgres),
            ("alike_mssql", &mssql),
            ("parameters", &parameters),
        ];
        let epoch = format!("${}", columns.len() + 1);
        // No compared column of a table that moves is ever NULL.
        let cold_terms = alike(|column, n| format!("{} = ${n}", column.archived));
        let cold = |archived| {
            [("table", archived), ("alike", &*cold_terms), ("epoch", &*epoch), ("parameters", &*parameters)]
        };
        Self {
            noun,
            compared,
            hot_by_id: hot_by_id(table.name, "id", &table.names()),
            hot_alike: sql::hot_alike().bind(table.name, &hot),
            cold_by_id: table.archived.map(|name| cold_by_id(name, "original_id", &table.names_in_cold())),
            cold_alike: table.archived.map(|name| sql::cold_alike().bind(name, &cold(name))),
        }
    }

    /// Returns the first compared column in which a new row contradicts the old one.
    pub(super) fn difference(&self, old: &Record, new: &Record) -> Option<&'static str> {
        let says_nothing = |column| FILLED_LATER == (self.noun.name, column) && new.is_null(column);
        self.compared
            .iter()
            .copied()
            .find(|column| old.get(column) != new.get(column) && !says_nothing(column))
    }

    /// Returns the values of columns that a record states and the service may change.
    pub(super) fn stated(&self, record: &Record) -> Vec<(&'static str, Value)> {
        let columns = COMPARED_WHERE_STATED.iter().filter(|(noun, _)| noun.name == self.noun.name);
        let columns = columns.flat_map(|(_, columns)| columns.iter().copied());
        columns
            .filter(|column| !record.is_null(column))
            .filter_map(|column| Some((column, record.get(column)?.clone())))
            .collect()
    }

    /// Returns the content that makes the row the same as another.
    pub(super) fn content(&self, row: &Record) -> Vec<Value> {
        pick(row, self.compared.iter().copied())
    }

    /// Returns the rows with these ids that are visible in either tier.
    pub(super) async fn by_id(
        &self,
        chunk: &mut Chunk<'_>,
        ids: Value,
    ) -> Result<HashMap<i64, Record>, LoadError> {
        let (hot, cold) = chunk.both(&self.hot_by_id, self.cold_by_id.as_ref(), vec![ids]).await?;
        let mut rows = HashMap::new();
        for answer in hot.iter().chain(&cold) {
            rows.insert(answer.int("id")?, read(self.noun, answer)?);
        }
        Ok(rows)
    }

    /// Counts the rows with this content that are visible in either tier.
    pub(super) async fn alike(&self, chunk: &mut Chunk<'_>, content: Vec<Value>) -> Result<i64, TierError> {
        let (hot, cold) = chunk.both(&self.hot_alike, self.cold_alike.as_ref(), content).await?;
        Ok(count(&hot)? + count(&cold)?)
    }
}

/// Compares a column with a parameter. A column that may be NULL has no index that could be searched; texts are compared byte by
/// byte, regardless of the collation of the column.
fn alike_in_postgres(column: &Column, n: usize) -> String {
    let name = if column.kind == ColumnType::Text {
        format!("{} COLLATE \"C\"", column.name)
    } else {
        column.name.to_owned()
    };
    if column.nullable { format!("{name} IS NOT DISTINCT FROM ${n}") } else { format!("{name} = ${n}") }
}

/// Compares a column with a parameter. SQL Server has no IS between values, and its `=` ignores case, width and trailing
/// spaces. Other comparisons stay plain, so that an index can be searched.
fn alike_in_mssql(column: &Column, n: usize) -> String {
    let name = column.name;
    let exact = match column.kind {
        ColumnType::Time => return format!("{name} = CAST(@P{n} AS DATETIME2(6))"),
        ColumnType::Text => format!(
            "({name} COLLATE Latin1_General_BIN2 = @P{n} COLLATE Latin1_General_BIN2 AND DATALENGTH({name}) = DATALENGTH(@P{n}))"
        ),
        ColumnType::Int if !column.nullable => return format!("{name} = @P{n}"),
        _ => format!("{name} = @P{n}"),
    };
    format!("(({name} IS NULL AND @P{n} IS NULL) OR {exact})")
}

/// Binds the statement that reads rows of hot by the values of one column.
pub(super) fn hot_by_id(table: &str, by: &str, columns: &str) -> Statement {
    sql::hot_by_id().bind(&subject(table, columns), &[("table", table), ("by", by), ("columns", columns)])
}

/// Binds the statement that reads visible rows of cold by the values of one column.
pub(super) fn cold_by_id(table: &str, by: &str, columns: &str) -> Statement {
    sql::cold_by_id().bind(&subject(table, columns), &[("table", table), ("by", by), ("columns", columns)])
}

/// Names a statement over a table; one that reads few columns names them too.
fn subject(table: &str, columns: &str) -> String {
    if columns.split(',').count() > 3 { table.to_owned() } else { format!("{table}: {columns}") }
}

/// Returns the statements of every table whose rows are compared.
pub(super) fn statements() -> Vec<Statement> {
    let identities = COMPARED.iter().map(|(noun, _)| Identity::of(noun));
    let statements = identities.flat_map(|identity| {
        let cold = [identity.cold_by_id, identity.cold_alike].into_iter().flatten();
        [identity.hot_by_id, identity.hot_alike].into_iter().chain(cold)
    });
    statements.collect()
}
