//! The statements of this module.

use crate::model::{Action, Family, Moved};
use thermocline_database::{Record, Statement, TierError};

thermocline_database::queries! {
    /// Statements of verify, vacuum and status.
    pub(super) mod sql = "maintenance" {
        Shared: "queries.sql",
        Sqlite: "queries.sqlite.sql",
        Postgres: "queries.postgres.sql",
        Mssql: "queries.mssql.sql",
    }
    [
        analyze, block_before, block_deltas, block_leaves, block_page, block_signature, closed, closing_epochs, count_closed,
        count_cold, count_hot, count_moved, count_closed_by, count_foldable_actions, count_foldable_deltas, count_unsigned_blocks,
        counted_actions, drop_folded_actions, drop_folded_deltas, drop_left_signatures, erased_rows, fold_actions, fold_deltas,
        foldable_scopes, in_cold, in_hot, miscounted_actions, next_users, rejects, remove_closed, unaccounted_actions,
        unaccounted_rows, unbounded_levels, unsigned_blocks,
    ]
}

/// The table of user activity.
pub(super) const ACTIVITY: &str = "user_behavior_analytics";

/// Returns the statement that refreshes the planner's statistics of a table.
pub(super) fn analyze(table: &str) -> Statement {
    sql::analyze().bind(table, &[("table", table)])
}

/// Returns the statement that compares the counts of an action with the rows of its table. Rows without a time count on
/// the day of the row they belong to, in the version that was visible when they came.
pub(super) fn miscounted_actions(family: &Family, moved: &Moved, action: &Action) -> Statement {
    let (table, columns) = (moved.archived, moved.table.columns);
    let (rows, day) = if let Some(at) = action.at {
        (format!("{table} t"), format!("t.{}", columns[at].archived))
    } else {
        let (owners, owner) = (family.own().archived, columns[moved.owner].archived);
        let rows = format!(
            "{table} t JOIN {owners} d ON d.original_id = t.{owner} AND d.from_epoch <= t.from_epoch \
             AND (d.to_epoch IS NULL OR d.to_epoch > t.from_epoch)"
        );
        (rows, "d.created_at".to_owned())
    };
    let user = columns[action.user].archived;
    sql::miscounted_actions().bind(table, &[("rows", &rows), ("user", user), ("day", &day)])
}

/// Returns the tables that must not hold erased rows: the noun of the ids, the table and the position of its column of ids.
/// Likes have no ids: a user may give them again.
pub(super) fn erasable(family: &Family) -> impl Iterator<Item = (&'static str, &Moved, usize)> {
    let children = family.tables.iter().filter(|moved| moved.has_ids() && moved.table != family.own().table);
    let children = children.map(|moved| (family.noun(moved), moved, 0));
    children.chain(family.tables.iter().map(|moved| (family.resource, moved, moved.owner)))
}

/// Returns the integer in the first record, or 0 without any.
pub(super) fn first_int(records: &[Record], column: &str) -> Result<i64, TierError> {
    records.first().map_or(Ok(0), |record| record.int(column))
}

/// Returns every statement of this module as it is sent for these families.
pub fn statements(families: &[&Family]) -> Vec<Statement> {
    let has = |statement: &Statement, name: &str| statement.sqlite().contains(name);
    let mut all = vec![analyze(ACTIVITY)];
    for template in sql::all() {
        if !has(template, "{") {
            all.push(*template);
        } else if has(template, "{blocks}") {
            let blocks = families.iter().filter_map(|family| family.blocks.as_ref());
            all.extend(blocks.flat_map(|blocks| blocks.all(vec![template])));
        } else if !has(template, "{rows}") {
            all.extend(families.iter().flat_map(|family| &family.tables).map(|moved| moved.sql(template)));
        }
    }
    for family in families {
        all.extend(family.counted().map(analyze));
        let by_id = erasable(family).filter(|(_, moved, ids)| *ids != moved.owner);
        all.extend(by_id.map(|(_, moved, ids)| moved.sql_by(sql::erased_rows(), ids)));
        let actions = family.tables.iter().filter_map(|moved| Some((moved, moved.action.as_ref()?)));
        all.extend(actions.map(|(moved, action)| miscounted_actions(family, moved, action)));
    }
    all
}
