-- Statements that write counted blocks, bound to the table of blocks of a resource.

-- name: from
-- tier: cold
-- purpose: Reads the blocks that hold a key and newer ones, oldest first, with their rows now.
-- parameters: scope int, level int, key at time, key id int
-- index: primary key
SELECT upper_at, upper_id, CAST(sum(n) AS BIGINT) AS n FROM {blocks}
WHERE scope = $1 AND level = $2 AND (upper_at, upper_id) >= ($3, $4)
GROUP BY upper_at, upper_id ORDER BY upper_at, upper_id

-- name: below
-- tier: cold
-- purpose: Reads the bound of the next older block.
-- parameters: scope int, level int, bound at time, bound id int
-- index: primary key
SELECT upper_at, upper_id FROM {blocks}
WHERE scope = $1 AND level = $2 AND (upper_at, upper_id) < ($3, $4)
ORDER BY upper_at DESC, upper_id DESC LIMIT 1

-- name: undo
-- tier: cold
-- purpose: Deletes what an interrupted move counted.
-- parameters: epoch int
-- index: {blocks}_batch (from_epoch)
DELETE FROM {blocks} WHERE from_epoch = $1

-- name: unsign
-- tier: cold
-- purpose: Deletes the signatures of blocks that rows have left.
-- parameters: scopes ints, upper ids ints
-- index: primary key of {signatures}
DELETE FROM {signatures} WHERE scope {any $1} AND upper_id {any $2}

-- name: undo_signatures
-- tier: cold
-- purpose: Deletes the signatures that an interrupted move wrote.
-- parameters: epoch int
-- index: {signatures}_batch (from_epoch)
DELETE FROM {signatures} WHERE from_epoch = $1

-- name: unsign_all
-- tier: cold
-- purpose: Deletes every signature, before rows are adopted.
-- index: none; deletes all rows
DELETE FROM {signatures}
