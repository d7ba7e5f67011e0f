-- Templates that several modules of the archive bind to a table that moves. Rows of cold come under their names in hot.

-- name: brought
-- tier: cold
-- purpose: Reads the rows that a move brought to cold.
-- parameters: epoch int
-- index: {table}_batch (from_epoch, id)
SELECT {columns} FROM {table} WHERE from_epoch = $1

-- name: closed
-- tier: cold
-- purpose: Reads the rows that a move closed in cold.
-- parameters: epoch int
-- index: {table}_closed or {table}_closed_epoch (to_epoch)
SELECT {columns} FROM {table} WHERE to_epoch = $1

-- name: selected
-- tier: cold
-- purpose: Reads the next open rows that were selected, below a cursor and from a first move on, newest first.
-- parameters: cursor epoch int, cursor id int, first move int, limit int{parameters}
-- index: {table}_batch (from_epoch, id)
-- Parameters 5 and 6 belong to {chosen}. PostgreSQL sorts within a batch.
SELECT from_epoch AS epoch, id AS place, original_id AS id FROM {table}
WHERE (from_epoch, id) < ($1, $2) AND from_epoch >= $3 AND to_epoch IS NULL AND {chosen}
ORDER BY epoch DESC, place DESC LIMIT $4

-- name: selected_count
-- tier: cold
-- purpose: Counts the open rows that were selected.
-- parameters: {parameters}
-- index: scan of the open rows; {table}_batch for one batch, {table}_original for one row
SELECT count(*) AS n FROM {table} WHERE to_epoch IS NULL AND {chosen}

-- name: visible
-- tier: cold
-- purpose: Reads the next rows as of an epoch that were selected, above a place, in the order of the moves that brought them.
-- parameters: place epoch int, place id int, last move int, epoch int, limit int{parameters}
-- index: {table}_batch (from_epoch, id)
SELECT {columns}, from_epoch AS move, id AS place FROM {table}
WHERE (from_epoch, id) > ($1, $2) AND from_epoch <= $3 AND (to_epoch IS NULL OR to_epoch > $4) AND {chosen}
ORDER BY move, place LIMIT $5

-- name: visible_count
-- tier: cold
-- purpose: Counts the rows as of an epoch that were selected.
-- parameters: epoch int{parameters}
-- index: scan of the table
SELECT count(*) AS n FROM {table}
WHERE from_epoch <= $1 AND (to_epoch IS NULL OR to_epoch > $1) AND {chosen}
