//! Templates that several modules bind to a table that moves.

thermocline_database::queries! {
    mod sql = "archive" { Shared: "queries.sql" }
    [brought, closed, selected, selected_count, visible, visible_count]
}

pub use sql::{brought, closed, selected, selected_count, visible, visible_count};
