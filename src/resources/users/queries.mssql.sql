-- name: by_ids
SELECT id, username FROM users WHERE id IN (SELECT v FROM OPENJSON(@P1) WITH (v BIGINT '$'))
