//! Named queries of stocks.

crate::queries! {
    /// The statements.
    pub(in crate::resources) mod queries = "stocks" { Shared: "queries.sql", Sqlite: "queries.sqlite.sql", Postgres: "queries.postgres.sql", Mssql: "queries.mssql.sql" }
    [matching, by_id, by_symbol]
}
