-- Texts for SQL Server.

-- name: demands
-- The server itself fills a TIMESTAMP, which is a version of the row.
SELECT t.name AS tbl, c.name AS col, CAST(CASE WHEN c.default_object_id <> 0 THEN 1 ELSE 0 END AS BIT) AS has_default
FROM (SELECT value AS name, OBJECT_ID(value, N'U') AS id FROM OPENJSON(@P1)) t JOIN sys.columns c ON c.object_id = t.id
WHERE c.is_nullable = 0 AND c.is_identity = 0 AND c.is_computed = 0 AND TYPE_NAME(c.user_type_id) <> N'timestamp'

-- name: hot_alike
SELECT COUNT_BIG(*) AS n FROM {table} WHERE {alike_mssql}

-- name: hot_prices
SELECT {columns} FROM stock_prices
WHERE stock_id = @P1 AND trade_date >= CAST(@P2 AS DATE) AND trade_date <= CAST(@P3 AS DATE)

-- name: correct_price
UPDATE stock_prices SET {set_mssql} WHERE stock_id = @P1 AND trade_date = CAST(@P2 AS DATE)

-- name: conversation_active
UPDATE conversations SET
    user2_id = COALESCE(user2_id, @P2),
    created_at = CASE WHEN created_at > CAST(@P3 AS DATETIME2(6)) THEN CAST(@P3 AS DATETIME2(6)) ELSE created_at END,
    updated_at = CASE WHEN updated_at < CAST(@P4 AS DATETIME2(6)) THEN CAST(@P4 AS DATETIME2(6)) ELSE updated_at END
WHERE id = @P1

-- name: stock_by_symbol
-- The first comparison seeks in the index, under the column's own collation. The others make it exact: case, width and
-- trailing spaces count.
SELECT {columns} FROM stocks
WHERE symbol = @P1 AND symbol COLLATE Latin1_General_BIN2 = @P1 COLLATE Latin1_General_BIN2 AND DATALENGTH(symbol) = DATALENGTH(@P1)

-- name: complete_stock
-- The comparisons are those of stock_by_symbol.
UPDATE stocks SET name = COALESCE(name, @P2), exchange = COALESCE(exchange, @P3),
    market_type = COALESCE(market_type, @P4), updated_at = CAST(@P5 AS DATETIME2(6))
WHERE symbol = @P1 AND symbol COLLATE Latin1_General_BIN2 = @P1 COLLATE Latin1_General_BIN2 AND DATALENGTH(symbol) = DATALENGTH(@P1)
