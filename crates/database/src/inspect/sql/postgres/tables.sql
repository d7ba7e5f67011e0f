-- inspect.tables
-- $1 names, as a JSON list. Rows are counted by ANALYZE: -1 before its first run.
SELECT c.relname::text AS tbl, CASE WHEN c.reltuples < 0 THEN NULL ELSE c.reltuples::bigint END AS n,
    pg_total_relation_size(c.oid) AS bytes
FROM pg_class c
WHERE c.relkind IN ('r', 'p') AND pg_table_is_visible(c.oid)
    AND c.relname IN (SELECT json_array_elements_text($1::text::json))
