-- prices.due_count
-- ?1 older than
SELECT count(*) AS n FROM stock_prices p
WHERE trade_date < ?1
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = 'prices' AND r.id = p.id)
