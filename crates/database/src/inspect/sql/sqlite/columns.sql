-- inspect.columns
-- ?1 names, as a JSON list. The key that numbers the rows is never NULL, whatever the catalog says.
SELECT t.name AS tbl, c.name AS col, c.type AS typ, c."notnull" = 0 AND c.pk = 0 AS nullable, c.dflt_value AS preset,
    c.pk = 1 AND t.sql LIKE '%AUTOINCREMENT%' AS is_identity, c.pk AS place
FROM sqlite_schema t JOIN json_each(?1) w ON w.value = t.name JOIN pragma_table_info(t.name) c
WHERE t.type = 'table'
ORDER BY t.name, c.cid
