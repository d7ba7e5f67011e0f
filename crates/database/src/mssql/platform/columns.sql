-- The columns of the platform's tables, with their defaults.
-- Reads no table, the catalog alone.
SELECT t.name AS tbl, c.name AS col, TYPE_NAME(c.user_type_id) AS typ, CAST(c.max_length AS BIGINT) AS bytes,
    CAST(c.scale AS BIGINT) AS scale, c.collation_name AS coll, c.is_nullable AS nullable, c.is_identity,
    m.definition AS computed, d.name AS default_name, d.definition AS preset
FROM (SELECT value AS name, OBJECT_ID(value, N'U') AS id FROM OPENJSON(N'{tables}')) t
JOIN sys.columns c ON c.object_id = t.id
LEFT JOIN sys.default_constraints d ON d.parent_object_id = c.object_id AND d.parent_column_id = c.column_id
LEFT JOIN sys.computed_columns m ON m.object_id = c.object_id AND m.column_id = c.column_id
ORDER BY t.name, c.column_id
