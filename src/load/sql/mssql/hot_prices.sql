-- load.hot_prices
-- @P1 stock, @P2 first day, @P3 last day; a seek in the unique index of (stock_id, trade_date).
SELECT {columns} FROM stock_prices
WHERE stock_id = @P1 AND trade_date >= CAST(@P2 AS DATE) AND trade_date <= CAST(@P3 AS DATE)
