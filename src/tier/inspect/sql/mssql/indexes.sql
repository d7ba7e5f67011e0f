-- inspect.indexes
-- @P1 names, as a JSON list
SELECT t.name AS tbl, i.name AS idx, i.index_id AS place, i.is_unique AS is_unique,
    i.is_unique_constraint AS is_constraint, CAST(i.filter_definition AS NVARCHAR(MAX)) AS predicate, c.name AS col,
    ic.is_descending_key AS descends
FROM OPENJSON(@P1) w
JOIN sys.tables t ON t.object_id = OBJECT_ID(w.value)
JOIN sys.indexes i ON i.object_id = t.object_id AND i.is_primary_key = 0 AND i.type IN (1, 2)
JOIN sys.index_columns ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id AND ic.is_included_column = 0
JOIN sys.columns c ON c.object_id = ic.object_id AND c.column_id = ic.column_id
ORDER BY t.name, i.index_id, ic.key_ordinal
