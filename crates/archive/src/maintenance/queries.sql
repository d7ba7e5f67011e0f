-- Statements of `archive verify`, `archive vacuum` and `archive status`.

-- Verify: the journal and the rows of one move.

-- name: in_hot
-- tier: hot
-- purpose: Reads the epoch and the watermark with the rows of these ids that hot holds at that epoch.
-- parameters: resource text, ids ints
-- index: primary key of the table, or its index on the owner column; one seek for each id
SELECT s.epoch, s.cold_newest_at, s.cold_newest_id, r.first_, r.second_
FROM archive_state s
LEFT JOIN (SELECT {first} AS first_, {second} AS second_ FROM {table} WHERE {owner} {any $2}) r ON 1 = 1
WHERE s.resource = $1

-- name: in_cold
-- tier: cold
-- purpose: Reads every version of the rows of these ids, oldest first.
-- parameters: ids ints
-- index: the table's indexes on the owner column, one range for open and one for closed versions
SELECT {first} AS first_, {second} AS second_, from_epoch, to_epoch FROM {table}
WHERE {owner} {any $1} AND to_epoch IS NULL
UNION ALL
SELECT {first} AS first_, {second} AS second_, from_epoch, to_epoch FROM {table}
WHERE {owner} {any $1} AND to_epoch IS NOT NULL
ORDER BY first_, second_, from_epoch

-- name: count_closed_by
-- tier: cold
-- purpose: Counts the versions that one move closed.
-- parameters: epoch int
-- index: the table's index on to_epoch
SELECT count(*) AS n FROM {table} WHERE to_epoch = $1

-- Verify: rows that nothing accounts for.

-- name: unaccounted_rows
-- tier: cold
-- purpose: Counts rows by each epoch they name that is not in the journal.
-- parameters: resource text
-- index: the table's indexes on from_epoch and to_epoch, read whole; primary key of archive_batches
SELECT epoch, CAST(sum(n) AS BIGINT) AS n FROM (
    SELECT from_epoch AS epoch, count(*) AS n FROM {table} GROUP BY from_epoch
    UNION ALL
    SELECT to_epoch, count(*) FROM {table} WHERE to_epoch IS NOT NULL GROUP BY to_epoch
) named
WHERE NOT EXISTS (SELECT 1 FROM archive_batches b WHERE b.resource = $1 AND b.epoch = named.epoch)
GROUP BY epoch ORDER BY epoch LIMIT 100

-- name: erased_rows
-- tier: cold
-- purpose: Counts open versions of erased ids whose erasure is not pending any more.
-- parameters: noun text
-- index: primary key of archive_erasures; the table's open index on the column
SELECT e.id, count(*) AS n FROM archive_erasures e JOIN {table} t ON t.{key} = e.id AND t.to_epoch IS NULL
WHERE e.resource = $1 AND e.pending IS DISTINCT FROM 0
GROUP BY e.id ORDER BY e.id LIMIT 100

-- Verify: user activity.

-- name: counted_actions
-- tier: cold
-- purpose: Lists the actions that are counted for a resource.
-- parameters: resource text
-- index: user_behavior_analytics_batch
SELECT action_type AS action, count(*) AS n FROM user_behavior_analytics WHERE resource = $1
GROUP BY action_type ORDER BY action_type

-- name: unaccounted_actions
-- tier: cold
-- purpose: Counts activity deltas by each epoch they name that is not in the journal.
-- parameters: resource text
-- index: user_behavior_analytics_batch; primary key of archive_batches
SELECT from_epoch AS epoch, count(*) AS n FROM user_behavior_analytics u
WHERE resource = $1
    AND NOT EXISTS (SELECT 1 FROM archive_batches b WHERE b.resource = u.resource AND b.epoch = u.from_epoch)
GROUP BY from_epoch ORDER BY from_epoch LIMIT 100

-- name: miscounted_actions
-- tier: cold
-- purpose: Lists the users and days whose activity deltas between two epochs differ from the rows that came and went.
-- parameters: resource text, action text, first epoch int, last epoch int
-- index: user_behavior_analytics_batch; the table's indexes on from_epoch and to_epoch

-- Verify: counted blocks.

