-- prices.in_hot
-- ?1 stock, ?2 days in microseconds: those of them that hot has a price of.
SELECT id, trade_date AS member FROM stock_prices
WHERE stock_id = ?1 AND trade_date IN (SELECT value FROM json_each(?2))
