-- inspect.foreign_keys
-- $1 names, as a JSON list: the foreign keys of these tables, and those of others that name their rows.
WITH ours AS (
    SELECT c.oid FROM pg_class c
    WHERE c.relkind IN ('r', 'p') AND pg_table_is_visible(c.oid)
        AND c.relname IN (SELECT json_array_elements_text($1::text::json))
)
SELECT c.relname::text AS tbl, k.conname::text AS fk, k.oid::bigint AS place, a.attname::text AS col,
    p.relname::text AS parent, b.attname::text AS parent_col,
    k.confdeltype NOT IN ('a', 'r') OR k.confupdtype NOT IN ('a', 'r') AS cascades
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_class p ON p.oid = k.confrelid
JOIN LATERAL unnest(k.conkey, k.confkey) WITH ORDINALITY AS u (col, parent_col, n) ON true
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.col
JOIN pg_attribute b ON b.attrelid = p.oid AND b.attnum = u.parent_col
WHERE k.contype = 'f' AND (c.oid IN (SELECT oid FROM ours) OR p.oid IN (SELECT oid FROM ours))
ORDER BY c.relname, k.oid, u.n
