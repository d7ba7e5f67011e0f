-- inspect.tables
-- @P1 names, as a JSON list. Partitions 0 and 1 are the rows themselves, the others indexes; Babelfish says 0 where it
-- does not know.
-- A seek in a catalog by the ids of these tables: see inspect.columns.
SET NOCOUNT ON;
DECLARE @ours TABLE (id INT NOT NULL, name NVARCHAR(128) NOT NULL);
INSERT INTO @ours (id, name)
SELECT OBJECT_ID(value, N'U'), value FROM OPENJSON(@P1) WHERE OBJECT_ID(value, N'U') IS NOT NULL;
SELECT t.name AS tbl,
    CASE WHEN SERVERPROPERTY('Babelfish') IS NULL THEN SUM(p.rows) ELSE NULLIF(SUM(p.rows), 0) END AS n,
    CAST(NULL AS BIGINT) AS bytes
FROM @ours t LEFT JOIN sys.partitions p ON p.object_id = t.id AND p.index_id IN (0, 1)
GROUP BY t.name
