//! The statements that write counted blocks.

use crate::model::Family;
use thermocline_database::Statement;

thermocline_database::queries! {
    /// Statements on a table of blocks.
    pub(super) mod sql = "counts" { Shared: "queries.sql" }
    [below, from, undo]
}

/// Returns every statement of this module as it is sent for these families.
pub fn statements(families: &[&Family]) -> Vec<Statement> {
    let blocks = families.iter().filter_map(|family| family.blocks.as_ref());
    blocks.flat_map(|blocks| sql::all().into_iter().map(|template| blocks.sql(template))).collect()
}
