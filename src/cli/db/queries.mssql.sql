-- name: rows
SELECT COUNT_BIG({what}) AS n FROM {table}
