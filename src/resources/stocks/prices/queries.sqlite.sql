-- name: supersede
UPDATE stock_prices_history SET to_epoch = $3
WHERE stock_id = $1 AND trade_date IN (SELECT value FROM json_each($2)) AND to_epoch IS NULL AND from_epoch < $3

-- name: in_hot
SELECT id, trade_date AS member FROM stock_prices
WHERE stock_id = $1 AND trade_date IN (SELECT value FROM json_each($2))
