-- Statements of stocks.

-- name: matching
-- tier: hot
-- purpose: Finds the stocks whose symbol or name contains a text, its ASCII letters in lower case; all for an empty text.
-- parameters: part text
-- index: none, a scan of some thousand stocks

-- name: by_id
-- tier: hot
-- purpose: Reads a stock.
-- parameters: id int
-- index: primary key
SELECT id, symbol, name, exchange, market_type FROM stocks WHERE id = $1

-- name: by_symbol
-- tier: hot
-- purpose: Reads the stock with exactly this symbol.
-- parameters: symbol text
-- index: stocks_symbol
SELECT id, symbol, name, exchange, market_type FROM stocks WHERE symbol = $1
