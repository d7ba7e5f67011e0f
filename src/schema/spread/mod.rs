//! Tables of cold that Citus spreads over workers: the profile, and the differences of a database from it.

pub mod functions;
pub mod hypertable;

use std::collections::BTreeMap;

use thermocline_database::schema::findings::{Difference, Finding};

use crate::tier::{Engine, Statement, Tier, TierError};

crate::queries! {
    /// Statements about spread tables.
    pub mod sql = "spread" { Shared: "queries.sql", Postgres: "queries.postgres.sql" }
    [functions, is_there, placements, silent_workers, workers]
}

/// Returns the statements of this module.
pub fn statements() -> Vec<Statement> {
    sql::all().into_iter().copied().chain(hypertable::statements()).collect()
}

/// The placement of the rows of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// A copy of the table on each worker.
    Everywhere,
    /// Each row on one worker, by the value of a column.
    By(&'static str),
    /// By a column, beside the rows of another table with the same value.
    Beside(&'static str, &'static str),
}

/// The placement of each table of cold. The journal is on every worker, so that the one with a row can prove the epoch.
pub const PROFILE: [(&str, Placement); 14] = [
    ("archive_head", Placement::Everywhere),
    ("archive_batches", Placement::Everywhere),
    ("archive_erasures", Placement::Everywhere),
    ("archive_adoption", Placement::Everywhere),
    ("archive_adoption_rejects", Placement::Everywhere),
    ("messages_archive", Placement::By("conversation_id")),
    ("messages_archive_blocks", Placement::Beside("scope", "messages_archive")),
    ("messages_archive_signatures", Placement::Beside("scope", "messages_archive")),
    ("posts_archive", Placement::By("original_id")),
    ("comments_archive", Placement::Beside("post_id", "posts_archive")),
    ("likes_archive", Placement::Beside("post_id", "posts_archive")),
    ("posts_archive_blocks", Placement::By("scope")),
    ("stock_prices_history", Placement::By("stock_id")),
    ("user_behavior_analytics", Placement::By("user_id")),
];

/// The indexes of lists whose rows are in many shards: of all versions, since each shard is scanned once. No name in a
/// migration ends in `_spread`.
pub const INDEXES: [(&str, &str); 2] = [
    ("posts_archive_spread", "posts_archive (created_at DESC, original_id DESC)"),
    ("posts_archive_author_spread", "posts_archive (author_id, created_at DESC, original_id DESC)"),
];

/// The numbers of shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shards {
    /// Of messages, prices and behaviour.
    pub most: i64,
    /// Of posts, all of which a list of posts asks.
    pub of_posts: i64,
}

/// Returns the statements that place tables, in one transaction, and those that remove their local rows, which are no longer
/// read: also of `placed` tables, where an earlier run ended in between. `functions` are the tables whose function is to be
/// created too.
pub fn plan(
    missing: &[(&str, Placement)],
    placed: &Placements,
    functions: &[&str],
    shards: Shards,
) -> Vec<String> {
    let local = placed.iter().filter(|(_, placed)| placed.has_local_rows);
    let emptied: Vec<String> = missing
        .iter()
        .map(|(table, _)| *table)
        .chain(local.map(|(table, _)| table.as_str()))
        .map(|table| format!("SELECT truncate_local_data_after_distributing_table('{table}')"))
        .collect();
    let functions = functions::create(functions);
    if missing.is_empty() && functions.is_empty() {
        return emptied;
    }
    let mut plan = vec![
        "BEGIN".to_owned(),
        "SET LOCAL citus.multi_shard_modify_mode = 'sequential'".to_owned(),
        "SET LOCAL client_min_messages = 'warning'".to_owned(),
    ];
    if !missing.is_empty() {
        plan.extend(INDEXES.map(|(name, columns)| format!("CREATE INDEX IF NOT EXISTS {name} ON {columns}")));
    }
    plan.extend(missing.iter().map(|(table, placement)| place(table, *placement, shards)));
    plan.extend(functions);
    plan.push("COMMIT".to_owned());
    plan.extend(emptied);
    plan
}

