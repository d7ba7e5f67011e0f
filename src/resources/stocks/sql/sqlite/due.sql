-- prices.due
-- ?1 older than, ?2 how many: a scan of stock_prices_due, oldest first.
SELECT id, 1 AS weight, 0 AS bytes FROM stock_prices p
WHERE trade_date < ?1
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = 'prices' AND r.id = p.id)
ORDER BY trade_date, id LIMIT ?2
