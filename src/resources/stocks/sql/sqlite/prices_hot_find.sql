-- prices.hot_find
-- ?1 id, ?2 stock
SELECT s.epoch, s.token, s.cold_newest_at, s.cold_newest_id, NULL AS n, NULL AS late, r.*
FROM archive_state s LEFT JOIN (
    SELECT id, trade_date, open_price, high_price, low_price, close_price, change_amount,
        volume, turnover, transaction_count
    FROM stock_prices WHERE id = ?1 AND stock_id = ?2
) r ON 1 = 1
WHERE s.resource = 'prices'
