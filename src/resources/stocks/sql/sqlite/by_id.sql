-- stocks.by_id
-- ?1 id
SELECT id, symbol, name, exchange, market_type FROM stocks WHERE id = ?1
