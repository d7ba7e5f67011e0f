-- Texts for PostgreSQL. A column may have a collation that holds different texts for equal: the first comparison is for the
-- index, the second one makes it exact.

-- name: demands
SELECT c.relname::text AS tbl, a.attname::text AS col, a.atthasdef AS has_default
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE a.attnotnull AND a.attidentity = '' AND a.attgenerated = ''
    AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
    AND c.relname IN (SELECT json_array_elements_text($1::text::json))

-- name: hot_alike
SELECT count(*) AS n FROM {table} WHERE {alike_postgres}

-- name: conversation_active
UPDATE conversations SET user2_id = coalesce(user2_id, $2), created_at = least(created_at, $3),
    updated_at = greatest(updated_at, $4)
WHERE id = $1

-- name: stock_by_symbol
SELECT {columns} FROM stocks WHERE symbol = $1 AND symbol COLLATE "C" = $1

-- name: complete_stock
UPDATE stocks SET name = coalesce(name, $2), exchange = coalesce(exchange, $3),
    market_type = coalesce(market_type, $4), updated_at = $5
WHERE symbol = $1 AND symbol COLLATE "C" = $1

-- name: cold_by_id
-- index: the index of original ids; for likes the primary key
-- One scan: two would have two snapshots on a distributed server.
SELECT {columns} FROM {table} WHERE {by} {any $1} AND from_epoch <= $2 AND (to_epoch IS NULL OR to_epoch > $2)
