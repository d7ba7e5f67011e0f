//! Named queries of prices.

crate::queries! {
    /// Statements beside those of lists.
    pub(in crate::resources) mod queries = "prices" {
        Shared: "queries.sql",
        Sqlite: "queries.sqlite.sql",
        Postgres: "queries.postgres.sql",
        Mssql: "queries.mssql.sql",
     }
    [due, due_count, supersede, in_hot]
}
