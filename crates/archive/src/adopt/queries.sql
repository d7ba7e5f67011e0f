-- Statements of the adoption of a platform's own archive. {source} is one of its tables, where it stands now.

-- name: originals
-- tier: cold
-- engine: postgres
-- purpose: Reads the columns of tables with some names, those set aside and those that an unqualified name finds.
-- parameters: names text
-- index: catalogs

-- name: make_schema
-- tier: cold
-- engine: postgres
-- purpose: Makes the schema in which the platform's own tables wait.
-- index: none

-- name: open_schema
-- tier: cold
-- engine: postgres
-- purpose: Grants every role the use of that schema. The rights on its tables stay as they were.
-- index: none

-- name: set_aside
-- tier: cold
-- engine: postgres
-- purpose: Moves a table of the platform to that schema, with its indexes and sequences. It is locked for a moment, not rewritten.
-- index: none

-- name: note_schema
-- tier: cold
-- engine: postgres
-- purpose: Notes which schema the tables of the platform came from.
-- index: none

-- name: noted_schema
-- tier: cold
-- engine: postgres
-- purpose: Reads which schema the tables of the platform came from.
-- index: catalogs

-- name: put_back
-- tier: cold
-- engine: postgres
-- purpose: Moves a table of the platform back to the schema that unqualified names are made in.
-- index: none

-- name: drop_original
-- tier: cold
-- engine: postgres
-- purpose: Drops a table of the platform that was adopted.
-- index: none

-- name: drop_schema
-- tier: cold
-- engine: postgres
-- purpose: Drops the schema of the platform's own tables, if it is empty.
-- index: none

-- name: adoptions
-- tier: cold
-- purpose: Reads how far each table has been adopted.
-- index: scan of at most four rows
SELECT source, phase, zone, last_id, row_count, left_hot FROM archive_adoption ORDER BY source

-- name: set_phase
-- tier: cold
-- purpose: Notes that the adoption of a table has reached a phase.
-- parameters: source text, phase text, now time
-- index: primary key of archive_adoption
UPDATE archive_adoption SET phase = $2, at = $3 WHERE source = $1

-- name: start_again
-- tier: cold
-- purpose: Notes that the adoption of a table begins anew.
-- parameters: source text, now time
-- index: primary key of archive_adoption
UPDATE archive_adoption SET phase = 'found', last_id = -9223372036854775807, row_count = 0, at = $2 WHERE source = $1

-- name: set_zone
-- tier: cold
-- purpose: Notes the time zone of the instants of a table.
-- parameters: source text, zone text
-- index: primary key of archive_adoption
UPDATE archive_adoption SET zone = $2 WHERE source = $1

-- name: progress
-- tier: cold
-- purpose: Notes the last row that was copied, and adds to the number of copies.
-- parameters: source text, last id int, rows int, now time
-- index: primary key of archive_adoption
UPDATE archive_adoption SET last_id = $2, row_count = row_count + $3, at = $4 WHERE source = $1

-- name: left_hot
-- tier: cold
-- purpose: Adds to the number of rows that both databases held and that have left hot.
-- parameters: source text, rows int
-- index: primary key of archive_adoption
UPDATE archive_adoption SET left_hot = left_hot + $2 WHERE source = $1

-- name: clear_rejects
-- tier: cold
-- purpose: Deletes the rejects of a table, before they are found anew.
-- parameters: source text
-- index: primary key of archive_adoption_rejects
DELETE FROM archive_adoption_rejects WHERE source = $1

-- name: losers
-- tier: fragment
-- purpose: The rows that cannot become versions: unreadable ones, and all but the newest of several copies of one row.

-- name: sort_out
-- tier: cold
-- engine: postgres
-- purpose: Keeps the rows aside that cannot become versions.
-- parameters: source text, now time
-- index: two scans of the table

-- name: sorted_out
-- tier: cold
-- engine: postgres
-- purpose: Counts the rows that cannot become versions, by class, with the first of each.
-- index: two scans of the table

-- name: classes
-- tier: cold
-- purpose: Counts the rejects of a table by class, with the first of each.
-- parameters: source text
-- index: archive_adoption_rejects_class
SELECT class, n, id, original_id, detail FROM (
    SELECT class, id, original_id, detail, count(*) OVER (PARTITION BY class) AS n,
        row_number() OVER (PARTITION BY class ORDER BY id) AS nth
    FROM archive_adoption_rejects WHERE source = $1
) numbered
WHERE nth <= 10 ORDER BY class, nth

-- name: page
-- tier: cold
-- engine: postgres
-- purpose: Reads the next rows to copy: their ids, those they had in hot, and their bytes.
-- parameters: last id int, limit int
-- index: the table's index on id; primary key of archive_adoption_rejects

-- name: look
-- tier: cold
-- engine: postgres
-- purpose: Reads the ids of the next rows, and those they had in hot.
-- parameters: last id int, limit int
-- index: the table's index on id

-- name: count_original
-- tier: cold
-- engine: postgres
-- purpose: Counts the rows of a table of the platform.
-- index: scan of the table

-- name: references
-- tier: cold
-- engine: postgres
-- purpose: Reads the next ids that the rows of a table of the platform refer to in one column.
-- parameters: last id int, limit int
-- index: scan of the table

-- name: known
-- tier: cold
-- engine: postgres
-- purpose: Finds those of some ids of hot that a table of the platform holds.
-- parameters: ids ints
-- index: scan of the table, unless it has an index of its own

-- name: hold_back
-- tier: cold
-- engine: postgres
-- purpose: Keeps rows aside that hot holds too.
-- parameters: source text, ids ints, ids in hot ints, now time
-- index: primary key of archive_adoption_rejects

