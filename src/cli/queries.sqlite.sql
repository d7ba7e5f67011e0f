-- name: sort
SELECT a.value AS at, i.value AS id FROM json_each($1) a JOIN json_each($2) i ON i.key = a.key
ORDER BY at DESC, id DESC
