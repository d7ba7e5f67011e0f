-- The statistics that users made on the platform's tables.
-- Reads no table, the catalog alone.
SELECT t.name AS tbl, s.name AS stat, COL_NAME(c.object_id, c.column_id) AS col
FROM (SELECT value AS name, OBJECT_ID(value, N'U') AS id FROM OPENJSON(N'{tables}')) t
JOIN sys.stats s ON s.object_id = t.id AND s.user_created = 1
JOIN sys.stats_columns c ON c.object_id = s.object_id AND c.stats_id = s.stats_id
ORDER BY t.name, s.name, c.stats_column_id