/// Returns the statement that places a table.
fn place(table: &str, placement: Placement, shards: Shards) -> String {
    let n = if table.starts_with("posts") { shards.of_posts } else { shards.most };
    match placement {
        Placement::Everywhere => format!("SELECT create_reference_table('{table}')"),
        Placement::By(column) => format!(
            "SELECT create_distributed_table('{table}', '{column}', colocate_with => 'none', shard_count => {n})"
        ),
        Placement::Beside(column, other) => {
            format!("SELECT create_distributed_table('{table}', '{column}', colocate_with => '{other}')")
        }
    }
}

/// The placement of a table as a database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The column; none for a table with a copy on each worker.
    column: Option<String>,
    is_reference: bool,
    /// Tables of one group have rows of one value on one worker.
    group: i64,
    /// Whether rows from before it was placed are still on the coordinator, where nothing reads them.
    has_local_rows: bool,
}

/// The placements in a database by table.
pub type Placements = BTreeMap<String, Placed>;

/// Reads the placements; `None` on a server without Citus.
pub async fn read<E: Engine + ?Sized>(engine: &E) -> Result<Option<Placements>, TierError> {
    let found = engine.fetch(sql::is_there(), &[]).await?;
    if !found.first().map_or(Ok(false), |record| record.bool("is_there"))? {
        return Ok(None);
    }
    let mut placements = Placements::new();
    for record in engine.fetch(sql::placements(), &[]).await? {
        let placed = Placed {
            column: record.text_or_null("col")?,
            is_reference: record.bool("is_reference")?,
            group: record.int("grp")?,
            has_local_rows: record.bool("has_local_rows")?,
        };
        placements.insert(record.text("tbl")?, placed);
    }
    Ok(Some(placements))
}

/// Returns the tables that are not placed yet, in the order in which they are to be placed.
///
/// # Errors
/// Names the tables that are placed in another way.
pub fn missing(placements: &Placements) -> Result<Vec<(&'static str, Placement)>, Vec<String>> {
    let (mut missing, mut wrong) = (Vec::new(), Vec::new());
    for (table, placement) in PROFILE {
        match placements.get(table) {
            None => missing.push((table, placement)),
            Some(placed) if fits(placed, placement, placements) => {}
            Some(placed) => wrong.push(format!("{table} is {}, not {}", shown(placed), meant(placement))),
        }
    }
    if wrong.is_empty() { Ok(missing) } else { Err(wrong) }
}

/// Returns the differences of a cold tier from the profiles of spread and of chunked tables.
pub async fn findings<E: Engine + ?Sized>(engine: &E, is_postgres: bool) -> Result<Vec<Finding>, TierError> {
    if engine.tier() != Tier::Cold || !is_postgres {
        return Ok(Vec::new());
    }
    let mut found = match read(engine).await? {
        Some(placements) => differences(&placements, &functions::read(engine).await?),
        None => Vec::new(),
    };
    if let Some(tables) = hypertable::read(engine).await? {
        found.extend(hypertable::differences(&tables));
    }
    Ok(found)
}

/// Returns the faults where some tables are spread and others are not, or in another way. A read of the rest would be of two
/// instants.
fn differences(placements: &Placements, functions: &[functions::Found]) -> Vec<Finding> {
    if !PROFILE.iter().any(|(table, _)| placements.contains_key(*table)) {
        return Vec::new();
    }
    let found = |table: &str, fault, text| Finding {
        what: Difference::Placement,
        table: table.to_owned(),
        fault,
        text,
    };
    let fault = |table: &str, text: String| found(table, true, text);
    match missing(placements) {
        Ok(missing) if missing.is_empty() => {
            let text = |table| {
                format!(
                    "{table} has no function of this version, so it is read more slowly: run `thermocline db distribute`"
                )
            };
            functions::missing(functions).into_iter().map(|table| found(table, false, text(table))).collect()
        }
        Ok(missing) => {
            let local =
                |table| format!("{table} is local beside spread tables: run `thermocline db distribute`");
            missing.into_iter().map(|(table, _)| fault(table, local(table))).collect()
        }
        Err(wrong) => wrong.into_iter().map(|text| fault("cold", text)).collect(),
    }
}

