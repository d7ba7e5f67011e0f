-- inspect.tables
-- @P1 names, as a JSON list. Partitions 0 and 1 are the rows themselves, the others indexes; Babelfish says 0 where it
-- does not know.
-- A seek in a catalog by the ids of these tables: see inspect.columns.
SELECT t.name AS tbl,
    CASE WHEN SERVERPROPERTY('Babelfish') IS NULL THEN SUM(p.rows) ELSE NULLIF(SUM(p.rows), 0) END AS n,
    CAST(NULL AS BIGINT) AS bytes
FROM (SELECT value AS name, OBJECT_ID(value, N'U') AS id FROM OPENJSON(@P1)) t
LEFT JOIN sys.partitions p ON p.object_id = t.id AND p.index_id IN (0, 1)
WHERE t.id IS NOT NULL
GROUP BY t.name
