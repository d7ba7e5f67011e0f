-- name: known
-- In the schema that tables are made in: another one on the path may be that of the other tier.
SELECT count(*) AS n FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
WHERE s.nspname = current_schema() AND c.relname = '_sqlx_migrations'

-- name: ledger
SELECT version, description AS name, installed_on AS at, success AS whole, encode(checksum, 'hex') AS checksum,
    execution_time AS nanos
FROM _sqlx_migrations ORDER BY version

-- name: make_ledger
CREATE TABLE IF NOT EXISTS _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMPTZ NOT NULL DEFAULT now(),
    success BOOLEAN NOT NULL,
    checksum BYTEA NOT NULL,
    execution_time BIGINT NOT NULL
)

-- name: record
INSERT INTO _sqlx_migrations (version, description, checksum, success, execution_time)
VALUES ($1, $2, decode($3, 'hex'), $4, $5)

-- name: shape
-- Indexes named so are made where tables are spread over workers, by no migration.
WITH tables AS (
    SELECT c.oid, c.relname::text AS name FROM pg_class c
    WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AND c.relkind IN ('r', 'p') AND c.relname <> '_sqlx_migrations'
)
SELECT t.name AS tbl, t.name || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
        || CASE WHEN a.attcollation <> y.typcollation THEN ' COLLATE ' || l.collname ELSE '' END
        || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
        || CASE WHEN a.attidentity <> '' THEN ' IDENTITY ' || a.attidentity::text ELSE '' END
        || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '') AS line
FROM tables t
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type y ON y.oid = a.atttypid
LEFT JOIN pg_collation l ON l.oid = a.attcollation
LEFT JOIN pg_attrdef d ON d.adrelid = t.oid AND d.adnum = a.attnum
UNION ALL
SELECT t.name, t.name || ' ' || pg_get_constraintdef(k.oid, true)
FROM tables t JOIN pg_constraint k ON k.conrelid = t.oid WHERE k.contype <> 'n'
UNION ALL
SELECT t.name, pg_get_indexdef(i.indexrelid, 0, true)
FROM tables t JOIN pg_index i ON i.indrelid = t.oid JOIN pg_class x ON x.oid = i.indexrelid
WHERE x.relname NOT LIKE '%\_spread'
