-- inspect.indexes
-- @P1 names, as a JSON list
-- A seek in catalogs by the ids of these tables: see inspect.columns.
SELECT t.name AS tbl, i.name AS idx, i.index_id AS place, i.is_primary_key AS is_primary, i.is_unique,
    i.is_unique_constraint AS is_constraint,
    CAST(i.filter_definition AS NVARCHAR(MAX)) AS predicate, COL_NAME(k.object_id, k.column_id) AS col,
    k.is_descending_key AS descends
FROM (SELECT value AS name, OBJECT_ID(value, N'U') AS id FROM OPENJSON(@P1)) t
JOIN sys.indexes i ON i.object_id = t.id AND i.type IN (1, 2)
JOIN sys.index_columns k ON k.object_id = i.object_id AND k.index_id = i.index_id AND k.key_ordinal > 0
ORDER BY t.name, i.index_id, k.key_ordinal
