-- inspect.triggers
-- @P1 names, as a JSON list
-- A seek in a catalog by the ids of these tables: see inspect.columns.
SET NOCOUNT ON;
DECLARE @ours TABLE (id INT NOT NULL, name NVARCHAR(128) NOT NULL);
INSERT INTO @ours (id, name)
SELECT OBJECT_ID(value, N'U'), value FROM OPENJSON(@P1) WHERE OBJECT_ID(value, N'U') IS NOT NULL;
SELECT t.name AS tbl, g.name AS trg
FROM @ours t JOIN sys.triggers g ON g.parent_id = t.id
WHERE g.is_disabled = 0
ORDER BY t.name, g.name
