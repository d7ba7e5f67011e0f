//! Named queries of behavior.

crate::queries! {
    /// The statements of the list.
    pub(in crate::resources) mod queries = "behavior" {
        Shared: "queries.sql",
        Sqlite: "queries.sqlite.sql",
        Postgres: "queries.postgres.sql",
        Mssql: "queries.mssql.sql",
     }
    [hot_slice, cold_slice]
}
