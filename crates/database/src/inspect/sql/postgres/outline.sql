-- inspect.outline
-- $1 names, as a JSON list: columns and triggers, by name alone.
WITH ours AS (
    SELECT c.oid, c.relname::text AS name FROM pg_class c
    WHERE c.relkind IN ('r', 'p') AND pg_table_is_visible(c.oid)
        AND c.relname IN (SELECT json_array_elements_text($1::text::json))
)
SELECT o.name AS tbl, a.attname::text AS col, NULL::text AS trg
FROM ours o JOIN pg_attribute a ON a.attrelid = o.oid AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT o.name, NULL, t.tgname::text
FROM ours o JOIN pg_trigger t ON t.tgrelid = o.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D'
