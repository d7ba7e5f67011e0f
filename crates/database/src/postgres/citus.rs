//! Citus: tables of PostgreSQL that are spread over workers.
//!
//! Citus plans a statement on the coordinator and again on the worker, each time. So a statement that reads one shard is sent as a
//! call of a function, which Citus passes on to the worker that has the shard. There the function runs the text for a plain
//! PostgreSQL on the tables of the shard, as a prepared statement whose plan is kept: one statement, of one instant.
//!
//! A list that reads every shard is sent as a call for each of them, at once on several connections. Each answer is of an instant of
//! its own, and has the proof of the epoch at that instant.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArguments, PgColumn, PgConnection, PgRow, PgTypeInfo};
use sqlx::{Arguments as _, Column as _, Executor as _, Row as _, SqlStr, Statement as _, TypeInfo as _};
use thermocline_core::table::ColumnType;

use super::workers::Node;
use crate::statement::{Shards, WhichShards};
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

/// Reads the shards of a table: the range of hashes of each, and its worker.
pub(super) const SHARDS: &str = "SELECT s.shardid, s.shardminvalue::int, s.shardmaxvalue::int, n.nodename, n.nodeport \
    FROM pg_dist_shard s \
    LEFT JOIN pg_dist_placement p ON p.shardid = s.shardid \
        AND p.placementid = (SELECT min(placementid) FROM pg_dist_placement WHERE shardid = s.shardid AND shardstate = 1) \
    LEFT JOIN pg_dist_node n ON n.groupid = p.groupid AND n.noderole = 'primary' \
    WHERE s.logicalrelid = to_regclass($1) ORDER BY n.nodeid, s.shardid";
/// The maximum age of the list of a table's shards, which move between workers.
const MAX_AGE: Duration = Duration::from_mins(5);
/// The values that are tried to find one that leads to a shard.
const SMALL_KEYS: RangeInclusive<i64> = 1..=256;
/// The most shards of a table that are asked one by one.
const MOST_SHARDS: usize = 8;

/// One shard of a table.
#[derive(Clone, Debug)]
pub(super) struct Shard {
    id: i64,
    /// A value that leads to it, if a small one does.
    key: Option<i64>,
    hashes: RangeInclusive<i32>,
    /// The worker that has it; `None` if Citus knows none at the moment.
    pub node: Option<Node>,
}

/// The shards of a table.
#[derive(Clone, Debug)]
struct Known {
    shards: Arc<[Shard]>,
    /// When they were read.
    read: Instant,
}

/// A row of [`SHARDS`].
type Row = (i64, i32, i32, Option<String>, Option<i32>);

/// The calls of a statement.
#[derive(Clone, Debug)]
pub(super) enum Call {
    /// One call, with the value that says the shard, and the worker that has it.
    One(&'static str, Option<i64>, Option<Node>),
    /// A call for each shard. Those of one worker are neighbours.
    Each(&'static str, Arc<[Shard]>),
}

/// A cache of what calls are made from.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// The texts of calls, by the texts of their statements.
    texts: Mutex<HashMap<&'static str, &'static str>>,
    /// The shards of tables, by name.
    shards: Mutex<HashMap<&'static str, Known>>,
}

impl Calls {
    /// Returns the call of a statement; `None` for one that is to be sent as it is. The worker is only looked up to be `direct`.
    pub async fn of(
        &self,
        statement: &Statement,
        params: &[Value],
        direct: bool,
        connection: &mut PgConnection,
    ) -> Result<Option<Call>, sqlx::Error> {
        let Some((shards, text)) = statement.shards().zip(statement.for_postgres()) else { return Ok(None) };
        let text = self.text(statement.name, shards, text, params, connection).await?;
        let key = match shards.which {
            WhichShards::Local => None,
            WhichShards::Of(parameter) => params.get(parameter - 1).and_then(int),
            WhichShards::Each => {
                let all = self.shards(shards.table, connection).await?;
                let few = all.len() <= MOST_SHARDS && all.iter().all(|shard| shard.key.is_some());
                return Ok((few && !all.is_empty()).then_some(Call::Each(text, all)));
            }
        };
        let node = match key.filter(|_| direct) {
            Some(key) => {
                let hash = hash(key);
                let all = self.shards(shards.table, connection).await?;
                all.iter().find(|shard| shard.hashes.contains(&hash)).and_then(|shard| shard.node.clone())
            }
            None => None,
        };
        Ok(Some(Call::One(text, key, node)))
    }

