-- prices.cold_find
-- $1 id, $2 epoch, $3 token, $4 stock
WITH p AS MATERIALIZED (
    SELECT floor,
        EXISTS (SELECT 1 FROM archive_batches WHERE resource = 'prices' AND epoch = $2 AND token = $3) AS proven,
        (SELECT max(epoch) FROM archive_batches WHERE resource = 'prices' AND confirmed) AS confirmed
    FROM archive_head WHERE resource = 'prices'
)
SELECT p.floor, p.proven, p.confirmed, r.*
FROM p LEFT JOIN (
    SELECT original_id AS id, trade_date, open_price, high_price, low_price, close_price, change_amount,
        volume, turnover, transaction_count
    FROM stock_prices_history
    WHERE original_id = $1 AND stock_id = $4
        AND from_epoch <= $2 AND (to_epoch IS NULL OR to_epoch > $2)
) r ON true
