-- migrate.drop_ledger
-- Reads no table.
DROP TABLE _sqlx_migrations
