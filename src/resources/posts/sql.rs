//! Named queries of posts.

crate::queries! {
    /// Statements beside those of lists.
    pub(in crate::resources) mod queries = "posts" { Shared: "queries.sql", Mssql: "queries.mssql.sql" }
    [due, due_active, due_count, due_count_active, block_keys, block_keys_by_author]
}
