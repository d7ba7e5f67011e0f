-- Texts for PostgreSQL.

-- name: cold_by_id
-- index: the index of original ids; for likes the primary key
-- One scan: two would have two snapshots on a distributed server.
SELECT {columns} FROM {table} WHERE {by} {any $1} AND from_epoch <= $2 AND (to_epoch IS NULL OR to_epoch > $2)
