-- inspect.foreign_keys
-- ?1 names, as a JSON list: the foreign keys of these tables, and those of others that name their rows.
SELECT t.name AS tbl, NULL AS fk, f.id AS place, f."from" AS col, f."table" AS parent, coalesce(f."to", 'id') AS parent_col,
    upper(f.on_delete) NOT IN ('NO ACTION', 'RESTRICT') OR upper(f.on_update) NOT IN ('NO ACTION', 'RESTRICT') AS cascades
FROM sqlite_schema t JOIN pragma_foreign_key_list(t.name) f
WHERE t.type = 'table' AND (t.name IN (SELECT value FROM json_each(?1)) OR f."table" IN (SELECT value FROM json_each(?1)))
ORDER BY t.name, f.id DESC, f.seq
