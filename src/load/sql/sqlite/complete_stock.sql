-- load.complete_stock
-- ?1 symbol, ?2 name, ?3 exchange, ?4 market type, ?5 now: fills what is not known yet.
UPDATE stocks SET name = coalesce(name, ?2), exchange = coalesce(exchange, ?3),
    market_type = coalesce(market_type, ?4), updated_at = ?5
WHERE symbol = ?1
