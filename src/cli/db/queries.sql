-- Statements of `db downgrade`.

-- name: rows
-- tier: both
-- purpose: Counts the rows of a table, or the values of a column, that a downgrade would drop.
-- index: none; a scan
SELECT count({what}) AS n FROM {table}
