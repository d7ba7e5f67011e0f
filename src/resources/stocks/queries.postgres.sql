-- name: matching
-- lower() folds ASCII alone.
SELECT id, symbol, name, exchange, market_type FROM stocks
WHERE $1 = '' OR strpos(lower(symbol COLLATE "C"), $1) > 0 OR strpos(lower(name COLLATE "C"), $1) > 0

-- name: by_symbol
-- The first comparison is for the index, under the column's own collation. The second one makes it exact.
SELECT id, symbol, name, exchange, market_type FROM stocks WHERE symbol = $1 AND symbol COLLATE "C" = $1
