//! Named queries of conversations.

crate::queries! {
    /// The statements of the list.
    pub(in crate::resources) mod queries = "conversations" { Shared: "queries.sql", Sqlite: "queries.sqlite.sql", Mssql: "queries.mssql.sql" }
    [hot_slice, hot_find]
}
