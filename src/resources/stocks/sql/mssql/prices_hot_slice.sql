-- prices.hot_slice
-- @P8 stock; a seek in the unique index of (stock_id, trade_date), between the two days. A price's key is its date and 0.
SELECT s.epoch, s.token, s.cold_newest_at, s.cold_newest_id, CAST(NULL AS BIGINT) AS n, CAST(NULL AS BIGINT) AS late,
    r.*
FROM archive_state s LEFT JOIN (
    SELECT id, trade_date, open_price, high_price, low_price, close_price, change_amount,
        volume, turnover, transaction_count
    FROM stock_prices
    WHERE stock_id = @P8 AND trade_date >= CAST(@P1 AS DATE) AND trade_date <= CAST(@P3 AS DATE)
        AND (CAST(trade_date AS DATETIME2(6)) > CAST(@P1 AS DATETIME2(6))
            OR (CAST(trade_date AS DATETIME2(6)) = CAST(@P1 AS DATETIME2(6)) AND 0 >= @P2))
        AND (CAST(trade_date AS DATETIME2(6)) < CAST(@P3 AS DATETIME2(6))
            OR (CAST(trade_date AS DATETIME2(6)) = CAST(@P3 AS DATETIME2(6)) AND 0 < @P4))
    ORDER BY trade_date DESC
    OFFSET @P6 ROWS FETCH NEXT CASE WHEN @P5 > 0 THEN @P5 ELSE 1 END ROWS ONLY
) r ON @P5 > 0
WHERE s.resource = N'prices'
ORDER BY r.trade_date DESC
