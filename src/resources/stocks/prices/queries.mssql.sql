-- name: due
SELECT TOP (@P2) id, CAST(1 AS BIGINT) AS weight, CAST(0 AS BIGINT) AS bytes FROM stock_prices p
WHERE trade_date < CAST(@P1 AS DATE)
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = N'prices' AND r.id = p.id)
ORDER BY trade_date, id

-- name: due_count
SELECT COUNT_BIG(*) AS n, MIN(trade_date) AS oldest FROM stock_prices p
WHERE trade_date < CAST(@P1 AS DATE)
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = N'prices' AND r.id = p.id)

-- name: in_hot
-- An UPDATE locks the rows on every engine; not every engine heeds a lock hint.
UPDATE stock_prices SET volume = volume
OUTPUT inserted.id, inserted.trade_date AS member
WHERE stock_id = @P1 AND trade_date IN (
    SELECT DATEADD(DAY, CAST(v / 86400000000 AS INT), CAST('1970-01-01' AS DATE))
    FROM OPENJSON(@P2) WITH (v BIGINT '$')
)
