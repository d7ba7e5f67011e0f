-- load.cold_prices
-- ?1 stock, ?2 first day, ?3 last day, ?4 epoch
SELECT {columns} FROM stock_prices_history
WHERE stock_id = ?1 AND trade_date >= ?2 AND trade_date <= ?3
    AND from_epoch <= ?4 AND (to_epoch IS NULL OR to_epoch > ?4)
