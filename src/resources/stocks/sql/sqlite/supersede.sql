-- prices.supersede
-- ?1 stock, ?2 days in microseconds, ?3 epoch: a corrected price closes the version it replaces, at the same epoch.
UPDATE stock_prices_history SET to_epoch = ?3
WHERE stock_id = ?1 AND trade_date IN (SELECT value FROM json_each(?2)) AND to_epoch IS NULL AND from_epoch < ?3
