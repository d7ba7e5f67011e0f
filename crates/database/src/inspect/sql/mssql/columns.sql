-- inspect.columns
-- @P1 names, as a JSON list
-- The ids of these tables come without a catalog, and names are asked for by id: Babelfish works its views out for every
-- question, sys.tables, sys.objects and sys.types slowest of all, takes long to plan a join of more than two of them, and
-- longer to make a variable for a table. The primary key is among the indexes; types are spelled by who asks.
-- A seek in catalogs by the ids of these tables.
SELECT t.name AS tbl, c.name AS col, TYPE_NAME(c.user_type_id) AS typ, CAST(c.max_length AS BIGINT) AS bytes,
    CAST(c.precision AS BIGINT) AS digits, CAST(c.scale AS BIGINT) AS scale, c.collation_name AS coll,
    c.is_nullable AS nullable, d.definition AS preset, c.is_identity, CAST(0 AS BIGINT) AS place
FROM (SELECT value AS name, OBJECT_ID(value, N'U') AS id FROM OPENJSON(@P1)) t
JOIN sys.columns c ON c.object_id = t.id
LEFT JOIN sys.default_constraints d ON d.parent_object_id = c.object_id AND d.parent_column_id = c.column_id
ORDER BY t.name, c.column_id
