-- Statements on the tables of the journal: archive_state (hot), archive_head and archive_batches (cold).

-- name: claim
-- tier: cold
-- purpose: Claims the next number of a resource, above the given one, in a transaction of its own.
-- parameters: resource text, number int, mover text, now time
-- index: primary key of archive_head
UPDATE archive_head SET claimed = CASE WHEN claimed < $2 THEN $2 ELSE claimed END + 1, mover = $3, claimed_at = $4
WHERE resource = $1
RETURNING claimed

-- name: lock_claim
-- tier: cold
-- purpose: Locks the claim row until the transaction ends, so that no mover can claim.
-- parameters: resource text
-- index: primary key of archive_head
-- An UPDATE, never a lock hint: a distributed server has a copy of the row on each worker, and a part of an earlier commit that
-- is still under way on one of them holds the row there.
UPDATE archive_head SET claimed = claimed WHERE resource = $1 RETURNING claimed

-- name: release
-- tier: cold
-- purpose: Notes that the holder of the claimed number is done with it.
-- parameters: resource text, number int
-- index: primary key of archive_head
UPDATE archive_head SET mover = NULL, claimed_at = NULL WHERE resource = $1 AND claimed = $2

-- name: claims
-- tier: cold
-- purpose: Reads the pair, the claimed number and the number of journal entries of each resource.
-- index: scan of the three rows of archive_head; primary key of archive_batches
SELECT resource, pair, claimed, (SELECT count(*) FROM archive_batches b WHERE b.resource = h.resource) AS batches
FROM archive_head h ORDER BY resource

-- name: pair_cold
-- tier: cold
-- purpose: Notes the number of the pair, unless there is one.
-- parameters: pair int
-- index: scan of the three rows
UPDATE archive_head SET pair = $1 WHERE pair IS NULL

-- name: oldest_readable_epoch
-- tier: cold
-- purpose: Reads the oldest epoch that readers may ask for.
-- parameters: resource text
-- index: primary key of archive_head
SELECT floor FROM archive_head WHERE resource = $1

-- name: raise_oldest_readable_epoch
-- tier: cold
-- purpose: Raises the oldest epoch that readers may ask for; readers of older epochs ask hot again.
-- parameters: resource text, epoch int
-- index: primary key of archive_head
UPDATE archive_head SET floor = $2 WHERE resource = $1 AND floor < $2

-- name: vacuum_bound
-- tier: cold
-- purpose: Reads the oldest readable epoch, and the highest move up to which every move is confirmed and finished by the given time.
-- parameters: resource text, kept time
-- index: primary keys of archive_head and archive_batches
SELECT floor, (
    SELECT max(epoch) FROM archive_batches WHERE resource = $1 AND confirmed AND epoch < coalesce(
        (SELECT min(epoch) FROM archive_batches WHERE resource = $1 AND (NOT confirmed OR finished > $2)),
        9223372036854775807)
) AS bound
FROM archive_head WHERE resource = $1

-- name: head
-- tier: cold
-- purpose: Reads the claim row, the last confirmed move, and whether the journal has the move of hot's epoch and token.
-- parameters: resource text, epoch int, token int
-- index: primary keys of archive_head and archive_batches; archive_batches_confirmed
SELECT h.claimed, h.floor, h.mover, h.claimed_at,
    (SELECT max(epoch) FROM archive_batches WHERE resource = $1 AND confirmed) AS confirmed,
    EXISTS (SELECT 1 FROM archive_batches WHERE resource = $1 AND epoch = $2 AND token = $3) AS proven
FROM archive_head h WHERE h.resource = $1

-- name: standing
-- tier: cold
-- purpose: Reads the last confirmed move, whether there is any move, and whether the journal has the move of hot's epoch and token.
-- parameters: resource text, epoch int, token int
-- index: primary key of archive_batches; archive_batches_confirmed
SELECT EXISTS (SELECT 1 FROM archive_batches WHERE resource = $1 AND epoch = $2 AND token = $3) AS proven,
    (SELECT max(epoch) FROM archive_batches WHERE resource = $1 AND confirmed) AS confirmed,
    EXISTS (SELECT 1 FROM archive_batches WHERE resource = $1) AS has_moves

-- name: proven
-- tier: cold
-- purpose: Counts the moves with an epoch and a token: 1 when the journal has the last move of hot.
-- parameters: resource text, epoch int, token int
-- index: primary key of archive_batches
SELECT count(*) AS n FROM archive_batches WHERE resource = $1 AND epoch = $2 AND token = $3

