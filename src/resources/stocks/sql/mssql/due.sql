-- prices.due
-- @P1 older than, @P2 how many: a scan of stock_prices_due, oldest first. A rejected row stays where it is.
SELECT TOP (@P2) id, CAST(1 AS BIGINT) AS weight, CAST(0 AS BIGINT) AS bytes FROM stock_prices p
WHERE trade_date < CAST(@P1 AS DATE)
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = N'prices' AND r.id = p.id)
ORDER BY trade_date, id
