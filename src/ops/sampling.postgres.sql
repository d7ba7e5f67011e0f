-- name: table_sizes
-- index: pg_class_relname_nsp_index
-- The number of rows is the estimate of the planner, and -1 before the first vacuum.
SELECT c.relname::text AS name, greatest(c.reltuples, 0)::bigint AS n, pg_total_relation_size(c.oid) AS bytes
FROM pg_class c
WHERE c.relname IN ({names}) AND c.relkind IN ('r', 'p') AND pg_table_is_visible(c.oid)
