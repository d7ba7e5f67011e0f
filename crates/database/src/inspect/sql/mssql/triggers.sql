-- inspect.triggers
-- @P1 names, as a JSON list
-- A seek in a catalog by the ids of these tables: see inspect.columns.
SELECT t.name AS tbl, g.name AS trg
FROM (SELECT value AS name, OBJECT_ID(value, N'U') AS id FROM OPENJSON(@P1)) t JOIN sys.triggers g ON g.parent_id = t.id
WHERE g.is_disabled = 0
ORDER BY t.name, g.name
