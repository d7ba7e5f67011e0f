-- Statements of moves. Those with names in braces are templates, bound to each table that moves; {key} is the column of
-- the ids that the statement is given.

-- name: take
-- tier: hot
-- purpose: Removes the rows that belong to some ids from hot and returns exactly the rows it removed.
-- parameters: ids ints
-- index: primary key; comments_key for comments by post
DELETE FROM {table} WHERE {key} {any $1} RETURNING {columns}

-- name: take_followed
-- tier: hot
-- purpose: Removes rows of a table with a change feed from hot, and returns them with their versions. Where triggers note the versions they are NULL.
-- parameters: ids ints
-- index: primary key
DELETE FROM {table} WHERE {key} {any $1} RETURNING {columns}, NULL AS live_version

-- name: held
-- tier: hot
-- purpose: Counts the rows with an identity: 1 when hot holds the row.
-- parameters: first int, second int
-- index: primary key
SELECT count(*) AS n FROM {table} WHERE {first} = $1 AND {second} = $2

-- name: hot_of
-- tier: hot
-- purpose: Reads the rows of hot that belong to some ids.
-- parameters: ids ints
-- index: primary key; comments_key for comments by post
SELECT {columns} FROM {table} WHERE {key} {any $1}

-- name: open_of
-- tier: cold
-- purpose: Reads the open rows of cold that belong to some ids.
-- parameters: ids ints
-- index: {table}_open or {table}_original
SELECT {columns} FROM {table} WHERE {key} {any $1} AND to_epoch IS NULL

-- name: open_weights
-- tier: cold
-- purpose: Counts the open rows of cold that belong to each of some ids, and their bytes of text.
-- parameters: ids ints
-- index: {table}_open or {table}_original
SELECT {key} AS id, count(*) AS n, coalesce(sum({texts}), 0) AS bytes FROM {table}
WHERE {key} {any $1} AND to_epoch IS NULL GROUP BY {key}

-- name: close
-- tier: cold
-- purpose: Closes the open rows of cold that belong to some ids.
-- parameters: ids ints, epoch int
-- index: {table}_open or {table}_original
UPDATE {table} SET to_epoch = $2 WHERE {key} {any $1} AND to_epoch IS NULL

-- name: any_open
-- tier: cold
-- purpose: Finds whether cold holds any open row, or counts that a platform kept itself.
-- parameters: counts text
-- index: {table}_open; user_behavior_analytics_batch
SELECT 1 AS n WHERE EXISTS (SELECT 1 FROM {table} WHERE to_epoch IS NULL)
    OR EXISTS (SELECT 1 FROM user_behavior_analytics WHERE resource = $1)

-- name: undo_rows
-- tier: cold
-- purpose: Deletes the rows that an interrupted move brought.
-- parameters: epoch int
-- index: {table}_batch (from_epoch)
DELETE FROM {table} WHERE from_epoch = $1

-- name: undo_closed
-- tier: cold
-- purpose: Opens the rows again that an interrupted move closed.
-- parameters: epoch int
-- index: {table}_closed or {table}_closed_epoch (to_epoch)
UPDATE {table} SET to_epoch = NULL WHERE to_epoch = $1

-- name: undo_activity
-- tier: cold
-- purpose: Deletes the user actions that an interrupted move counted.
-- parameters: resource text, epoch int
-- index: user_behavior_analytics_batch
DELETE FROM user_behavior_analytics WHERE resource = $1 AND from_epoch = $2

-- name: versions
-- tier: cold
-- purpose: Reads every version of the rows that belong to some ids.
-- parameters: ids ints
-- index: {table}_original, or those of open and closed rows
SELECT {columns}, from_epoch FROM {table} WHERE {key} {any $1}

-- name: drop_versions
-- tier: cold
-- purpose: Deletes every version of the rows that belong to some ids.
-- parameters: ids ints
-- index: {table}_original, or those of open and closed rows
DELETE FROM {table} WHERE {key} {any $1}

-- name: hot_by
-- tier: hot
-- purpose: Finds rows of hot that a user wrote, to erase them.
-- parameters: user int, limit int
-- index: scan; nothing else asks for it
SELECT DISTINCT {first} AS id FROM {table} WHERE {author} = $1 LIMIT $2

