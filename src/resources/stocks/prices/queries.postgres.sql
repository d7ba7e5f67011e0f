-- name: supersede
UPDATE stock_prices_history SET to_epoch = $3
WHERE stock_id = $1 AND to_epoch IS NULL AND from_epoch < $3
    AND trade_date = ANY (ARRAY(SELECT DATE '1970-01-01' + (day / 86400000000)::int FROM unnest($2::bigint[]) day))

-- name: in_hot
SELECT id, trade_date AS member FROM stock_prices
WHERE stock_id = $1
    AND trade_date = ANY (ARRAY(SELECT DATE '1970-01-01' + (day / 86400000000)::int FROM unnest($2::bigint[]) day))
FOR UPDATE
