-- prices.cold_slice
-- ?9 stock; a seek in stock_prices_history_open.
-- Open versions and those closed after the epoch are two index ranges, merged.
WITH p AS MATERIALIZED (
    SELECT floor,
        EXISTS (SELECT 1 FROM archive_batches WHERE resource = 'prices' AND epoch = ?7 AND token = ?8) AS proven,
        (SELECT max(epoch) FROM archive_batches WHERE resource = 'prices' AND confirmed = 1) AS confirmed
    FROM archive_head WHERE resource = 'prices'
)
SELECT p.floor, p.proven, p.confirmed, r.*
FROM p LEFT JOIN (
    SELECT original_id AS id, trade_date, open_price, high_price, low_price, close_price, change_amount,
        volume, turnover, transaction_count
    FROM stock_prices_history
    WHERE stock_id = ?9 AND trade_date >= ?1 AND trade_date <= ?3
        AND (trade_date, 0) >= (?1, ?2)
        AND (trade_date, 0) < (?3, ?4)
        AND from_epoch <= ?7 AND to_epoch IS NULL
    UNION ALL
    SELECT original_id AS id, trade_date, open_price, high_price, low_price, close_price, change_amount,
        volume, turnover, transaction_count
    FROM stock_prices_history
    WHERE stock_id = ?9 AND trade_date >= ?1 AND trade_date <= ?3
        AND (trade_date, 0) >= (?1, ?2)
        AND (trade_date, 0) < (?3, ?4)
        AND from_epoch <= ?7 AND to_epoch > ?7
    ORDER BY trade_date DESC LIMIT ?5 OFFSET ?6
) r ON 1 = 1
ORDER BY r.trade_date DESC
