-- Texts for a PostgreSQL whose tables are spread over workers.

-- name: cold_alike
SELECT count(*) AS n FROM {table} WHERE {alike} AND from_epoch <= {epoch} AND (to_epoch IS NULL OR to_epoch > {epoch})
