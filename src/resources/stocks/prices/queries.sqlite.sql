-- name: due
SELECT id, 1 AS weight, 0 AS bytes FROM stock_prices p
WHERE trade_date < $1
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = 'prices' AND r.id = p.id)
ORDER BY trade_date, id LIMIT $2

-- name: due_count
SELECT count(*) AS n, min(trade_date) AS oldest FROM stock_prices p
WHERE trade_date < $1
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = 'prices' AND r.id = p.id)

-- name: supersede
UPDATE stock_prices_history SET to_epoch = $3
WHERE stock_id = $1 AND trade_date IN (SELECT value FROM json_each($2)) AND to_epoch IS NULL AND from_epoch < $3

-- name: in_hot
SELECT id, trade_date AS member FROM stock_prices
WHERE stock_id = $1 AND trade_date IN (SELECT value FROM json_each($2))
