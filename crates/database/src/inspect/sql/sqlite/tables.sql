-- inspect.tables
-- ?1 names, as a JSON list. The catalog counts neither rows nor bytes of a table.
SELECT t.name AS tbl, NULL AS n, NULL AS bytes FROM sqlite_schema t JOIN json_each(?1) w ON w.value = t.name
WHERE t.type = 'table'
