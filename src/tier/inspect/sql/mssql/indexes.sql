-- inspect.indexes
-- @P1 names, as a JSON list
-- A seek in catalogs by the ids of these tables: see inspect.columns.
SET NOCOUNT ON;
DECLARE @ours TABLE (id INT NOT NULL, name NVARCHAR(128) NOT NULL);
INSERT INTO @ours (id, name)
SELECT OBJECT_ID(value, N'U'), value FROM OPENJSON(@P1) WHERE OBJECT_ID(value, N'U') IS NOT NULL;
SELECT t.name AS tbl, i.name AS idx, i.index_id AS place, i.is_unique, i.is_unique_constraint AS is_constraint,
    CAST(i.filter_definition AS NVARCHAR(MAX)) AS predicate, COL_NAME(k.object_id, k.column_id) AS col,
    k.is_descending_key AS descends
FROM @ours t
JOIN sys.indexes i ON i.object_id = t.id AND i.is_primary_key = 0 AND i.type IN (1, 2)
JOIN sys.index_columns k ON k.object_id = i.object_id AND k.index_id = i.index_id AND k.is_included_column = 0
ORDER BY t.name, i.index_id, k.key_ordinal
