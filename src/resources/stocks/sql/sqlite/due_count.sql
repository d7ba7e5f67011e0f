-- prices.due_count
-- ?1 older than: how many are due, and when the oldest of them was made.
SELECT count(*) AS n, min(trade_date) AS oldest FROM stock_prices p
WHERE trade_date < ?1
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = 'prices' AND r.id = p.id)