-- name: insert
-- tier: cold
-- purpose: Writes the entry of a move.
-- parameters: resource text, epoch int, kind text, token int, rows int, first at time, first id int, last at time, last id int, digest text, started time, finished time
-- index: primary key of archive_batches
INSERT INTO archive_batches
    (resource, epoch, kind, token, row_count, first_at, first_id, last_at, last_id, digest, started, finished, confirmed)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, FALSE)

-- name: confirm
-- tier: cold
-- purpose: Confirms the moves up to hot's epoch.
-- parameters: resource text, epoch int
-- index: primary key of archive_batches
UPDATE archive_batches SET confirmed = TRUE WHERE resource = $1 AND epoch <= $2 AND NOT confirmed

-- name: above
-- tier: cold
-- purpose: Reads the entries above hot's epoch.
-- parameters: resource text, epoch int
-- index: primary key of archive_batches
SELECT epoch, kind, row_count, digest, finished, confirmed FROM archive_batches
WHERE resource = $1 AND epoch > $2 ORDER BY epoch

-- name: adopted
-- tier: cold
-- purpose: Reads the moves above hot's epoch by which rows of a platform's own archive became versions.
-- parameters: resource text, epoch int
-- index: primary key of archive_batches
SELECT epoch FROM archive_batches WHERE resource = $1 AND epoch > $2 AND kind = 'adopt'

-- name: next
-- tier: cold
-- purpose: Reads the first entry from an epoch on.
-- parameters: resource text, epoch int
-- index: primary key of archive_batches
SELECT epoch, kind, row_count, digest, finished, confirmed FROM archive_batches
WHERE resource = $1 AND epoch >= $2 ORDER BY epoch LIMIT 1

-- name: recent
-- tier: cold
-- purpose: Reads the newest entry and the unconfirmed ones, newest first.
-- parameters: resource text
-- index: primary key of archive_batches
SELECT epoch, kind, row_count, digest, finished, confirmed FROM archive_batches
WHERE resource = $1 AND (NOT confirmed OR epoch = (SELECT max(epoch) FROM archive_batches WHERE resource = $1))
ORDER BY epoch DESC

-- name: kinds
-- tier: cold
-- purpose: Reads the kinds of moves.
-- parameters: resource text, epochs ints
-- index: primary key of archive_batches
SELECT epoch, kind FROM archive_batches WHERE resource = $1 AND epoch {any $2}

-- name: newest
-- tier: cold
-- purpose: Reads the number of the newest entry.
-- parameters: resource text
-- index: primary key of archive_batches
SELECT max(epoch) AS epoch FROM archive_batches WHERE resource = $1

-- name: last_known
-- tier: cold
-- purpose: Reads the number of the last entry up to an epoch.
-- parameters: resource text, epoch int
-- index: primary key of archive_batches
SELECT coalesce(max(epoch), 0) AS epoch FROM archive_batches WHERE resource = $1 AND epoch <= $2

-- name: spanned
-- tier: cold
-- purpose: Reads the first and the last move whose rows lie between two instants.
-- parameters: resource text, from time, to time
-- index: primary key of archive_batches
SELECT min(epoch) AS first, max(epoch) AS last FROM archive_batches
WHERE resource = $1 AND last_at >= $2 AND first_at < $3

-- name: subtract
-- tier: cold
-- purpose: Sets the rows and the digest that a move still has in cold.
-- parameters: resource text, epoch int, rows int, digest text
-- index: primary key of archive_batches
UPDATE archive_batches SET row_count = $3, digest = $4 WHERE resource = $1 AND epoch = $2

-- name: delete
-- tier: cold
-- purpose: Deletes the entry of a move that was undone, never one that hot was seen to commit.
-- parameters: resource text, epoch int
-- index: primary key of archive_batches
DELETE FROM archive_batches WHERE resource = $1 AND epoch = $2 AND (NOT confirmed OR kind = 'doubtful')

-- name: quarantine
-- tier: cold
-- purpose: Quarantines the unconfirmed moves above an epoch that brought rows.
-- parameters: resource text, epoch int
-- index: primary key of archive_batches
UPDATE archive_batches SET kind = 'doubtful' WHERE resource = $1 AND epoch > $2 AND kind = 'archive' AND NOT confirmed

-- name: quarantined
-- tier: cold
-- purpose: Reads the moves that hot may never have committed.
-- parameters: resource text
-- index: primary key of archive_batches
SELECT epoch, kind FROM archive_batches WHERE resource = $1 AND (NOT confirmed OR kind = 'doubtful')