-- name: copy
-- tier: cold
-- engine: postgres
-- purpose: Copies the rows between two ids as versions of one batch, and returns them.
-- parameters: last id int, up to id int, now time, epoch int
-- index: the table's index on id; primary key of archive_adoption_rejects

-- name: copied
-- tier: cold
-- engine: postgres
-- purpose: Counts the rows of a table and its rejects.
-- parameters: source text
-- index: scan of the table; primary key of archive_adoption_rejects

-- name: original_rows
-- tier: cold
-- engine: postgres
-- purpose: Reads rows of the platform as versions have them.
-- parameters: ids ints, now time
-- index: the table's index on id

-- name: held
-- tier: cold
-- purpose: Reads the next rows that are kept aside because hot holds them too.
-- parameters: source text, last id int, limit int
-- index: archive_adoption_rejects_class
SELECT id FROM archive_adoption_rejects WHERE source = $1 AND class = 'in_hot' AND id > $2 ORDER BY id LIMIT $3

-- name: resolved
-- tier: cold
-- purpose: Forgets rows that were kept aside and have become versions.
-- parameters: source text, ids ints
-- index: primary key of archive_adoption_rejects
DELETE FROM archive_adoption_rejects WHERE source = $1 AND class = 'in_hot' AND id {any $2}

-- name: differs
-- tier: cold
-- engine: postgres
-- purpose: Keeps rows for good that differ from those of hot, or whose row in hot cannot move.
-- parameters: source text, ids ints, class text, detail text
-- index: primary key of archive_adoption_rejects; the table's index on id

-- name: count_leaves
-- tier: cold
-- engine: postgres
-- purpose: Counts the adopted rows of each scope in blocks of level 0.
-- parameters: epoch int, rows of a block int, greatest time time, greatest id int
-- index: the table's index on the scope, or a sort

-- name: count_nodes
-- tier: cold
-- engine: postgres
-- purpose: Counts the blocks of level 0 of an adoption in blocks of level 1.
-- parameters: epoch int, blocks of a block int
-- index: {blocks}_batch

-- name: count_actions
-- tier: cold
-- engine: postgres
-- purpose: Counts the adopted rows as user actions by day.
-- parameters: epoch int, now time
-- index: scan of the table

-- name: adopt_activity
-- tier: cold
-- engine: postgres
-- purpose: Copies the platform's own counts of user actions.
-- parameters: now time
-- index: scan of the table

-- name: clear_activity
-- tier: cold
-- engine: postgres
-- purpose: Deletes the platform's own counts of user actions, before they are copied.
-- index: scan of the table

-- name: activity_losers
-- tier: fragment
-- purpose: The counts of user actions that cannot be read.

-- name: last_adopted
-- tier: cold
-- purpose: Reads epoch and token of the last adopted batch.
-- parameters: resource text
-- index: primary key of archive_batches
SELECT epoch, token FROM archive_batches WHERE resource = $1 AND kind = 'adopt' ORDER BY epoch DESC LIMIT 1

-- name: newest_adopted
-- tier: cold
-- purpose: Reads the newest key of the adopted batches.
-- parameters: resource text
-- index: primary key of archive_batches
SELECT last_at, last_id FROM archive_batches WHERE resource = $1 AND kind = 'adopt'
ORDER BY last_at DESC, last_id DESC LIMIT 1

-- name: lowest_id
-- tier: hot
-- purpose: Reads the lowest id of a table.
-- index: primary key
SELECT min(id) AS id FROM {table}

-- name: forget_copies
-- tier: cold
-- engine: postgres
-- purpose: Deletes the rejects that are copies of erased rows, also those with another id.
-- parameters: resource text
-- index: primary key of archive_erasures; scan of the table

-- name: forget_original
-- tier: cold
-- engine: postgres
-- purpose: Deletes erased rows from the platform's own table, with every copy of them.
-- parameters: resource text
-- index: primary key of archive_erasures; scan of the table

-- name: forget_author
-- tier: cold
-- engine: postgres
-- purpose: Deletes the rows of a user from the platform's own table.
-- parameters: user int
-- index: scan of the table

-- name: forget_kept
-- tier: cold
-- engine: postgres
-- purpose: Deletes the rejects that a user wrote.
-- parameters: user int
-- index: archive_adoption_rejects_class

-- name: forget_activity
-- tier: cold
-- engine: postgres
-- purpose: Deletes the platform's own counts of a user's actions.
-- parameters: user int
-- index: user_behavior_analytics_user

-- name: came_from_hot
-- tier: cold
-- purpose: Reads the first move that took rows out of hot which are still in cold.
-- parameters: resource text
-- index: primary key of archive_batches; {table}_batch
SELECT epoch FROM archive_batches b
WHERE b.resource = $1 AND b.kind IN ('archive', 'doubtful')
    AND EXISTS (SELECT 1 FROM {table} t WHERE t.from_epoch = b.epoch AND t.to_epoch IS NULL)
ORDER BY epoch LIMIT 1

-- name: brought_open
-- tier: cold
-- purpose: Reads the open rows that a move brought to cold.
-- parameters: epoch int
-- index: {table}_batch
SELECT {columns} FROM {table} WHERE from_epoch = $1 AND to_epoch IS NULL

-- name: close_brought
-- tier: cold
-- purpose: Closes the open rows that a move brought to cold.
-- parameters: epoch int, number of the move int
-- index: {table}_batch
UPDATE {table} SET to_epoch = $2 WHERE from_epoch = $1 AND to_epoch IS NULL

-- name: unpair
-- tier: hot
-- purpose: Makes hot as it was before its first move, once all rows are back.
-- index: scan of the three rows
UPDATE archive_state SET pair = NULL, epoch = 0, token = NULL, cold_newest_at = NULL, cold_newest_id = NULL, mover = NULL
