-- load.hot_prices
-- ?1 stock, ?2 first day, ?3 last day
SELECT {columns} FROM stock_prices WHERE stock_id = ?1 AND trade_date >= ?2 AND trade_date <= ?3
