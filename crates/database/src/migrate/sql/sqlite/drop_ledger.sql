-- migrate.drop_ledger
DROP TABLE _sqlx_migrations
