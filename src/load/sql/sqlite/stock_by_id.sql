-- load.stock_by_id
-- ?1 id
SELECT id, symbol, name, exchange, market_type, created_at, updated_at FROM stocks WHERE id = ?1
