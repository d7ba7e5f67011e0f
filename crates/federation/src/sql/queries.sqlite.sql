-- name: hot_slice
{prelude}WITH s AS MATERIALIZED (
    {state}
),
c AS MATERIALIZED (
    -- The instants inside the span, then the ties at its ends: comparing whole keys costs three times as much.
    SELECT
        CASE WHEN $7 THEN (
            SELECT count(*) FROM {table} WHERE {where}{at} > $1 AND {at} < $3
        ) + (
            SELECT count(*) FROM {table}
            WHERE {where}{at} = $1 AND {id} >= $2 AND ($1 < $3 OR ($1 = $3 AND {id} < $4))
        ) + (
            SELECT count(*) FROM {table} WHERE {where}{at} = $3 AND {id} < $4 AND $1 < $3
        ) END AS n,
        CASE WHEN $7 THEN (
            SELECT count(*) FROM {table}
            WHERE {where}{at} <= s.cold_newest_at AND {span} AND ({at}, {id}) < (s.cold_newest_at, s.cold_newest_id)
        ) END AS late
    FROM s
)
SELECT {state_columns}, c.n, c.late,
    r.*{extra}
FROM s JOIN c LEFT JOIN (
    SELECT {columns} FROM {table}
    WHERE {where}{span}
    ORDER BY {order}
    -- Skipping past the end would walk through every row.
    LIMIT CASE WHEN $6 > 0 AND $6 >= (SELECT n FROM c) THEN 0 ELSE $5 END OFFSET $6
) r ON 1 = 1
ORDER BY {row_order}

-- name: ids_from_place
IN (
        SELECT id FROM {table}{conditions}
        ORDER BY {order} LIMIT CASE WHEN $2 > 0 AND $2 >= (SELECT n FROM c) THEN 0 ELSE $1 END OFFSET $2
    )

-- name: cold_slice
-- For the signs see cold_rows.
WITH p AS MATERIALIZED (
    {proof}
)
SELECT p.floor, p.proven, p.confirmed,
    r.*{extra}
FROM p LEFT JOIN (
    SELECT {columns} FROM {table}
    WHERE {where}{span}
        AND +from_epoch <= $7 AND to_epoch IS NULL
    UNION ALL
    SELECT {columns} FROM {table}
    WHERE {unindexed}{span}
        AND +from_epoch <= $7 AND to_epoch > $7
    ORDER BY {merged_order} LIMIT +$5 OFFSET $6
) r ON 1 = 1
ORDER BY {row_order}

-- name: cold_rows
-- The signs keep SQLite from any index for closed versions but that by their epochs, where a reader of the present finds none.
WITH p AS MATERIALIZED (
    {proof}
)
SELECT p.floor, p.proven, p.confirmed,
    r.*{extra}
FROM p LEFT JOIN (
    SELECT {columns} FROM {table}
    WHERE {where}{span}+from_epoch <= {epoch} AND to_epoch IS NULL
    UNION ALL
    SELECT {columns} FROM {table}
    WHERE {unindexed}{span}+from_epoch <= {epoch} AND to_epoch > {epoch}
    ORDER BY {merged_order} LIMIT +{take}
) r ON 1 = 1

-- name: state_with_bound
SELECT a.epoch, a.token, a.cold_newest_at, a.cold_newest_id, l.incarnation, l.version + 1 AS bound
    FROM archive_state a LEFT JOIN live_state l ON 1 = 1 WHERE a.resource = '{resource}'

-- name: state_of_children
SELECT epoch, token,
        CASE WHEN cold_newest_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {parent} WHERE id = {owner})
            THEN 253402300799999999 END AS cold_newest_at,
        CASE WHEN cold_newest_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {parent} WHERE id = {owner})
            THEN 9223372036854775807 END AS cold_newest_id
    FROM archive_state WHERE resource = '{resource}'

-- name: proof
SELECT floor,
        EXISTS (SELECT 1 FROM archive_batches WHERE resource = '{resource}' AND epoch = {epoch} AND token = {token}) AS proven,
        (SELECT max(epoch) FROM archive_batches WHERE resource = '{resource}' AND confirmed = 1) AS confirmed
    FROM archive_head WHERE resource = '{resource}'

