-- migrate.forget
-- One row by the primary key.
DELETE FROM _sqlx_migrations WHERE version = @P1
