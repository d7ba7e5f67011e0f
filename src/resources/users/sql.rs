//! Named queries of users.

crate::queries! {
    /// The statements.
    pub(in crate::resources) mod queries = "users" { Shared: "queries.sql", Sqlite: "queries.sqlite.sql", Mssql: "queries.mssql.sql" }
    [by_ids]
}
