-- inspect.foreign_keys
-- @P1 names, as a JSON list: the foreign keys of these tables, and those of others that name their rows.
-- A scan of catalogs.
SELECT t.name AS tbl, f.name AS fk, CAST(f.object_id AS BIGINT) AS place, c.name AS col, r.name AS parent, p.name AS parent_col,
    CAST(CASE WHEN f.delete_referential_action <> 0 OR f.update_referential_action <> 0 THEN 1 ELSE 0 END AS BIT) AS cascades
FROM sys.foreign_keys f
JOIN sys.tables t ON t.object_id = f.parent_object_id
JOIN sys.tables r ON r.object_id = f.referenced_object_id
JOIN sys.foreign_key_columns fc ON fc.constraint_object_id = f.object_id
JOIN sys.columns c ON c.object_id = fc.parent_object_id AND c.column_id = fc.parent_column_id
JOIN sys.columns p ON p.object_id = fc.referenced_object_id AND p.column_id = fc.referenced_column_id
WHERE t.name IN (SELECT value COLLATE DATABASE_DEFAULT FROM OPENJSON(@P1))
    OR r.name IN (SELECT value COLLATE DATABASE_DEFAULT FROM OPENJSON(@P1))
ORDER BY t.name, f.object_id, fc.constraint_column_id
