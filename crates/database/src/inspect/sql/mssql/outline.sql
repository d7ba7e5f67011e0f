-- inspect.outline
-- @P1 names, as a JSON list: columns and triggers, by name alone.
-- A seek in catalogs by the ids of these tables: see inspect.columns.
SELECT t.name AS tbl, c.name AS col, CAST(NULL AS NVARCHAR(128)) AS trg
FROM (SELECT value AS name, OBJECT_ID(value, N'U') AS id FROM OPENJSON(@P1)) t JOIN sys.columns c ON c.object_id = t.id
UNION ALL
SELECT t.name, CAST(NULL AS NVARCHAR(128)), g.name
FROM (SELECT value AS name, OBJECT_ID(value, N'U') AS id FROM OPENJSON(@P1)) t JOIN sys.triggers g ON g.parent_id = t.id
WHERE g.is_disabled = 0
