-- inspect.columns
-- $1 names, as a JSON list
SELECT c.relname::text AS tbl, a.attname::text AS col, format_type(a.atttypid, a.atttypmod) AS typ,
    NOT a.attnotnull AS nullable, pg_get_expr(d.adbin, d.adrelid) AS preset, a.attidentity <> '' AS is_identity,
    coalesce(array_position(k.conkey, a.attnum), 0)::bigint AS place
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
WHERE c.relkind IN ('r', 'p') AND pg_table_is_visible(c.oid)
    AND c.relname IN (SELECT json_array_elements_text($1::text::json))
ORDER BY c.relname, a.attnum
