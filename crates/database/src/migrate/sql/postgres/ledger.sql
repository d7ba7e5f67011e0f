-- migrate.ledger
SELECT version, description AS name, installed_on AS at, success AS whole, encode(checksum, 'hex') AS checksum,
    execution_time AS nanos
FROM _sqlx_migrations ORDER BY version