-- name: block_deltas
-- tier: cold
-- purpose: Reads what one move counted, by scope and level.
-- parameters: epoch int
-- index: the table's index on from_epoch
SELECT scope, CAST(level AS BIGINT) AS level, CAST(sum(n) AS BIGINT) AS n FROM {blocks} b WHERE from_epoch = $1
GROUP BY b.scope, b.level

-- name: unbounded_levels
-- tier: cold
-- purpose: Counts for each scope the levels that have a last block without an upper bound.
-- parameters: scopes ints, greatest time time, greatest id int
-- index: primary key
SELECT scope, count(DISTINCT level) AS n FROM {blocks}
WHERE scope {any $1} AND level IN (0, 1) AND upper_at = $2 AND upper_id = $3
GROUP BY scope

-- name: block_page
-- tier: cold
-- purpose: Reads the next blocks after an upper bound with the rows they count now.
-- parameters: scope int, level int, upper time time, upper id int, limit int
-- index: primary key
SELECT scope, CAST(level AS BIGINT) AS level, upper_at, upper_id, CAST(sum(n) AS BIGINT) AS n FROM {blocks} b
WHERE (scope, level, upper_at, upper_id) > ($1, $2, $3, $4)
GROUP BY b.scope, b.level, b.upper_at, b.upper_id ORDER BY b.scope, b.level, b.upper_at, b.upper_id LIMIT $5

-- name: block_before
-- tier: cold
-- purpose: Reads the upper bound of the last block that ends before a key.
-- parameters: scope int, level int, key time time, key id int
-- index: primary key
SELECT upper_at, upper_id FROM {blocks}
WHERE scope = $1 AND level = $2 AND (upper_at, upper_id) < ($3, $4)
ORDER BY upper_at DESC, upper_id DESC LIMIT 1

-- name: block_leaves
-- tier: cold
-- purpose: Sums the level 0 blocks between two bounds and tells whether one of them ends at the newer bound.
-- parameters: scope int, lower time time, lower id int, upper time time, upper id int
-- index: primary key
SELECT CAST(coalesce(sum(n), 0) AS BIGINT) AS n, count(CASE WHEN (upper_at, upper_id) = ($4, $5) THEN 1 END) AS ends
FROM {blocks}
WHERE scope = $1 AND level = 0 AND (upper_at, upper_id) > ($2, $3) AND (upper_at, upper_id) <= ($4, $5)

-- name: block_signature
-- tier: cold
-- purpose: Reads the signature of a block, if it holds.
-- parameters: scope int, upper time time, upper id int
-- index: primary keys
SELECT bits FROM {signatures} s
WHERE scope = $1 AND upper_at = $2 AND upper_id = $3 AND from_epoch = (
    SELECT max(from_epoch) FROM {blocks} WHERE scope = $1 AND level = 0 AND upper_at = $2 AND upper_id = $3
)

-- Vacuum: closed versions.

-- name: closing_epochs
-- tier: cold
-- purpose: Lists the moves up to an epoch that closed versions which are still there.
-- parameters: epoch int
-- index: the table's index on to_epoch
SELECT DISTINCT to_epoch AS epoch FROM {table} WHERE to_epoch <= $1

-- name: count_closed
-- tier: cold
-- purpose: Counts the versions closed up to an epoch.
-- parameters: epoch int
-- index: the table's index on to_epoch
SELECT count(*) AS n FROM {table} WHERE to_epoch <= $1

-- name: closed
-- tier: cold
-- purpose: Reads the versions that one move closed, in declared column order.
-- parameters: epoch int
-- index: the table's index on to_epoch
SELECT {columns}, from_epoch FROM {table} WHERE to_epoch = $1

-- name: remove_closed
-- tier: cold
-- purpose: Deletes the versions that one move closed.
-- parameters: epoch int
-- index: the table's index on to_epoch
DELETE FROM {table} WHERE to_epoch = $1

-- name: analyze
-- tier: cold
-- purpose: Refreshes the planner's statistics of a table.
-- index: none; samples the table
ANALYZE {table}

-- Vacuum: counted blocks.

