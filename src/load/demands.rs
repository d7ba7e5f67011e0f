//! Values that the database demands and that a record may not have: columns of a platform's own that must not be NULL, and
//! declared ones that the platform made stricter. Rows without them are rejected, each with the column named, before the
//! database refuses a whole chunk.

use std::collections::BTreeMap;

use super::sql;
use crate::import::Record;
use crate::schema::{self, Table};
use crate::tier::{Engine, TierError, Value};

/// The tables that an import may add rows to.
fn tables() -> impl Iterator<Item = &'static Table> {
    schema::of(crate::tier::Tier::Hot).tables.iter().copied()
}

/// The demands of the tables of hot, by table.
#[derive(Clone, Debug, Default)]
pub(super) struct Demands(BTreeMap<&'static str, Vec<Demand>>);

#[derive(Clone, Debug)]
struct Demand {
    column: String,
    /// Whether records can have a value for it.
    declared: bool,
}

impl Demands {
    /// Reads the demands from the catalog.
    pub(super) async fn of(hot: &dyn Engine) -> Result<Self, TierError> {
        let names: Vec<&str> = tables().map(|table| table.name).collect();
        let names = serde_json::Value::from(names).to_string();
        let mut demands = Self::default();
        for record in hot.fetch(sql::demands(), &[Value::from(names.as_str())]).await? {
            let (name, column) = (record.text("tbl")?, record.text("col")?);
            let Some(table) = tables().find(|table| table.name == name) else { continue };
            let declared = table.columns.iter().find(|declared| declared.name == column);
            // A declared column is always written, so that its default does not count.
            let demanded = declared.map_or(!record.bool("has_default")?, |declared| declared.nullable);
            if demanded {
                let demand = Demand { column, declared: declared.is_some() };
                demands.0.entry(table.name).or_default().push(demand);
            }
        }
        Ok(demands)
    }

    /// Returns why a row cannot go into its table, if it lacks values that the table demands.
    pub(super) fn reject_reason(&self, row: &Record) -> Option<String> {
        let table = row.noun().table.name;
        let mut lacking: Vec<String> = self
            .0
            .get(table)?
            .iter()
            .filter(|demand| !demand.declared || row.is_null(&demand.column))
            .map(|demand| format!("{table}.{}", demand.column))
            .collect();
        // Catalogs list columns in any order.
        lacking.sort_unstable();
        match lacking.as_slice() {
            [] => None,
            [one] => Some(format!("{one} must not be NULL here, and the record has no value for it")),
            many => Some(format!(
                "{} must not be NULL here, and the record has no values for them",
                many.join(" and ")
            )),
        }
    }

    /// Returns why a row that others refer to cannot be made, if it lacks values that its table demands.
    pub(super) fn refuse(&self, what: &str, row: &Record) -> Option<String> {
        self.reject_reason(row).map(|reason| format!("there is no {what}, and it cannot be made: {reason}"))
    }
}
