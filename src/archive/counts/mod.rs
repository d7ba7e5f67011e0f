//! What is counted beside the rows as they move: blocks of keys for random access, and user actions by day. Also how
//! many rows are due.

pub mod activity;
pub mod blocks;
mod due;

use crate::archive::model::Family;
use crate::tier::Statement;

pub use blocks::BlockSizes;
pub use due::count_due;

crate::queries! {
    mod sql = "counts" { Shared: "queries.sql" }
    [below, from, undo]
}

/// Returns every statement of this room as it is sent for these families.
pub fn statements(families: &[&Family]) -> Vec<Statement> {
    let blocks = families.iter().filter_map(|family| family.blocks.as_ref());
    blocks.flat_map(|blocks| sql::all().into_iter().map(|template| blocks.sql(template))).collect()
}
