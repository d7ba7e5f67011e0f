-- name: reserve_ids
UPDATE sqlite_sequence SET seq = $1 WHERE name = '{table}' AND seq < $1
