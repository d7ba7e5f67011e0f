-- inspect.tables
-- @P1 names, as a JSON list. Partitions 0 and 1 are the rows themselves, the others indexes; Babelfish says 0 where it
-- does not know.
-- A scan of catalogs.
SELECT q.tbl, CASE WHEN SERVERPROPERTY('Babelfish') IS NULL THEN q.n ELSE NULLIF(q.n, 0) END AS n,
    CAST(NULL AS BIGINT) AS bytes
FROM (
    SELECT t.name AS tbl,
        (SELECT SUM(p.rows) FROM sys.partitions p WHERE p.object_id = t.object_id AND p.index_id IN (0, 1)) AS n
    FROM OPENJSON(@P1) w
    JOIN sys.tables t ON t.name = w.value COLLATE DATABASE_DEFAULT AND t.schema_id = SCHEMA_ID()
) q