-- name: span_of_days
{at} >= $1 AND {at} <= $3
        AND ({at}, {id}) >= ($1, $2)
        AND ({at}, {id}) < ($3, $4)

-- name: containing
-- lower() folds ASCII alone.
instr(lower({column}), {text}) > 0

-- name: cold_children
(SELECT count(*) FROM {child}
     WHERE {owner} = {row} AND from_epoch <= {epoch} AND (to_epoch IS NULL OR to_epoch > {epoch}))


-- name: blocks_locate
-- Down the tree: running sums over level 1, then over the level 0 blocks under the one found. A block that did not
-- exist yet at the epoch has no delta there, one that is empty at it never passes the running sum.
WITH tops AS (
    SELECT upper_at, upper_id, n, sum(n) OVER newest_first AS run,
        lead(upper_at) OVER newest_first AS next_at, lead(upper_id) OVER newest_first AS next_id
    FROM (
        SELECT upper_at, upper_id, sum(n) AS n FROM {blocks}
        WHERE scope = $1 AND level = 1 AND from_epoch <= $2
        GROUP BY upper_at, upper_id
    )
    WINDOW newest_first AS (ORDER BY upper_at DESC, upper_id DESC)
),
top AS MATERIALIZED (
    SELECT upper_at, upper_id, run - n AS newer,
        coalesce(next_at, -9223372036854775808) AS next_at, coalesce(next_id, -9223372036854775808) AS next_id
    FROM tops WHERE run > $3 ORDER BY upper_at DESC, upper_id DESC LIMIT 1
),
leaves AS (
    SELECT upper_at, upper_id, n,
        sum(n) OVER (ORDER BY upper_at DESC, upper_id DESC) + (SELECT newer FROM top) AS run
    FROM (
        SELECT b.upper_at, b.upper_id, sum(b.n) AS n FROM top
        JOIN {blocks} b ON b.scope = $1 AND b.level = 0
            AND (b.upper_at, b.upper_id) <= (top.upper_at, top.upper_id)
            AND (b.upper_at, b.upper_id) > (top.next_at, top.next_id)
        WHERE b.from_epoch <= $2
        GROUP BY b.upper_at, b.upper_id
    )
)
SELECT upper_at, upper_id, run - n AS newer FROM leaves
WHERE run > $3 ORDER BY upper_at DESC, upper_id DESC LIMIT 1

-- name: blocks_rank
-- A block bound that was split off after the epoch has no delta there and must not be met: it is not yet a bound.
WITH top AS MATERIALIZED (
    SELECT upper_at, upper_id FROM {blocks}
    WHERE scope = $1 AND level = 1 AND from_epoch <= $2 AND (upper_at, upper_id) >= ($3, $4)
    ORDER BY upper_at, upper_id LIMIT 1
),
leaf AS MATERIALIZED (
    SELECT upper_at, upper_id FROM {blocks}
    WHERE scope = $1 AND level = 0 AND from_epoch <= $2 AND (upper_at, upper_id) >= ($3, $4)
    ORDER BY upper_at, upper_id LIMIT 1
)
SELECT leaf.upper_at, leaf.upper_id,
    (SELECT coalesce(sum(n), 0) FROM {blocks} b
     WHERE b.scope = $1 AND b.level = 1 AND b.from_epoch <= $2
        AND (b.upper_at, b.upper_id) > (SELECT upper_at, upper_id FROM top))
    + (SELECT coalesce(sum(n), 0) FROM {blocks} b
       WHERE b.scope = $1 AND b.level = 0 AND b.from_epoch <= $2
        AND (b.upper_at, b.upper_id) > (SELECT upper_at, upper_id FROM leaf)
        AND (b.upper_at, b.upper_id) <= (SELECT upper_at, upper_id FROM top)) AS newer
FROM top, leaf

