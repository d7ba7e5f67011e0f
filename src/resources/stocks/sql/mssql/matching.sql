-- stocks.matching
-- @P1 what to find in symbol or name, ASCII letters in lower case; empty for all. A scan of some thousand stocks.
SELECT id, symbol, name, exchange, market_type FROM stocks
WHERE DATALENGTH(@P1) = 0
    OR CHARINDEX(@P1 COLLATE Latin1_General_BIN2,
            TRANSLATE(symbol COLLATE Latin1_General_BIN2,
                N'ABCDEFGHIJKLMNOPQRSTUVWXYZ', N'abcdefghijklmnopqrstuvwxyz')) > 0
    OR CHARINDEX(@P1 COLLATE Latin1_General_BIN2,
            TRANSLATE(name COLLATE Latin1_General_BIN2,
                N'ABCDEFGHIJKLMNOPQRSTUVWXYZ', N'abcdefghijklmnopqrstuvwxyz')) > 0
