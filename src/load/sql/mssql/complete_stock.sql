-- load.complete_stock
-- @P1 symbol, @P2 name, @P3 exchange, @P4 market type, @P5 now: fills what is not known yet; a seek in the unique index of symbol.
-- The first comparison is for the index, under the column's own collation; the others make it exact: case, width and
-- trailing spaces count.
UPDATE stocks SET name = COALESCE(name, @P2), exchange = COALESCE(exchange, @P3),
    market_type = COALESCE(market_type, @P4), updated_at = CAST(@P5 AS DATETIME2(6))
WHERE symbol = @P1 AND symbol COLLATE Latin1_General_BIN2 = @P1 COLLATE Latin1_General_BIN2 AND DATALENGTH(symbol) = DATALENGTH(@P1)
