-- name: server
SELECT 'postgres' AS engine, 'PostgreSQL ' || current_setting('server_version') AS version, NULL::boolean AS snapshots,
    pg_database_size(current_database()) AS bytes, NULL::bigint AS ahead

-- name: tables
-- ANALYZE counts rows; before its first run the count is -1.
SELECT c.relname::text AS tbl, CASE WHEN c.reltuples < 0 THEN NULL ELSE c.reltuples::bigint END AS n,
    pg_total_relation_size(c.oid) AS bytes
FROM pg_class c
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
    AND c.relname IN (SELECT json_array_elements_text($1::text::json))

-- name: columns
-- The default of a SERIAL numbers the rows, as an identity column does.
SELECT c.relname::text AS tbl, a.attname::text AS col, format_type(a.atttypid, a.atttypmod) AS typ,
    NOT a.attnotnull AS nullable, CASE WHEN d.expression NOT LIKE 'nextval(%' THEN d.expression END AS preset,
    a.attidentity <> '' OR coalesce(d.expression LIKE 'nextval(%', false) AS is_identity,
    coalesce(array_position(k.conkey, a.attnum), 0)::bigint AS place
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN LATERAL (
    SELECT pg_get_expr(f.adbin, f.adrelid) AS expression FROM pg_attrdef f WHERE f.adrelid = c.oid AND f.adnum = a.attnum
) d ON true
LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
    AND c.relname IN (SELECT json_array_elements_text($1::text::json))
ORDER BY c.relname, a.attnum

-- name: indexes
-- An expression has no column name. The primary key comes with the columns.
SELECT c.relname::text AS tbl, x.relname::text AS idx, x.oid::bigint AS place, false AS is_primary, i.indisunique AS is_unique,
    EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = x.oid AND k.contype = 'u') AS is_constraint,
    pg_get_expr(i.indpred, i.indrelid) AS predicate, a.attname::text AS col, (k.option & 1) = 1 AS descends
FROM pg_class c
JOIN pg_index i ON i.indrelid = c.oid AND NOT i.indisprimary AND i.indisvalid
JOIN pg_class x ON x.oid = i.indexrelid
JOIN LATERAL unnest(i.indkey::int2[], i.indoption::int2[]) WITH ORDINALITY AS k (attnum, option, n) ON k.n <= i.indnkeyatts
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum AND k.attnum > 0
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
    AND c.relname IN (SELECT json_array_elements_text($1::text::json))
ORDER BY c.relname, x.oid, k.n

-- name: foreign_keys
WITH ours AS (
    SELECT c.oid FROM pg_class c
    WHERE c.relkind IN ('r', 'p') AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
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

-- name: triggers
SELECT c.relname::text AS tbl, t.tgname::text AS trg, t.tgenabled = 'A' AS fires_always
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
    AND c.relname IN (SELECT json_array_elements_text($1::text::json))
ORDER BY 1, 2

-- name: outline
WITH ours AS (
    SELECT c.oid, c.relname::text AS name FROM pg_class c
    WHERE c.relkind IN ('r', 'p') AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
        AND c.relname IN (SELECT json_array_elements_text($1::text::json))
)
SELECT o.name AS tbl, a.attname::text AS col, NULL::text AS trg
FROM ours o JOIN pg_attribute a ON a.attrelid = o.oid AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT o.name, NULL, t.tgname::text
FROM ours o JOIN pg_trigger t ON t.tgrelid = o.oid AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')
