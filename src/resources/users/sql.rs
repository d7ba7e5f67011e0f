//! Named queries of users.

crate::queries! {
    /// The statements.
    pub(in crate::resources) mod queries = "users" { Shared: "queries.sql" }
    [by_ids]
}
