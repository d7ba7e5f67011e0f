-- The foreign keys of the platform's tables.
-- Reads no table, the catalog alone.
-- Those of other tables too: they refer to columns that may have to change.
SELECT OBJECT_NAME(f.parent_object_id) AS tbl, f.name AS fk, CAST(f.object_id AS BIGINT) AS place,
    COL_NAME(k.parent_object_id, k.parent_column_id) AS col, OBJECT_NAME(f.referenced_object_id) AS parent,
    COL_NAME(k.referenced_object_id, k.referenced_column_id) AS parent_col,
    CAST(f.delete_referential_action AS BIGINT) AS on_delete, CAST(f.update_referential_action AS BIGINT) AS on_update,
    f.is_disabled
FROM sys.foreign_keys f
JOIN sys.foreign_key_columns k ON k.constraint_object_id = f.object_id
WHERE f.parent_object_id IN (SELECT OBJECT_ID(value, N'U') FROM OPENJSON(N'{tables}'))
    OR f.referenced_object_id IN (SELECT OBJECT_ID(value, N'U') FROM OPENJSON(N'{tables}'))
ORDER BY tbl, f.object_id, k.constraint_column_id
