-- name: known
SELECT count(*) AS n FROM sqlite_schema WHERE type = 'table' AND name = '_sqlx_migrations'

-- name: ledger
SELECT version, description AS name, CAST(strftime('%s', installed_on) AS INTEGER) * 1000000 AS at, success AS whole,
    lower(hex(checksum)) AS checksum, execution_time AS nanos
FROM _sqlx_migrations ORDER BY version

-- name: make_ledger
CREATE TABLE IF NOT EXISTS _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
)

-- name: record
INSERT INTO _sqlx_migrations (version, description, checksum, success, execution_time)
VALUES ($1, $2, unhex($3), $4, $5)

-- name: shape
SELECT t.name AS tbl, t.name || '.' || c.name || ' ' || c.type || CASE WHEN c."notnull" THEN ' NOT NULL' ELSE '' END
        || coalesce(' DEFAULT ' || c.dflt_value, '') || CASE WHEN c.pk > 0 THEN ' key ' || c.pk ELSE '' END AS line
FROM sqlite_schema t JOIN pragma_table_xinfo(t.name) c
WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\' AND t.name <> '_sqlx_migrations'
UNION ALL
SELECT t.name, t.name || '.' || f."from" || ' references ' || f."table" || ' ' || f.on_delete
FROM sqlite_schema t JOIN pragma_foreign_key_list(t.name) f
WHERE t.type = 'table'
UNION ALL
SELECT t.name, CASE i.origin WHEN 'c' THEN i.name ELSE 'constraint' END || CASE WHEN i."unique" THEN ' unique' ELSE '' END
        || ' on ' || t.name || ' (' || (
            SELECT group_concat(coalesce(x.name, 'expression') || CASE WHEN x.desc THEN ' DESC' ELSE '' END, ', ' ORDER BY x.seqno)
            FROM pragma_index_xinfo(i.name) x WHERE x.key
        ) || ')' || CASE WHEN i.partial THEN ' partial' ELSE '' END
FROM sqlite_schema t JOIN pragma_index_list(t.name) i
WHERE t.type = 'table'
