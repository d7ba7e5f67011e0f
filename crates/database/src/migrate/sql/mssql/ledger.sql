-- migrate.ledger
-- A scan in the order of the primary key: a row a migration.
SELECT version, description AS name, installed_on AS at, success AS whole, checksum, execution_time AS nanos
FROM _sqlx_migrations ORDER BY version
