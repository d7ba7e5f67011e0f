//! The functions that run a statement on the worker with its shard, so that Citus does not plan it.

use thermocline_database::RUNS_ON;

use super::{PROFILE, Placement, sql};
use crate::tier::{Engine, TierError};

/// The body of each function.
const BODY: &str = include_str!("function.sql");

/// The table of the journal that a function of its own reads, on the coordinator: what proves a list of many shards.
const JOURNAL: &str = "archive_head";

/// A function as a database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    name: String,
    body: String,
}

/// Returns the tables that have a function, and whether the function runs on the worker with the shard.
fn tables() -> impl Iterator<Item = (&'static str, bool)> {
    PROFILE.into_iter().filter_map(|(table, placement)| match placement {
        Placement::By(_) | Placement::Beside(..) => Some((table, true)),
        Placement::Everywhere => (table == JOURNAL).then_some((table, false)),
    })
}

/// Reads the functions of a database with Citus.
pub async fn read<E: Engine + ?Sized>(engine: &E) -> Result<Vec<Found>, TierError> {
    let records = engine.fetch(sql::functions(), &[]).await?;
    records
        .iter()
        .map(|record| Ok(Found { name: record.text("name")?, body: record.text("body")? }))
        .collect()
}

/// Returns the tables whose function is missing or another one.
pub fn missing(found: &[Found]) -> Vec<&'static str> {
    let is_there = |table: &str, is_spread| {
        let (name, body) = (format!("{RUNS_ON}{table}"), body(table, is_spread));
        found.iter().any(|found| found.name == name && found.body == body)
    };
    tables().filter(|(table, is_spread)| !is_there(table, *is_spread)).map(|(table, _)| table).collect()
}

/// Sets the `search_path` that the functions keep to the schema of the tables. That of the session may contain `$user`, which is another
/// schema for each caller.
const PATH: &str = "SELECT set_config('search_path', quote_ident(current_schema()), true)";

/// Returns the statements that create the functions of tables, in a transaction.
pub fn create(of: &[&str]) -> Vec<String> {
    if of.is_empty() {
        return Vec::new();
    }
    let create = |(table, is_spread): (&str, bool)| {
        let (name, body) = (format!("{RUNS_ON}{table}"), body(table, is_spread));
        let create = format!(
            "CREATE OR REPLACE FUNCTION {name} (key bigint, name text, types text, query text, args text[])\n\
             RETURNS SETOF record LANGUAGE plpgsql\n\
             SET search_path FROM CURRENT SET plan_cache_mode = force_generic_plan\n\
             SET max_parallel_workers_per_gather = 0 SET jit = off\nAS $function${body}$function$"
        );
        let spread = is_spread.then(|| {
            format!(
                "SELECT create_distributed_function('{name}(bigint, text, text, text, text[])', 'key', colocate_with => '{table}')"
            )
        });
        std::iter::once(create).chain(spread)
    };
    let creating = tables().filter(|(table, _)| of.contains(table)).flat_map(create);
    std::iter::once(PATH.to_owned()).chain(creating).collect()
}

fn body(table: &str, is_spread: bool) -> String {
    let shard = if is_spread {
        format!("get_shard_id_for_distribution_column('{table}', key)")
    } else {
        format!("(SELECT shardid FROM pg_dist_shard WHERE logicalrelid = '{table}'::regclass)")
    };
    BODY.replace("{shard}", &shard).replace("{table}", table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_of_an_earlier_version_is_replaced() {
        let of =
            |(table, is_spread)| Found { name: format!("{RUNS_ON}{table}"), body: body(table, is_spread) };
        let mut found: Vec<Found> = tables().map(of).collect();
        assert_eq!(missing(&found), Vec::<&str>::new());
        found[0].body.push_str("-- as it was");
        assert_eq!(missing(&found), [tables().next().expect("a table").0]);
        assert_eq!(missing(&[]).len(), found.len());
        let created = create(&missing(&[]));
        assert!(
            created.iter().all(|statement| !statement.contains("{table}") && !statement.contains("{shard}"))
        );
    }
}