-- name: blocks_matching
-- Signatures are read in their order, each once: SQLite compares keys by whole rows, so that to find one reads ten from the file,
-- and without the limit it would read one again for each of its bits.
WITH closed AS MATERIALIZED (
    SELECT min(created_at) AS oldest FROM {table} WHERE +{scope} = $1 AND to_epoch > $2
),
blocks AS MATERIALIZED (
    SELECT upper_at, upper_id, max(from_epoch) AS from_epoch FROM {blocks}
    WHERE scope = $1 AND level = 0 AND (upper_at, upper_id) >= ($3, $4)
        AND (upper_at, upper_id) <= (
            SELECT upper_at, upper_id FROM {blocks}
            WHERE scope = $1 AND level = 0 AND (upper_at, upper_id) >= ($5, $6)
            ORDER BY upper_at, upper_id LIMIT 1
        )
    GROUP BY upper_at, upper_id ORDER BY upper_at {direction}, upper_id {direction} LIMIT +$7
),
hidden AS MATERIALIZED (
    SELECT upper_at, upper_id, from_epoch FROM (
        SELECT upper_at, upper_id, from_epoch, bits, length(bits) AS bytes FROM {signatures}
        WHERE scope = $1
            AND (upper_at, upper_id) >= (SELECT upper_at, upper_id FROM blocks ORDER BY upper_at, upper_id LIMIT 1)
            AND (upper_at, upper_id) <= (SELECT upper_at, upper_id FROM blocks ORDER BY upper_at DESC, upper_id DESC LIMIT 1)
        LIMIT -1
    ) s WHERE NOT ({bits})
),
looked AS MATERIALIZED (
    SELECT b.upper_at, b.upper_id, row_number() OVER (ORDER BY b.upper_at {direction}, b.upper_id {direction}) AS place,
        coalesce(b.upper_at >= closed.oldest, 0)
            OR (b.upper_at, b.upper_id, b.from_epoch) NOT IN (SELECT upper_at, upper_id, from_epoch FROM hidden) AS matches
    FROM blocks b JOIN closed
)
SELECT upper_at, upper_id, place, matches,
    (
        SELECT older.upper_at FROM {blocks} older
        WHERE scope = $1 AND level = 0 AND (older.upper_at, older.upper_id) < (looked.upper_at, looked.upper_id)
        ORDER BY older.upper_at DESC, older.upper_id DESC LIMIT 1
    ) AS lower_at,
    (
        SELECT older.upper_id FROM {blocks} older
        WHERE scope = $1 AND level = 0 AND (older.upper_at, older.upper_id) < (looked.upper_at, looked.upper_id)
        ORDER BY older.upper_at DESC, older.upper_id DESC LIMIT 1
    ) AS lower_id
FROM looked WHERE matches OR place = (SELECT count(*) FROM looked)
ORDER BY place

-- name: gram_bit
-- The two digits of a byte, and those of them that have the bit.
instr(substr('13579BDF2367ABEF4567CDEF89ABCDEF', {probe} % 4 * 8 + 1, 8),
                substr(hex(substr(s.bits, {probe} / 8 % s.bytes + 1, 1)), 2 - {probe} % 8 / 4, 1)) > 0

-- name: changes
-- One snapshot: the newest version and everything below it are committed.
WITH s AS MATERIALIZED (
    SELECT l.incarnation, l.floor, l.version + 1 AS bound, a.epoch, a.token, a.cold_newest_at, a.cold_newest_id
    FROM live_state l JOIN ({state}) a
),
c AS MATERIALIZED (
    SELECT 0 AS place, version, id, scope FROM live_versions
    WHERE version >= $1 AND (version > $1 OR id >= $2){scopes}
    UNION ALL
    SELECT 1 AS place, version, id, scope FROM live_moved
    WHERE version >= $1 AND (version > $1 OR id >= $2){scopes}
    UNION ALL
    SELECT 2 AS place, version, id, scope FROM live_erased
    WHERE version >= $1 AND (version > $1 OR id >= $2){scopes}
    ORDER BY version, id LIMIT +$3
)
SELECT s.incarnation, s.floor, s.bound, s.epoch, s.token, s.cold_newest_at, s.cold_newest_id,
    c.place, c.version AS at_version, c.id AS at_id, c.scope, {columns}
FROM s LEFT JOIN c ON 1 = 1 LEFT JOIN {table} r ON c.place = 0 AND r.id = c.id
ORDER BY c.version, c.id