    /// Returns the text that calls the function with a statement. The first time the server describes the answer.
    async fn text(
        &self,
        name: &str,
        shards: Shards,
        text: &'static str,
        params: &[Value],
        connection: &mut PgConnection,
    ) -> Result<&'static str, sqlx::Error> {
        if let Some(text) = self.texts.lock().unwrap_or_else(PoisonError::into_inner).get(text) {
            return Ok(text);
        }
        let types: Vec<PgTypeInfo> =
            params.iter().map(|value| PgTypeInfo::with_oid(type_of(value).1)).collect();
        let described = connection.prepare_with(SqlStr::from_static(text), &types).await?;
        let call = call(name, shards, text, params, described.columns());
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(texts.entry(text).or_insert_with(|| call.leak()))
    }

    async fn shards(
        &self,
        table: &'static str,
        connection: &mut PgConnection,
    ) -> Result<Arc<[Shard]>, sqlx::Error> {
        let known = self.shards.lock().unwrap_or_else(PoisonError::into_inner).get(table).cloned();
        if let Some(known) = known.filter(|known| known.read.elapsed() < MAX_AGE) {
            return Ok(known.shards);
        }
        let found: Vec<Row> =
            sqlx::query_as(SHARDS).bind(table).persistent(false).fetch_all(connection).await?;
        let shard = |(id, first, last, host, port): Row| {
            let hashes = first..=last;
            let key = SMALL_KEYS.into_iter().find(|key| hashes.contains(&hash(*key)));
            let port = port.and_then(|port| u16::try_from(port).ok());
            let node = host.zip(port).map(|(host, port)| Node { host, port });
            Shard { id, key, hashes, node }
        };
        let shards: Arc<[Shard]> = found.into_iter().map(shard).collect();
        let known = Known { shards: Arc::clone(&shards), read: Instant::now() };
        self.shards.lock().unwrap_or_else(PoisonError::into_inner).insert(table, known);
        Ok(shards)
    }

    /// Forgets the shards of the table that a statement reads: there may be others now.
    pub fn forget_shards(&self, statement: &Statement) {
        if let Some(Shards { table, .. }) = statement.shards() {
            self.shards.lock().unwrap_or_else(PoisonError::into_inner).remove(table);
        }
    }
}

/// The column with the shard that a part of an answer is from.
const SHARD: &str = "shard";

impl Shard {
    /// Returns the arguments of a call for this shard.
    pub fn arguments(&self, params: &[Value]) -> Result<PgArguments, sqlx::Error> {
        arguments(self.key, params)
    }

    /// Returns whether rows are of this shard. If the table was spread anew, the value leads to another one. Each part has rows,
    /// those of the proof.
    pub fn has(&self, rows: &[PgRow]) -> bool {
        let Some(Ok(shard)) = rows.first().map(|row| row.try_get::<&str, _>(SHARD)) else { return false };
        shard.rsplit('_').next().and_then(|id| id.parse().ok()) == Some(self.id)
    }
}

/// An answer of some shards; `None` if the table has other shards now.
type Part = Result<Option<Vec<PgRow>>, sqlx::Error>;

/// Returns the rows of all parts; `None` if one is missing.
pub(super) fn joined(parts: Vec<Part>) -> Part {
    let parts =
        parts.into_iter().map(Result::transpose).collect::<Option<Result<Vec<_>, _>>>().transpose()?;
    Ok(parts.map(|parts| parts.into_iter().flatten().collect()))
}