fn fits(placed: &Placed, placement: Placement, placements: &Placements) -> bool {
    let by = |column| placed.column.as_deref() == Some(column);
    match placement {
        Placement::Everywhere => placed.is_reference,
        Placement::By(column) => by(column),
        Placement::Beside(column, other) => {
            by(column) && placements.get(other).is_some_and(|other| other.group == placed.group)
        }
    }
}

fn shown(placed: &Placed) -> String {
    match &placed.column {
        _ if placed.is_reference => "on every worker".to_owned(),
        Some(column) => format!("spread by {column}"),
        None => "managed by Citus and local".to_owned(),
    }
}

fn meant(placement: Placement) -> String {
    match placement {
        Placement::Everywhere => "on every worker".to_owned(),
        Placement::By(column) => format!("spread by {column}"),
        Placement::Beside(column, other) => format!("spread by {column} beside {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(column: Option<&str>, group: i64) -> Placed {
        let column = column.map(str::to_owned);
        Placed { is_reference: column.is_none(), column, group, has_local_rows: false }
    }

    fn whole() -> Placements {
        let group =
            |table: &str| PROFILE.iter().position(|(name, _)| *name == table).unwrap_or_default() as i64;
        let of = |(table, placement): &(&str, Placement)| {
            let placed = match placement {
                Placement::Everywhere => placed(None, 0),
                Placement::By(column) => placed(Some(column), group(table)),
                Placement::Beside(column, other) => placed(Some(column), group(other)),
            };
            ((*table).to_owned(), placed)
        };
        PROFILE.iter().map(of).collect()
    }

    #[test]
    fn the_profile_names_every_table_of_cold() {
        let mut named = PROFILE.map(|(table, _)| table);
        let mut tables: Vec<&str> = super::super::cold::TABLES.iter().map(|table| table.name).collect();
        named.sort_unstable();
        tables.sort_unstable();
        assert_eq!(named.as_slice(), tables);
    }

    #[test]
    fn a_run_that_ended_before_the_local_rows_were_removed_is_finished() {
        let shards = Shards { most: 8, of_posts: 2 };
        let mut placements = whole();
        assert_eq!(plan(&[], &placements, &[], shards), Vec::<String>::new());
        placements.get_mut("posts_archive").expect("is placed").has_local_rows = true;
        let rest = "SELECT truncate_local_data_after_distributing_table('posts_archive')";
        assert_eq!(plan(&[], &placements, &[], shards), [rest]);
    }

    #[test]
    fn only_the_profile_fits() {
        assert_eq!(missing(&whole()), Ok(Vec::new()));
        assert_eq!(missing(&Placements::new()).map(|missing| missing.len()), Ok(PROFILE.len()));
        let mut local_journal = whole();
        local_journal.remove("archive_head");
        assert_eq!(missing(&local_journal), Ok(vec![("archive_head", Placement::Everywhere)]));
        let mut apart = whole();
        apart.insert("comments_archive".to_owned(), placed(Some("post_id"), 99));
        let text = "comments_archive is spread by post_id, not spread by post_id beside posts_archive";
        assert_eq!(missing(&apart), Err(vec![text.to_owned()]));
        let mut by_author = whole();
        by_author.insert("posts_archive".to_owned(), placed(Some("author_id"), 7));
        assert!(
            missing(&by_author)
                .is_err_and(|wrong| wrong[0].starts_with("posts_archive is spread by author_id"))
        );
    }
}
