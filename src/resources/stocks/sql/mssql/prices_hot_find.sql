-- prices.hot_find
-- @P1 id, @P2 stock; a seek in the primary key.
SELECT s.epoch, s.token, s.cold_newest_at, s.cold_newest_id, CAST(NULL AS BIGINT) AS n, CAST(NULL AS BIGINT) AS late,
    r.*
FROM archive_state s LEFT JOIN (
    SELECT id, trade_date, open_price, high_price, low_price, close_price, change_amount,
        volume, turnover, transaction_count
    FROM stock_prices WHERE id = @P1 AND stock_id = @P2
) r ON 1 = 1
WHERE s.resource = N'prices'
