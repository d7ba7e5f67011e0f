-- Statements of `db downgrade`.

-- name: open_rows
-- tier: cold
-- purpose: Counts the archived rows that a downgrade would drop.
-- index: none; a scan
SELECT count(*) AS n FROM {table} WHERE to_epoch IS NULL

-- name: rows
-- tier: both
-- purpose: Counts the rows of a table, or the values of a column, that a downgrade would drop.
-- index: none; a scan
SELECT count({what}) AS n FROM {table}
