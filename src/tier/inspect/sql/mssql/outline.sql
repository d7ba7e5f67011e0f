-- inspect.outline
-- @P1 names, as a JSON list: columns and triggers, by name alone.
-- A seek in catalogs by the ids of these tables: see inspect.columns.
SET NOCOUNT ON;
DECLARE @ours TABLE (id INT NOT NULL, name NVARCHAR(128) NOT NULL);
INSERT INTO @ours (id, name)
SELECT OBJECT_ID(value, N'U'), value FROM OPENJSON(@P1) WHERE OBJECT_ID(value, N'U') IS NOT NULL;
SELECT t.name AS tbl, c.name AS col, CAST(NULL AS NVARCHAR(128)) AS trg
FROM @ours t JOIN sys.columns c ON c.object_id = t.id
UNION ALL
SELECT t.name, CAST(NULL AS NVARCHAR(128)), g.name
FROM @ours t JOIN sys.triggers g ON g.parent_id = t.id
WHERE g.is_disabled = 0
