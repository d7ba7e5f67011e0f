-- name: matching
SELECT id, symbol, name, exchange, market_type FROM stocks
WHERE $1 = '' OR instr(lower(symbol), $1) > 0 OR instr(lower(name), $1) > 0
