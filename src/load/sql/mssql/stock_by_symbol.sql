-- load.stock_by_symbol
-- @P1 symbol, exactly; a seek in the unique index of symbol.
-- The first comparison is for the index, under the column's own collation; the others make it exact: case, width and
-- trailing spaces count.
SELECT id, symbol, name, exchange, market_type, created_at, updated_at FROM stocks
WHERE symbol = @P1 AND symbol COLLATE Latin1_General_BIN2 = @P1 COLLATE Latin1_General_BIN2 AND DATALENGTH(symbol) = DATALENGTH(@P1)
