-- inspect.outline
-- ?1 names, as a JSON list: columns and triggers, by name alone.
SELECT w.value AS tbl, c.name AS col, NULL AS trg
FROM json_each(?1) w JOIN pragma_table_xinfo(w.value) c
UNION ALL
SELECT t.tbl_name, NULL, t.name FROM sqlite_schema t
WHERE t.type = 'trigger' AND t.tbl_name IN (SELECT value FROM json_each(?1))
