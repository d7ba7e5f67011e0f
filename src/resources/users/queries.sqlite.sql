-- name: by_ids
SELECT id, username FROM users WHERE id IN (SELECT value FROM json_each($1))