-- name: foldable_scopes
-- tier: cold
-- purpose: Lists scopes, from one on, with blocks that have several deltas up to an epoch.
-- parameters: scope int, epoch int, limit int
-- index: primary key
SELECT DISTINCT scope FROM (
    SELECT scope FROM {blocks} WHERE scope >= $1 AND from_epoch <= $2
    GROUP BY scope, level, upper_at, upper_id HAVING count(*) > 1
) several
ORDER BY scope LIMIT $3

-- name: count_foldable_deltas
-- tier: cold
-- purpose: Counts the deltas up to an epoch that folding would remove.
-- parameters: epoch int
-- index: primary key, read whole
SELECT CAST(coalesce(sum(n - 1), 0) AS BIGINT) AS n FROM (
    SELECT count(*) AS n FROM {blocks} WHERE from_epoch <= $1 GROUP BY scope, level, upper_at, upper_id
) deltas

-- name: fold_deltas
-- tier: cold
-- purpose: Sets the newest delta of each block up to an epoch to the sum of them all. Empty blocks stay: they may bound others.
-- parameters: scopes ints, epoch int
-- index: primary key
UPDATE {blocks} AS b SET n = folded.n
FROM (
    SELECT scope, level, upper_at, upper_id, max(from_epoch) AS from_epoch, sum(n) AS n FROM {blocks}
    WHERE scope {any $1} AND from_epoch <= $2
    GROUP BY scope, level, upper_at, upper_id HAVING count(*) > 1
) folded
WHERE (b.scope, b.level, b.upper_at, b.upper_id, b.from_epoch)
    = (folded.scope, folded.level, folded.upper_at, folded.upper_id, folded.from_epoch)

-- name: drop_folded_deltas
-- tier: cold
-- purpose: Deletes the deltas that a newer one includes.
-- parameters: scopes ints, epoch int
-- index: primary key
DELETE FROM {blocks} AS b
WHERE b.scope {any $1} AND b.from_epoch < $2 AND EXISTS (
    SELECT 1 FROM {blocks} newer
    WHERE (newer.scope, newer.level, newer.upper_at, newer.upper_id) = (b.scope, b.level, b.upper_at, b.upper_id)
        AND newer.from_epoch > b.from_epoch AND newer.from_epoch <= $2
)

-- Vacuum: signatures of counted blocks.

-- name: unsigned_blocks
-- tier: cold
-- purpose: Reads the next blocks of level 0, without the last of each scope, that have no signature that holds and that no move after an epoch has counted in.
-- parameters: scope int, upper time time, upper id int, epoch int, greatest time time, limit int
-- index: primary keys
SELECT scope, upper_at, upper_id, from_epoch FROM (
    SELECT scope, level, upper_at, upper_id, max(from_epoch) AS from_epoch FROM {blocks}
    WHERE (scope, level, upper_at, upper_id) > ($1, 0, $2, $3) AND level = 0 AND upper_at < $5
    GROUP BY scope, level, upper_at, upper_id
) b
WHERE from_epoch <= $4 AND NOT EXISTS (
    SELECT 1 FROM {signatures} s
    WHERE s.scope = b.scope AND s.upper_at = b.upper_at AND s.upper_id = b.upper_id AND s.from_epoch = b.from_epoch
)
ORDER BY scope, upper_at, upper_id LIMIT $6

-- name: count_unsigned_blocks
-- tier: cold
-- purpose: Counts the blocks of level 0, without the last of each scope, that have no signature that holds and that no move after an epoch has counted in.
-- parameters: epoch int, greatest time time
-- index: primary keys
SELECT count(*) AS n FROM (
    SELECT scope, upper_at, upper_id, max(from_epoch) AS from_epoch FROM {blocks}
    WHERE level = 0 AND upper_at < $2
    GROUP BY scope, upper_at, upper_id
) b
WHERE from_epoch <= $1 AND NOT EXISTS (
    SELECT 1 FROM {signatures} s
    WHERE s.scope = b.scope AND s.upper_at = b.upper_at AND s.upper_id = b.upper_id AND s.from_epoch = b.from_epoch
)

