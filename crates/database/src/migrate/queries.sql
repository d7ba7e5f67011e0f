-- The version table `_sqlx_migrations`.

-- name: known
-- tier: both
-- purpose: Tells whether the version table exists.
-- index: none: the catalog

-- name: ledger
-- tier: both
-- purpose: Reads the applied migrations in order.
-- index: primary key of _sqlx_migrations

-- name: make_ledger
-- tier: both
-- purpose: Creates the version table.
-- index: none

-- name: drop_ledger
-- tier: both
-- purpose: Drops the version table.
-- index: none
DROP TABLE _sqlx_migrations

-- name: record
-- tier: both
-- purpose: Records a migration.
-- parameters: version int, name text, checksum in hexadecimal text, complete bool, nanoseconds int
-- index: primary key of _sqlx_migrations

-- name: forget
-- tier: both
-- purpose: Removes the record of a migration.
-- parameters: version int
-- index: primary key of _sqlx_migrations
DELETE FROM _sqlx_migrations WHERE version = $1

-- name: shape
-- tier: cold
-- purpose: Describes every table of the schema: a line for each column, constraint and index.
-- index: none: the catalog

-- name: has_table
-- tier: both
-- engine: postgres
-- purpose: Counts the tables of a name in the schema that tables are made in.
-- parameters: name text
-- index: the catalog
SELECT count(*) AS n FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
WHERE s.nspname = current_schema() AND c.relname = $1 AND c.relkind IN ('r', 'p')
