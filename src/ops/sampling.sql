-- Statements of samples for the metrics.

-- name: table_sizes
-- tier: cold
-- purpose: Reads the number of rows and the size of each table, indexes included.
-- index: the smallest index of each table, read whole; the pages of each table and index
SELECT counted.name AS name, counted.n AS n, (
    SELECT coalesce(sum(pages.pgsize), 0) FROM sqlite_schema parts JOIN dbstat pages ON pages.name = parts.name
    WHERE parts.tbl_name = counted.name AND pages.aggregate = TRUE
) AS bytes
FROM ({counts}) counted
