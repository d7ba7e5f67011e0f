-- load.stock_by_id
-- @P1 id; a seek in the primary key.
SELECT id, symbol, name, exchange, market_type, created_at, updated_at FROM stocks WHERE id = @P1
