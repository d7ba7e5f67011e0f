-- inspect.foreign_keys
-- @P1 names, as a JSON list: the foreign keys of these tables, and those of others that name their rows.
-- A seek in catalogs by the ids of these tables: see inspect.columns.
SELECT OBJECT_NAME(f.parent_object_id) AS tbl, f.name AS fk, CAST(f.object_id AS BIGINT) AS place,
    COL_NAME(k.parent_object_id, k.parent_column_id) AS col, OBJECT_NAME(f.referenced_object_id) AS parent,
    COL_NAME(k.referenced_object_id, k.referenced_column_id) AS parent_col,
    CAST(CASE WHEN f.delete_referential_action <> 0 OR f.update_referential_action <> 0 THEN 1 ELSE 0 END AS BIT) AS cascades
FROM sys.foreign_keys f
JOIN sys.foreign_key_columns k ON k.constraint_object_id = f.object_id
WHERE f.parent_object_id IN (SELECT OBJECT_ID(value, N'U') FROM OPENJSON(@P1))
    OR f.referenced_object_id IN (SELECT OBJECT_ID(value, N'U') FROM OPENJSON(@P1))
ORDER BY tbl, f.object_id, k.constraint_column_id
