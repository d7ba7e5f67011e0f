-- migrate.known
SELECT count(to_regclass('_sqlx_migrations')) AS n
