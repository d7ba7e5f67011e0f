//! Named queries of messages.

crate::queries! {
    /// Statements beside those of lists.
    pub(in crate::resources) mod queries = "messages" { Shared: "queries.sql", Mssql: "queries.mssql.sql" }
    [participants, participants_of_many, conversations_of, due, due_count, block_keys, block_texts]
}
