-- The checks of the platform's tables.
-- Reads no table, the catalog alone.
SELECT t.name AS tbl, k.name AS constraint_name, k.definition, k.is_disabled
FROM (SELECT value AS name, OBJECT_ID(value, N'U') AS id FROM OPENJSON(N'{tables}')) t
JOIN sys.check_constraints k ON k.parent_object_id = t.id
ORDER BY t.name, k.name
