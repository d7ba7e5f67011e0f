//! The SQL of this module: the templates of lists, and the statements over counted blocks.

thermocline_database::queries! {
    /// Named queries.
    pub(super) mod queries = "lists" {
        Shared: "queries.sql",
        Sqlite: "queries.sqlite.sql",
        Postgres: "queries.postgres.sql",
        Citus: "queries.citus.sql",
        Mssql: "queries.mssql.sql",
    }
    [
        hot_slice, hot_numbered, hot_rows, hot_find, cold_slice, cold_rows, cold_find, cold_find_all, cold_count,
        state, state_with_bound, state_of_children, ids_from_place, proof,
        hot_span, cold_span, span_of_days, from_key, from_day, below_key, below_day, containing, gram_bit,
        hot_children, cold_children, listed_row, blocks_locate, blocks_matching, blocks_rank, changes, of_scopes,
    ]
}
