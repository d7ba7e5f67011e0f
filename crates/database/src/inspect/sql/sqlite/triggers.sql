-- inspect.triggers
-- ?1 names, as a JSON list
SELECT t.tbl_name AS tbl, t.name AS trg FROM sqlite_schema t JOIN json_each(?1) w ON w.value = t.tbl_name
WHERE t.type = 'trigger' ORDER BY t.tbl_name, t.name
