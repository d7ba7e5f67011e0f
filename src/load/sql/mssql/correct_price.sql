-- load.correct_price
-- @P1 stock, @P2 day, @P3… the values; a seek in the unique index of (stock_id, trade_date).
UPDATE stock_prices SET open_price = CAST(@P3 AS DECIMAL(10, 2)), high_price = CAST(@P4 AS DECIMAL(10, 2)),
    low_price = CAST(@P5 AS DECIMAL(10, 2)), close_price = CAST(@P6 AS DECIMAL(10, 2)),
    change_amount = CAST(@P7 AS DECIMAL(10, 2)), volume = @P8, turnover = @P9, transaction_count = @P10
WHERE stock_id = @P1 AND trade_date = CAST(@P2 AS DATE)
