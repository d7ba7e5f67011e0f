-- migrate.known
-- Reads no table.
SELECT CASE WHEN OBJECT_ID(N'_sqlx_migrations') IS NULL THEN 0 ELSE 1 END AS n
