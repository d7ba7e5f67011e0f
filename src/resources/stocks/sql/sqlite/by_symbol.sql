-- stocks.by_symbol
-- ?1 symbol, exactly
SELECT id, symbol, name, exchange, market_type FROM stocks WHERE symbol = ?1
