//! The statements that write counted blocks.

use crate::model::Family;
use thermocline_database::Statement;

thermocline_database::queries! {
    /// Statements on a table of blocks.
    pub(super) mod sql = "counts" { Shared: "queries.sql" }
    [below, from, undo, undo_signatures, unsign, unsign_all]
}

/// Returns every statement of this module as it is sent for these families.
pub fn statements(families: &[&Family]) -> Vec<Statement> {
    families
        .iter()
        .filter_map(|family| family.blocks.as_ref())
        .flat_map(|blocks| blocks.all(sql::all()))
        .collect()
}
