-- inspect.triggers
-- $1 names, as a JSON list
SELECT c.relname::text AS tbl, t.tgname::text AS trg FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND pg_table_is_visible(c.oid)
    AND c.relname IN (SELECT json_array_elements_text($1::text::json))
ORDER BY 1, 2
