-- prices.in_hot
-- @P1 stock, @P2 days in microseconds, as a JSON list: those of them that hot has a price of; a seek in the unique index
-- of (stock_id, trade_date).
SELECT id, trade_date AS member FROM stock_prices
WHERE stock_id = @P1 AND trade_date IN (
    SELECT DATEADD(DAY, CAST(v / 86400000000 AS INT), CAST('1970-01-01' AS DATE))
    FROM OPENJSON(@P2) WITH (v BIGINT '$')
)
