-- migrate.ledger
SELECT version, description AS name, CAST(strftime('%s', installed_on) AS INTEGER) * 1000000 AS at, success AS whole,
    lower(hex(checksum)) AS checksum, execution_time AS nanos
FROM _sqlx_migrations ORDER BY version
