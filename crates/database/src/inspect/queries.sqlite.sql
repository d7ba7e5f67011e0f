-- name: server
SELECT 'sqlite' AS engine, 'SQLite ' || sqlite_version() AS version, NULL AS snapshots,
    (SELECT page_count FROM pragma_page_count()) * (SELECT page_size FROM pragma_page_size()) AS bytes, NULL AS ahead

-- name: tables
-- The catalog counts neither rows nor bytes.
SELECT t.name AS tbl, NULL AS n, NULL AS bytes FROM sqlite_schema t JOIN json_each($1) w ON w.value = t.name
WHERE t.type = 'table'

-- name: columns
-- An integer primary key is never NULL, although the catalog says so.
SELECT t.name AS tbl, c.name AS col, c.type AS typ, c."notnull" = 0 AND c.pk = 0 AS nullable, c.dflt_value AS preset,
    c.pk = 1 AND t.sql LIKE '%AUTOINCREMENT%' AS is_identity, c.pk AS place
FROM sqlite_schema t JOIN json_each($1) w ON w.value = t.name JOIN pragma_table_info(t.name) c
WHERE t.type = 'table'
ORDER BY t.name, c.cid

-- name: indexes
-- A constraint has a generated name; of any other index the text is kept.
SELECT t.name AS tbl, CASE WHEN i.origin = 'u' THEN NULL ELSE i.name END AS idx, i.seq AS place, i."unique" AS is_unique,
    0 AS is_primary, i.origin = 'u' AS is_constraint,
    CASE WHEN i.partial THEN substr(x.sql, instr(upper(x.sql), 'WHERE') + 5) END AS predicate,
    c.name AS col, c."desc" AS descends
FROM sqlite_schema t JOIN json_each($1) w ON w.value = t.name
JOIN pragma_index_list(t.name) i
JOIN pragma_index_xinfo(i.name) c ON c.key = 1
LEFT JOIN sqlite_schema x ON x.type = 'index' AND x.name = i.name
WHERE t.type = 'table' AND i.origin <> 'pk'
ORDER BY t.name, i.seq DESC, c.seqno

-- name: foreign_keys
SELECT t.name AS tbl, NULL AS fk, f.id AS place, f."from" AS col, f."table" AS parent, coalesce(f."to", 'id') AS parent_col,
    upper(f.on_delete) NOT IN ('NO ACTION', 'RESTRICT') OR upper(f.on_update) NOT IN ('NO ACTION', 'RESTRICT') AS cascades
FROM sqlite_schema t JOIN pragma_foreign_key_list(t.name) f
WHERE t.type = 'table' AND (t.name IN (SELECT value FROM json_each($1)) OR f."table" IN (SELECT value FROM json_each($1)))
ORDER BY t.name, f.id DESC, f.seq

-- name: triggers
SELECT t.tbl_name AS tbl, t.name AS trg, 0 AS fires_always FROM sqlite_schema t JOIN json_each($1) w ON w.value = t.tbl_name
WHERE t.type = 'trigger' ORDER BY t.tbl_name, t.name

-- name: outline
SELECT w.value AS tbl, c.name AS col, NULL AS trg
FROM json_each($1) w JOIN pragma_table_xinfo(w.value) c
UNION ALL
SELECT t.tbl_name, NULL, t.name FROM sqlite_schema t
WHERE t.type = 'trigger' AND t.tbl_name IN (SELECT value FROM json_each($1))
