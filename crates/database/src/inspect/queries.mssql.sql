-- name: server
SELECT N'mssql' AS engine, CAST(@@VERSION AS NVARCHAR(400)) AS version,
    CAST(CASE WHEN snapshot_isolation_state = 1 THEN 1 ELSE 0 END AS BIT) AS snapshots, CAST(NULL AS BIGINT) AS bytes,
    CAST(DATEDIFF(MINUTE, SYSUTCDATETIME(), SYSDATETIME()) AS BIGINT) AS ahead
FROM sys.databases WHERE name = DB_NAME()

-- name: tables
-- Partitions of indexes 0 and 1 are the rows. Babelfish reports 0 where it does not know.
SELECT t.name AS tbl,
    CASE WHEN SERVERPROPERTY('Babelfish') IS NULL THEN SUM(p.rows) ELSE NULLIF(SUM(p.rows), 0) END AS n,
    CAST(NULL AS BIGINT) AS bytes
FROM (SELECT value AS name, OBJECT_ID(value, N'U') AS id FROM OPENJSON(@P1)) t
LEFT JOIN sys.partitions p ON p.object_id = t.id AND p.index_id IN (0, 1)
WHERE t.id IS NOT NULL
GROUP BY t.name

-- name: columns
-- The catalog is asked by object id, and at most two views are joined: Babelfish computes its views for every statement and
-- plans larger joins slowly. The primary key comes with the indexes.
SELECT t.name AS tbl, c.name AS col, TYPE_NAME(c.user_type_id) AS typ, CAST(c.max_length AS BIGINT) AS bytes,
    CAST(c.precision AS BIGINT) AS digits, CAST(c.scale AS BIGINT) AS scale, c.collation_name AS coll,
    c.is_nullable AS nullable, d.definition AS preset, c.is_identity, CAST(0 AS BIGINT) AS place
FROM (SELECT value AS name, OBJECT_ID(value, N'U') AS id FROM OPENJSON(@P1)) t
JOIN sys.columns c ON c.object_id = t.id
LEFT JOIN sys.default_constraints d ON d.parent_object_id = c.object_id AND d.parent_column_id = c.column_id
ORDER BY t.name, c.column_id

-- name: indexes
SELECT t.name AS tbl, i.name AS idx, i.index_id AS place, i.is_primary_key AS is_primary, i.is_unique,
    i.is_unique_constraint AS is_constraint,
    CAST(i.filter_definition AS NVARCHAR(MAX)) AS predicate, COL_NAME(k.object_id, k.column_id) AS col,
    k.is_descending_key AS descends
FROM (SELECT value AS name, OBJECT_ID(value, N'U') AS id FROM OPENJSON(@P1)) t
JOIN sys.indexes i ON i.object_id = t.id AND i.type IN (1, 2)
JOIN sys.index_columns k ON k.object_id = i.object_id AND k.index_id = i.index_id AND k.key_ordinal > 0
ORDER BY t.name, i.index_id, k.key_ordinal

-- name: foreign_keys
SELECT OBJECT_NAME(f.parent_object_id) AS tbl, f.name AS fk, CAST(f.object_id AS BIGINT) AS place,
    COL_NAME(k.parent_object_id, k.parent_column_id) AS col, OBJECT_NAME(f.referenced_object_id) AS parent,
    COL_NAME(k.referenced_object_id, k.referenced_column_id) AS parent_col,
    CAST(CASE WHEN f.delete_referential_action <> 0 OR f.update_referential_action <> 0 THEN 1 ELSE 0 END AS BIT) AS cascades
FROM sys.foreign_keys f
JOIN sys.foreign_key_columns k ON k.constraint_object_id = f.object_id
WHERE f.parent_object_id IN (SELECT OBJECT_ID(value, N'U') FROM OPENJSON(@P1))
    OR f.referenced_object_id IN (SELECT OBJECT_ID(value, N'U') FROM OPENJSON(@P1))
ORDER BY tbl, f.object_id, k.constraint_column_id

-- name: triggers
SELECT t.name AS tbl, g.name AS trg, CAST(0 AS BIT) AS fires_always
FROM (SELECT value AS name, OBJECT_ID(value, N'U') AS id FROM OPENJSON(@P1)) t JOIN sys.triggers g ON g.parent_id = t.id
WHERE g.is_disabled = 0
ORDER BY t.name, g.name

-- name: outline
SELECT t.name AS tbl, c.name AS col, CAST(NULL AS NVARCHAR(128)) AS trg
FROM (SELECT value AS name, OBJECT_ID(value, N'U') AS id FROM OPENJSON(@P1)) t JOIN sys.columns c ON c.object_id = t.id
UNION ALL
SELECT t.name, CAST(NULL AS NVARCHAR(128)), g.name
FROM (SELECT value AS name, OBJECT_ID(value, N'U') AS id FROM OPENJSON(@P1)) t JOIN sys.triggers g ON g.parent_id = t.id
WHERE g.is_disabled = 0
