-- Texts for a PostgreSQL whose tables are spread over workers, of lists whose rows are in many shards. Each version is read by
-- one scan of its shard: two could be of two instants, and a version that is closed in between would be in both. The proof is
-- read after the rows.

-- name: cold_slice
SELECT {columns}{extra} FROM {table} t
WHERE {where}{span}
    AND from_epoch <= $7 AND (to_epoch IS NULL OR to_epoch > $7)
ORDER BY {order} LIMIT $5 OFFSET $6

-- name: cold_rows
SELECT {columns}{extra} FROM {table} t
WHERE {where}{span}from_epoch <= {epoch} AND (to_epoch IS NULL OR to_epoch > {epoch})
ORDER BY {order} LIMIT {take}

-- name: cold_find_all
SELECT {columns} FROM {table}
WHERE {where}original_id {any $1}
    AND from_epoch <= $2 AND (to_epoch IS NULL OR to_epoch > $2)

-- name: cold_count
SELECT count(*) AS n FROM {table}
WHERE {where}{span}
    AND from_epoch <= $7 AND (to_epoch IS NULL OR to_epoch > $7)

-- name: listed_row
t.original_id
