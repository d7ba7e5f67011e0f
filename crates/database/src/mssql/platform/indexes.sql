-- The indexes of the platform's tables.
-- Reads no table, the catalog alone.
-- Type 1 is clustered, 2 is not; others are no B-trees. Type 0 is a table without a clustered index.
SELECT t.name AS tbl, i.name AS idx, i.index_id AS place, CAST(i.type AS BIGINT) AS kind, i.is_primary_key AS is_primary,
    i.is_unique, i.is_unique_constraint AS is_constraint, CAST(i.filter_definition AS NVARCHAR(MAX)) AS predicate,
    CAST(i.fill_factor AS BIGINT) AS fill_factor, i.is_padded, COL_NAME(k.object_id, k.column_id) AS col,
    k.is_descending_key AS descends, k.is_included_column AS is_included
FROM (SELECT value AS name, OBJECT_ID(value, N'U') AS id FROM OPENJSON(N'{tables}')) t
JOIN sys.indexes i ON i.object_id = t.id AND i.type > 0
JOIN sys.index_columns k ON k.object_id = i.object_id AND k.index_id = i.index_id
ORDER BY t.name, i.index_id, k.is_included_column, k.key_ordinal, k.index_column_id
