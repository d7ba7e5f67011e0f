-- inspect.triggers
-- @P1 names, as a JSON list
-- A scan of catalogs.
SELECT t.name AS tbl, g.name AS trg
FROM OPENJSON(@P1) w
JOIN sys.tables t ON t.name = w.value COLLATE DATABASE_DEFAULT AND t.schema_id = SCHEMA_ID()
JOIN sys.triggers g ON g.parent_id = t.object_id
WHERE g.is_disabled = 0
ORDER BY t.name, g.name
