-- load.stock_by_symbol
-- ?1 symbol
SELECT id, symbol, name, exchange, market_type, created_at, updated_at FROM stocks WHERE symbol = ?1