/// Returns the text that calls the function.
fn call(
    name: &str,
    Shards { table, which }: Shards,
    text: &str,
    params: &[Value],
    columns: &[PgColumn],
) -> String {
    let types: Vec<&str> = params.iter().map(|value| type_of(value).0).collect();
    let types = types.join(", ");
    let mut columns: Vec<String> =
        columns.iter().map(|column| format!("\"{}\" {}", column.name(), column.type_info().name())).collect();
    let mut text = text.to_owned();
    if which == WhichShards::Each {
        // The function puts the shard in the place of the table's name.
        text = format!("SELECT '{table}' AS {SHARD}, part.* FROM (\n{text}\n) part");
        columns.insert(0, format!("{SHARD} text"));
    }
    let mut hasher = DefaultHasher::new();
    (&text, &types).hash(&mut hasher);
    let prepared = format!("{:016x}", hasher.finish());
    let columns = columns.join(", ");
    format!(
        "-- {name}\nSELECT * FROM {RUNS_ON}{table}($1, '{prepared}', '{types}', $statement${text}$statement$, $2) AS r ({columns})"
    )
}

/// Returns the type of a parameter: its name, and its object id, which never changes.
fn type_of(value: &Value) -> (&'static str, Oid) {
    let (name, id) = match value {
        Value::Null(ColumnType::Int) | Value::Int(_) => ("bigint", 20),
        Value::Null(ColumnType::Text) | Value::Text(_) => ("text", 25),
        Value::Null(ColumnType::Time) | Value::Time(_) => ("timestamptz", 1184),
        Value::Null(ColumnType::Date) | Value::Date(_) => ("date", 1082),
        Value::Null(ColumnType::Price) | Value::Price(_) => ("numeric", 1700),
        Value::Null(ColumnType::Bool) | Value::Bool(_) => ("boolean", 16),
        Value::Null(ColumnType::Bytes) | Value::Bytes(_) => ("bytea", 17),
        Value::Ints(_) => ("bigint[]", 1016),
    };
    (name, Oid(id))
}

/// Returns the arguments of a call: what says the shard, and the parameters of the statement as texts.
pub(super) fn arguments(key: Option<i64>, params: &[Value]) -> Result<PgArguments, sqlx::Error> {
    let mut arguments = PgArguments::default();
    arguments.add(key).map_err(sqlx::Error::Encode)?;
    arguments.add(params.iter().map(literal).collect::<Vec<_>>()).map_err(sqlx::Error::Encode)?;
    Ok(arguments)
}

fn int(value: &Value) -> Option<i64> {
    if let Value::Int(int) = value { Some(*int) } else { None }
}

/// Returns PostgreSQL's hash of an integer, `hashint8`, by which Citus chooses the shard. Indexes are built with it, so that it never
/// changes. The mixing is the last step of Bob Jenkins' `lookup3`.
fn hash(key: i64) -> i32 {
    let low = key as u32;
    let high = (key >> 32) as u32;
    let word = low ^ if key >= 0 { high } else { !high };
    let start = 0x9e37_79b9_u32.wrapping_add(4).wrapping_add(3_923_095);
    let (mut a, mut b, mut c) = (start.wrapping_add(word), start, start);
    let mix = |into: &mut u32, with: u32, bits| *into = (*into ^ with).wrapping_sub(with.rotate_left(bits));
    mix(&mut c, b, 14);
    mix(&mut a, c, 11);
    mix(&mut b, a, 25);
    mix(&mut c, b, 16);
    mix(&mut a, c, 4);
    mix(&mut b, a, 14);
    mix(&mut c, b, 24);
    c as i32
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The values are those of `SELECT hashint8(…)` of a server.
    #[test]
    fn hashes_are_those_of_the_server() {
        let hashes = [
            (0, -272_711_505),
            (1, -1_905_060_026),
            (7, -978_793_473),
            (-1, 385_747_274),
            (42, 1_509_752_520),
            (4_294_967_296, -1_905_060_026),
            (-4_294_967_297, -1_242_090_879),
            (i64::MAX, -1_524_351_049),
            (i64::MIN, -96_758_253),
        ];
        for (key, expected) in hashes {
            assert_eq!(hash(key), expected, "{key}");
        }
    }
}