-- name: drop_left_signatures
-- tier: cold
-- purpose: Deletes the signatures that no longer hold because a move up to an epoch has counted in their blocks.
-- parameters: epoch int
-- index: primary key of {blocks}; reads the signatures whole
DELETE FROM {signatures} AS s
WHERE EXISTS (
    SELECT 1 FROM {blocks} b
    WHERE b.scope = s.scope AND b.level = 0 AND b.upper_at = s.upper_at AND b.upper_id = s.upper_id
        AND b.from_epoch > s.from_epoch AND b.from_epoch <= $1
)

-- Vacuum: user activity.

-- name: next_users
-- tier: cold
-- purpose: Lists the next users after an id with any activity.
-- parameters: user int, limit int
-- index: user_behavior_analytics_user
SELECT DISTINCT user_id FROM user_behavior_analytics WHERE user_id > $1 ORDER BY user_id LIMIT $2

-- name: count_foldable_actions
-- tier: cold
-- purpose: Counts the activity deltas up to an epoch that folding would remove.
-- parameters: epoch int, resource text
-- index: user_behavior_analytics_batch
SELECT CAST(coalesce(sum(CASE WHEN n = 0 THEN several ELSE several - 1 END), 0) AS BIGINT) AS n FROM (
    SELECT count(*) AS several, sum(action_count) AS n FROM user_behavior_analytics
    WHERE resource = $2 AND from_epoch <= $1 GROUP BY user_id, analysis_date, action_type
) counts

-- name: fold_actions
-- tier: cold
-- purpose: Sets one activity delta of each user, day and action up to an epoch to the sum of them all.
-- parameters: users ints, epoch int, resource text
-- index: user_behavior_analytics_user
UPDATE user_behavior_analytics AS u
SET action_count = folded.n, from_epoch = folded.from_epoch, created_at = folded.created_at
FROM (
    SELECT user_id, max(id) AS id, max(from_epoch) AS from_epoch, max(created_at) AS created_at,
        CAST(sum(action_count) AS BIGINT) AS n
    FROM user_behavior_analytics
    WHERE user_id {any $1} AND resource = $3 AND from_epoch <= $2
    GROUP BY user_id, analysis_date, action_type HAVING count(*) > 1
) folded
WHERE u.user_id = folded.user_id AND u.id = folded.id

-- name: drop_folded_actions
-- tier: cold
-- purpose: Deletes the activity deltas that another one includes, and sums of 0, which would show that there was something.
-- parameters: users ints, epoch int, resource text
-- index: user_behavior_analytics_user
DELETE FROM user_behavior_analytics AS u
WHERE u.user_id {any $1} AND u.resource = $3 AND u.from_epoch <= $2 AND (u.action_count = 0 OR EXISTS (
    SELECT 1 FROM user_behavior_analytics sum
    WHERE (sum.user_id, sum.analysis_date, sum.action_type, sum.resource)
            = (u.user_id, u.analysis_date, u.action_type, u.resource)
        AND sum.id > u.id AND sum.from_epoch <= $2
))

-- Status.

-- name: rejects
-- tier: hot
-- purpose: Reads the newest rows that cold cannot hold, with the number of all of them.
-- parameters: resource text, limit int
-- index: primary key of archive_rejects, then a sort of the rejects of the resource
SELECT id, reason, at, count(*) OVER () AS n FROM archive_rejects WHERE resource = $1 ORDER BY at DESC, id DESC LIMIT $2


-- name: count_hot
-- tier: hot
-- purpose: Counts the rows of a table in hot.
-- index: the smallest index, read whole
SELECT count(*) AS n FROM {table}

-- name: count_moved
-- tier: cold
-- purpose: Counts the versions that the moves between two epochs have brought and closed, without the first of these moves.
-- parameters: after int, up_to int
-- index: the table's batch and closed indexes, a range each
SELECT (SELECT count(*) FROM {table} WHERE from_epoch > $1 AND from_epoch <= $2) AS brought,
    (SELECT count(*) FROM {table} WHERE to_epoch > $1 AND to_epoch <= $2) AS closed

-- name: count_cold
-- tier: cold
-- purpose: Counts the open versions of a table in cold. PostgreSQL estimates a large table, closed versions included, and says so.
-- index: the table's open index, read whole
SELECT count(*) AS n, TRUE AS is_exact FROM {table} WHERE to_epoch IS NULL
