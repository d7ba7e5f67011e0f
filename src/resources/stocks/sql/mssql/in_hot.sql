-- prices.in_hot
-- @P1 stock, @P2 days in microseconds, as a JSON list: those of them that hot has a price of, locked until the transaction
-- ends: nobody may delete what is relied on to stay. An UPDATE, never a lock hint: not every engine heeds those. A seek in
-- the unique index of (stock_id, trade_date).
UPDATE stock_prices SET volume = volume
OUTPUT inserted.id, inserted.trade_date AS member
WHERE stock_id = @P1 AND trade_date IN (
    SELECT DATEADD(DAY, CAST(v / 86400000000 AS INT), CAST('1970-01-01' AS DATE))
    FROM OPENJSON(@P2) WITH (v BIGINT '$')
)