-- name: cold_by
-- tier: cold
-- purpose: Finds rows of cold that a user wrote, in every version, to erase them.
-- parameters: user int, limit int
-- index: scan; nothing else asks for it
SELECT DISTINCT {first} AS id FROM {table} WHERE {author} = $1 LIMIT $2

-- name: erased_again
-- tier: hot
-- purpose: Finds rows that are in hot though they were erased.
-- parameters: noun text, limit int
-- index: primary key of archive_erasures, then that of the table
SELECT DISTINCT t.{key} AS id FROM archive_erasures e JOIN {table} t ON t.{key} = e.id WHERE e.resource = $1 LIMIT $2

-- name: erase_later
-- tier: cold
-- purpose: Notes ids that the next move erases.
-- parameters: noun text, ids ints, reason text, now time
-- index: primary key of archive_erasures

-- name: erasing
-- tier: cold
-- purpose: Reads the ids that are still to be erased, or to be removed from cold.
-- index: archive_erasures_pending
SELECT resource, id, pending FROM archive_erasures WHERE pending IS NOT NULL ORDER BY resource, id

-- name: erased_with
-- tier: cold
-- purpose: Notes the move that erases some ids.
-- parameters: noun text, ids ints, epoch int
-- index: primary key of archive_erasures
UPDATE archive_erasures SET pending = $3 WHERE resource = $1 AND id {any $2} AND pending IS NOT NULL

-- name: undo_erased
-- tier: cold
-- purpose: Notes that the ids of an interrupted erasure are still to be erased.
-- parameters: noun text, epoch int
-- index: archive_erasures_pending
UPDATE archive_erasures SET pending = 0 WHERE resource = $1 AND pending = $2

-- name: erased_wholly
-- tier: cold
-- purpose: Notes that nothing is left of some ids.
-- parameters: noun text, ids ints
-- index: primary key of archive_erasures
UPDATE archive_erasures SET pending = NULL WHERE resource = $1 AND id {any $2}

-- name: note_purged
-- tier: cold
-- purpose: Notes ids that a move purges, until they are removed.
-- parameters: noun text, ids ints, epoch int, now time
-- index: primary key of archive_erasures

-- name: forget_purged
-- tier: cold
-- purpose: Forgets ids of which a purge has left nothing.
-- parameters: noun text, ids ints
-- index: primary key of archive_erasures
DELETE FROM archive_erasures WHERE resource = $1 AND id {any $2} AND reason = 'purged'

-- name: undo_purged
-- tier: cold
-- purpose: Forgets the ids of an interrupted purge.
-- parameters: noun text, epoch int
-- index: archive_erasures_pending
DELETE FROM archive_erasures WHERE resource = $1 AND pending = $2 AND reason = 'purged'

-- name: forget_adopted
-- tier: cold
-- purpose: Deletes the copies of erased rows that an adoption kept aside.
-- parameters: table text, ids ints
-- index: archive_adoption_rejects_original
DELETE FROM archive_adoption_rejects WHERE source = $1 AND original_id {any $2}

-- name: noted
-- tier: both
-- purpose: Reads all ids that were erased.
-- parameters: noun text
-- index: primary key of archive_erasures
SELECT id FROM archive_erasures WHERE resource = $1 ORDER BY id

-- name: note_erased
-- tier: hot
-- purpose: Notes erased ids in hot.
-- parameters: noun text, ids ints, reason text, now time
-- index: primary key of archive_erasures

-- name: was_erased
-- tier: hot
-- purpose: Finds those of some ids that were erased and must not come in again.
-- parameters: noun text, ids ints
-- index: primary key of archive_erasures
SELECT id FROM archive_erasures WHERE resource = $1 AND id {any $2}

-- name: reject
-- tier: hot
-- purpose: Notes that a row cannot move, unless another mover did.
-- parameters: resource text, id int, reason text, now time
-- index: primary key of archive_rejects
INSERT INTO archive_rejects (resource, id, reason, at)
SELECT $1, $2, $3, $4 WHERE NOT EXISTS (SELECT 1 FROM archive_rejects WHERE resource = $1 AND id = $2)

-- name: retry
-- tier: hot
-- purpose: Makes the rejected rows of a resource due again.
-- parameters: resource text
-- index: primary key of archive_rejects
DELETE FROM archive_rejects WHERE resource = $1
