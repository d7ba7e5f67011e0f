-- Statements of exports, bound to each table that moves.

-- name: visible_of
-- tier: cold
-- purpose: Reads the children of some rows as of an epoch. Open versions and those closed after the epoch are two index ranges.
-- parameters: ids ints, epoch int
-- index: {table}_open, {table}_closed
SELECT {columns} FROM {table} WHERE {key} {any $1} AND from_epoch <= $2 AND to_epoch IS NULL
UNION ALL
SELECT {columns} FROM {table} WHERE {key} {any $1} AND from_epoch <= $2 AND to_epoch > $2
