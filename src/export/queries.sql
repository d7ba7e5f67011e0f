-- Statements of exports beside those of the archive.

-- name: referred
-- tier: hot
-- purpose: Reads the rows that exported ones refer to by an id that means nothing elsewhere, such as the stocks of prices.
-- index: scan of some thousand rows
SELECT {columns} FROM {table}
