-- Statements of prices beside those of their list.

-- name: due
-- tier: hot
-- purpose: Picks the oldest prices that are due, without those that were rejected.
-- parameters: older_than date, limit int
-- index: stock_prices_due
SELECT id, 1 AS weight, 0 AS bytes FROM stock_prices p
WHERE trade_date < $1
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = 'prices' AND r.id = p.id)
ORDER BY trade_date, id LIMIT $2

-- name: due_count
-- tier: hot
-- purpose: Counts the prices that are due and finds the oldest.
-- parameters: older_than date
-- index: stock_prices_due
SELECT count(*) AS n, min(trade_date) AS oldest FROM stock_prices p
WHERE trade_date < $1
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = 'prices' AND r.id = p.id)

-- name: supersede
-- tier: cold
-- purpose: Closes the versions that corrected prices of a stock replace, at the epoch of the correction.
-- parameters: stock int, days_in_microseconds ints, epoch int
-- index: stock_prices_history_open

-- name: in_hot
-- tier: hot
-- purpose: Finds the days of a stock that hot has a price of, and locks those rows until the transaction ends.
-- parameters: stock int, days_in_microseconds ints
-- index: stock_prices_day
