-- prices.due_count
-- @P1 older than; a scan of stock_prices_due.
SELECT COUNT_BIG(*) AS n, MIN(trade_date) AS oldest FROM stock_prices p
WHERE trade_date < CAST(@P1 AS DATE)
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = N'prices' AND r.id = p.id)