-- name: lock_state
-- tier: hot
-- purpose: Locks the state row until the move ends, notes the mover, and reads the row.
-- parameters: resource text, mover text, now time
-- index: primary key of archive_state
UPDATE archive_state SET mover = $2, updated_at = $3 WHERE resource = $1
RETURNING pair, epoch, token, cold_newest_at, cold_newest_id, held

-- name: locked_state
-- tier: hot
-- purpose: Reads the state row after any commit that is under way; it stays so until the transaction ends.
-- parameters: resource text
-- index: primary key of archive_state
-- A writing transaction of SQLite holds the write lock of the file.
SELECT pair, epoch, token, cold_newest_at, cold_newest_id, held FROM archive_state WHERE resource = $1

-- name: state
-- tier: hot
-- purpose: Reads the state row without a lock.
-- parameters: resource text
-- index: primary key of archive_state
SELECT pair, epoch, token, cold_newest_at, cold_newest_id, held FROM archive_state WHERE resource = $1

-- name: epochs
-- tier: hot
-- purpose: Reads the pair, epoch and token of each resource.
-- index: scan of the three rows
SELECT resource, pair, epoch, token, cold_newest_at FROM archive_state ORDER BY resource

-- name: pair_hot
-- tier: hot
-- purpose: Notes the number of the pair, unless there is one.
-- parameters: pair int
-- index: scan of the three rows
UPDATE archive_state SET pair = $1 WHERE pair IS NULL

-- name: raise
-- tier: hot
-- purpose: Raises the epoch; the commit of this transaction is the move.
-- parameters: resource text, epoch int, token int, newest at time, newest id int, now time
-- index: primary key of archive_state
UPDATE archive_state
SET epoch = $2, token = $3, cold_newest_at = $4, cold_newest_id = $5, mover = NULL, updated_at = $6
WHERE resource = $1

-- name: hold
-- tier: hot
-- purpose: Keeps movers away from a resource, or lets them in again.
-- parameters: resource text, held bool
-- index: primary key of archive_state
UPDATE archive_state SET held = $2 WHERE resource = $1

-- name: control
-- tier: hot
-- purpose: Reads what operators ask of the movers of a resource.
-- parameters: resource text
-- index: primary key of archive_control
SELECT paused, rows_per_second, max_hot_latency_ms FROM archive_control WHERE resource = $1

-- name: controlled
-- tier: hot
-- purpose: Reads whether a resource is held, and what operators ask of its movers, without a lock. Its duration is the latency of hot.
-- parameters: resource text
-- index: primary keys of archive_state and archive_control
SELECT s.held, c.paused, c.rows_per_second, c.max_hot_latency_ms
FROM archive_state s LEFT JOIN archive_control c ON c.resource = s.resource WHERE s.resource = $1

-- name: lock_control
-- tier: hot
-- purpose: Locks what operators ask of the movers of a resource until the transaction ends.
-- parameters: resource text, now time
-- index: primary key of archive_control
UPDATE archive_control SET changed_at = $2 WHERE resource = $1

-- name: set_control
-- tier: hot
-- purpose: Sets what operators ask of the movers of a resource.
-- parameters: resource text, paused bool, rows int, latency int
-- index: primary key of archive_control
UPDATE archive_control SET paused = $2, rows_per_second = $3, max_hot_latency_ms = $4 WHERE resource = $1

-- name: live_bound
-- tier: hot
-- purpose: Reads the token of now: every transaction below the bound has ended.
-- index: primary key of live_state
SELECT incarnation, version + 1 AS bound FROM live_state

-- name: live_kept
-- tier: hot
-- purpose: Reads the floor of the change feed, and how many notes of moved and erased rows there are above it.
-- index: scan of the notes, whose number is bounded
SELECT floor, (SELECT count(*) FROM live_moved) AS moved, (SELECT count(*) FROM live_erased) AS erased FROM live_state

-- name: live_raise
-- tier: hot
-- purpose: Raises the floor of the change feed above all but the newest notes. Older tokens expire.
-- parameters: kept int
-- index: primary key of live_moved; live_erased_version
UPDATE live_state SET floor = (SELECT version + 1 FROM {table} ORDER BY version DESC, id DESC LIMIT 1 OFFSET $1)

-- name: live_drop
-- tier: hot
-- purpose: Deletes the notes below the floor of the change feed.
-- index: primary key of live_moved; live_erased_version
DELETE FROM {table} WHERE version < (SELECT floor FROM live_state)
