-- Statements of users.

-- name: by_ids
-- tier: hot
-- purpose: Reads the users with these ids.
-- parameters: ids ints
-- index: primary key
SELECT id, username FROM users WHERE id {any $1}
