//! Named queries of conversations.

crate::queries! {
    /// The statements of the list.
    pub(in crate::resources) mod queries = "conversations" { Shared: "queries.sql", Sqlite: "queries.sqlite.sql", Postgres: "queries.postgres.sql", Citus: "queries.citus.sql", Mssql: "queries.mssql.sql" }
    [hot_slice, overview_hot, overview_cold, hot_find]
}
