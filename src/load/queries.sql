-- The statements of an import. A chunk of records is one transaction in hot; cold is read at the epoch it holds.

-- name: demands
-- tier: hot
-- purpose: Reads the columns of some tables that must not be NULL, and whether each has a default.
-- parameters: names as a JSON list text
-- index: the catalog, by table

-- name: hot_by_id
-- tier: hot
-- purpose: Returns the rows with some ids.
-- parameters: ids ints
-- index: primary key of the table
SELECT {columns} FROM {table} WHERE {by} {any $1}

-- name: cold_by_id
-- tier: cold
-- purpose: Returns the rows with some ids that are visible at an epoch.
-- parameters: ids ints, epoch int
-- index: the index of original ids; for likes likes_archive_open and likes_archive_closed
SELECT {columns} FROM {table} WHERE {by} {any $1} AND from_epoch <= $2 AND to_epoch IS NULL
UNION ALL
SELECT {columns} FROM {table} WHERE {by} {any $1} AND from_epoch <= $2 AND to_epoch > $2

-- name: hot_alike
-- tier: hot
-- purpose: Counts the rows with the same content.
-- parameters: {parameters}
-- index: messages_key, posts_author_key, comments_key, conversations_user1 or stocks_symbol; users are scanned

-- name: cold_alike
-- tier: cold
-- purpose: Counts the rows with the same content that are visible at an epoch.
-- parameters: {parameters}, epoch int
-- index: messages_archive_open, posts_archive_author_open or comments_archive_open for open versions
SELECT (SELECT count(*) FROM {table} WHERE {alike} AND from_epoch <= {epoch} AND to_epoch IS NULL)
    + (SELECT count(*) FROM {table} WHERE {alike} AND from_epoch <= {epoch} AND to_epoch > {epoch}) AS n

-- name: hot_prices
-- tier: hot
-- purpose: Returns the prices of a stock over some days.
-- parameters: stock int, first day date, last day date
-- index: stock_prices_day
SELECT {columns} FROM stock_prices WHERE stock_id = $1 AND trade_date >= $2 AND trade_date <= $3

-- name: cold_prices
-- tier: cold
-- purpose: Returns the prices of a stock over some days that are visible at an epoch.
-- parameters: stock int, first day date, last day date, epoch int
-- index: stock_prices_history_open for open versions
SELECT {columns} FROM stock_prices_history
WHERE stock_id = $1 AND trade_date >= $2 AND trade_date <= $3 AND from_epoch <= $4 AND to_epoch IS NULL
UNION ALL
SELECT {columns} FROM stock_prices_history
WHERE stock_id = $1 AND trade_date >= $2 AND trade_date <= $3 AND from_epoch <= $4 AND to_epoch > $4

-- name: correct_price
-- tier: hot
-- purpose: Corrects the values of a stock's day.
-- parameters: stock int, day date, {parameters}
-- index: stock_prices_day
UPDATE stock_prices SET {set} WHERE stock_id = $1 AND trade_date = $2

-- name: name_user
-- tier: hot
-- purpose: Gives a user that was only referred to its name.
-- parameters: id int, username text, email text
-- index: primary key of users
UPDATE users SET username = $2, email = $3 WHERE id = $1

-- name: conversation_active
-- tier: hot
-- purpose: Widens a conversation to the times of its messages and adds its second user.
-- parameters: id int, second user int, oldest message time, newest message time
-- index: primary key of conversations

-- name: stock_by_symbol
-- tier: hot
-- purpose: Returns the stock with exactly this symbol.
-- parameters: symbol text
-- index: stocks_symbol
SELECT {columns} FROM stocks WHERE symbol = $1

-- name: complete_stock
-- tier: hot
-- purpose: Fills the columns of a stock that are NULL.
-- parameters: symbol text, name text, exchange text, market type text, now time
-- index: stocks_symbol
UPDATE stocks SET name = coalesce(name, $2), exchange = coalesce(exchange, $3),
    market_type = coalesce(market_type, $4), updated_at = $5
WHERE symbol = $1
