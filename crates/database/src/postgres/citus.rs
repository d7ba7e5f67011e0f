//! Citus: tables of PostgreSQL that are spread over workers.
//!
//! Citus plans a statement on the coordinator and again on the worker, each time. So a statement that reads one shard is sent as a
//! call of a function, which Citus passes on to the worker that has the shard. There the function runs the text for a plain
//! PostgreSQL on the tables of the shard, as a prepared statement whose plan is kept: one statement, of one instant.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::sync::{Mutex, PoisonError};

use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::{Arguments as _, Column as _, Executor as _, Row as _, TypeInfo as _};
use thermocline_core::table::ColumnType;

use crate::statement::ShardKey;
use crate::{Statement, Value};

/// Finds out whether the server has Citus.
pub(super) const IS_THERE: &str = "SELECT to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL";

/// Finds out whether a table that unqualified names find is spread over workers.
pub(super) const IS_SPREAD: &str = "SELECT EXISTS (SELECT 1 FROM pg_dist_partition p \
    WHERE p.partmethod = 'h' AND pg_table_is_visible(p.logicalrelid))";

/// Returns whether tables of the database are spread over workers.
pub(super) async fn is_spread(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let is_there: bool = sqlx::query_scalar(IS_THERE).persistent(false).fetch_one(&mut *connection).await?;
    if !is_there {
        return Ok(false);
    }
    sqlx::query_scalar(IS_SPREAD).persistent(false).fetch_one(connection).await
}

/// Lets statements be planned for their parameters: without them Citus does not know the shard.
pub(super) const PLAN_FOR_PARAMETERS: &str = "SET plan_cache_mode = auto";

/// Prepares a new connection to spread tables.
pub(super) async fn plan_for_parameters(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    connection.execute(PLAN_FOR_PARAMETERS).await.map(drop)
}

/// The names of the functions that run statements on the worker with the shard begin like this; the name of a table follows.
pub const RUNS_ON: &str = "thermocline_run_on_";

/// Finds out whether the functions are there that run statements on the worker with the shard.
pub(super) const HAS_FUNCTIONS: &str = "SELECT to_regproc('thermocline_run_on_messages_archive') IS NOT NULL";

/// Returns whether the database has the functions.
pub(super) async fn has_functions(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(HAS_FUNCTIONS).persistent(false).fetch_one(connection).await
}

/// The errors after which a statement is sent as it is: the function or a table of the shard is not on that server, as while
/// Citus moves a shard, or the prepared statement has become another one.
const NOT_HERE: [&str; 3] = ["0A000", "42883", "42P01"];

/// Returns whether a statement of which the call failed with this code is to be sent as it is.
pub(super) fn is_not_here(code: &str) -> bool {
    NOT_HERE.contains(&code)
}

/// The calls of statements, by their text.
#[derive(Debug, Default)]
pub(super) struct Calls(Mutex<HashMap<&'static str, &'static str>>);

impl Calls {
    /// Returns the call of a statement and its arguments; `None` for one that may read several shards, or whose columns are
    /// not known yet.
    pub fn of(
        &self,
        statement: &Statement,
        params: &[Value],
    ) -> Option<Result<(&'static str, PgArguments), BoxDynError>> {
        let ShardKey { parameter, .. } = statement.shard()?;
        let text = *self.0.lock().unwrap_or_else(PoisonError::into_inner).get(statement.for_postgres()?)?;
        let key = parameter.and_then(|parameter| params.get(parameter - 1));
        Some(arguments(key, params).map(|arguments| (text, arguments)))
    }

    /// Notes the columns of a statement, as they are in a row of its answer.
    pub fn note(&self, statement: &Statement, params: &[Value], row: &PgRow) {
        let Some((shard, text)) = statement.shard().zip(statement.for_postgres()) else { return };
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        calls.entry(text).or_insert_with(|| call(statement.name, shard, text, params, row).leak());
    }
}

/// Returns the text that calls the function. The text lives as long as the program.
fn call(name: &str, ShardKey { table, .. }: ShardKey, text: &str, params: &[Value], row: &PgRow) -> String {
    let types: Vec<&str> = params.iter().map(type_of).collect();
    let types = types.join(", ");
    let columns: Vec<String> = row
        .columns()
        .iter()
        .map(|column| format!("\"{}\" {}", column.name(), column.type_info().name()))
        .collect();
    let mut hasher = DefaultHasher::new();
    (text, &types).hash(&mut hasher);
    let prepared = format!("{:016x}", hasher.finish());
    let columns = columns.join(", ");
    format!(
        "-- {name}\nSELECT * FROM {RUNS_ON}{table}($1, '{prepared}', '{types}', $statement${text}$statement$, $2) AS r ({columns})"
    )
}

/// Returns the type of a parameter.
fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null(ColumnType::Int) | Value::Int(_) => "bigint",
        Value::Null(ColumnType::Text) | Value::Text(_) => "text",
        Value::Null(ColumnType::Time) | Value::Time(_) => "timestamptz",
        Value::Null(ColumnType::Date) | Value::Date(_) => "date",
        Value::Null(ColumnType::Price) | Value::Price(_) => "numeric",
        Value::Null(ColumnType::Bool) | Value::Bool(_) => "boolean",
        Value::Null(ColumnType::Bytes) | Value::Bytes(_) => "bytea",
        Value::Ints(_) => "bigint[]",
    }
}

/// Returns the arguments of a call: what says the shard, and the parameters of the statement as texts.
fn arguments(key: Option<&Value>, params: &[Value]) -> Result<PgArguments, BoxDynError> {
    let mut arguments = PgArguments::default();
    arguments.add(key.and_then(|key| if let Value::Int(key) = key { Some(*key) } else { None }))?;
    arguments.add(params.iter().map(literal).collect::<Vec<_>>())?;
    Ok(arguments)
}

/// Returns the text form of a value, which PostgreSQL accepts with any `DateStyle`.
fn literal(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null(_) => return None,
        Value::Int(int) => int.to_string(),
        Value::Text(text) => text.to_string(),
        Value::Time(at) => at.to_string(),
        Value::Date(day) => day.format("%Y-%m-%d").to_string(),
        Value::Price(price) => price.to_string(),
        Value::Bool(bit) => bit.to_string(),
        Value::Bytes(bytes) => bytes.iter().fold("\\x".to_owned(), |text, byte| format!("{text}{byte:02x}")),
        Value::Ints(ints) => {
            format!("{{{}}}", ints.iter().map(i64::to_string).collect::<Vec<_>>().join(","))
        }
    })
}
