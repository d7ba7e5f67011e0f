-- name: matching
SELECT id, symbol, name, exchange, market_type FROM stocks
WHERE DATALENGTH(@P1) = 0
    OR CHARINDEX(@P1 COLLATE Latin1_General_BIN2,
            TRANSLATE(symbol COLLATE Latin1_General_BIN2,
                N'ABCDEFGHIJKLMNOPQRSTUVWXYZ', N'abcdefghijklmnopqrstuvwxyz')) > 0
    OR CHARINDEX(@P1 COLLATE Latin1_General_BIN2,
            TRANSLATE(name COLLATE Latin1_General_BIN2,
                N'ABCDEFGHIJKLMNOPQRSTUVWXYZ', N'abcdefghijklmnopqrstuvwxyz')) > 0

-- name: by_symbol
-- The first comparison is for the index, under the column's own collation. The others make it exact: case, width and
-- trailing spaces count.
SELECT id, symbol, name, exchange, market_type FROM stocks
WHERE symbol = @P1 AND symbol COLLATE Latin1_General_BIN2 = @P1 COLLATE Latin1_General_BIN2 AND DATALENGTH(symbol) = DATALENGTH(@P1)
