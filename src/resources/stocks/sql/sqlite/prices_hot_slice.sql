-- prices.hot_slice
-- ?8 stock; a seek in the unique index of (stock_id, trade_date). A price's key is its date and 0.
SELECT s.epoch, s.token, s.cold_newest_at, s.cold_newest_id, NULL AS n, NULL AS late, r.*
FROM archive_state s LEFT JOIN (
    SELECT id, trade_date, open_price, high_price, low_price, close_price, change_amount,
        volume, turnover, transaction_count
    FROM stock_prices
    WHERE stock_id = ?8 AND trade_date >= ?1 AND trade_date <= ?3
        AND (trade_date, 0) >= (?1, ?2)
        AND (trade_date, 0) < (?3, ?4)
    ORDER BY trade_date DESC LIMIT ?5 OFFSET ?6
) r ON ?7 IS NOT NULL
WHERE s.resource = 'prices'
ORDER BY r.trade_date DESC
