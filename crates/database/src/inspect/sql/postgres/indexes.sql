-- inspect.indexes
-- $1 names, as a JSON list. Of an index column that is an expression there is no name. The primary key is
-- among the columns.
SELECT c.relname::text AS tbl, x.relname::text AS idx, x.oid::bigint AS place, false AS is_primary, i.indisunique AS is_unique,
    EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = x.oid AND k.contype = 'u') AS is_constraint,
    pg_get_expr(i.indpred, i.indrelid) AS predicate, a.attname::text AS col, (k.option & 1) = 1 AS descends
FROM pg_class c
JOIN pg_index i ON i.indrelid = c.oid AND NOT i.indisprimary AND i.indisvalid
JOIN pg_class x ON x.oid = i.indexrelid
JOIN LATERAL unnest(i.indkey::int2[], i.indoption::int2[]) WITH ORDINALITY AS k (attnum, option, n) ON k.n <= i.indnkeyatts
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum AND k.attnum > 0
WHERE c.relkind IN ('r', 'p') AND pg_table_is_visible(c.oid)
    AND c.relname IN (SELECT json_array_elements_text($1::text::json))
ORDER BY c.relname, x.oid, k.n
