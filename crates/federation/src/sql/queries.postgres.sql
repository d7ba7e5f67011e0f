-- name: cold_slice
-- Each range has a limit of its own: the planner does not see that a branch with a fixed first column comes out of its
-- index in order. For the signs see cold_rows.
WITH p AS MATERIALIZED (
    {proof}
)
SELECT p.floor, p.proven, p.confirmed,
    r.*{extra}
FROM p LEFT JOIN (
    (
        SELECT {columns} FROM {table}
        WHERE {where}{span}
            AND +from_epoch <= $7 AND to_epoch IS NULL
        ORDER BY {order} LIMIT $5 + $6
    ) UNION ALL (
        SELECT {columns} FROM {table}
        WHERE {unindexed}{span}
            AND +from_epoch <= $7 AND to_epoch > $7
        ORDER BY {order} LIMIT $5 + $6
    )
    ORDER BY {merged_order} LIMIT $5 OFFSET $6
) r ON true
ORDER BY {row_order}

-- name: cold_rows
-- One plan for all parameters: the limit that is a number tells the planner how few rows are wanted, and the signs keep it from
-- any index for closed versions but that by their epochs, where a reader of the present finds none.
WITH p AS MATERIALIZED (
    {proof}
)
SELECT p.floor, p.proven, p.confirmed,
    r.*{extra}
FROM p LEFT JOIN (
    SELECT * FROM (
        (
            SELECT {columns} FROM {table}
            WHERE {where}{span}+from_epoch <= {epoch} AND to_epoch IS NULL
            ORDER BY {order} LIMIT {most}
        ) UNION ALL (
            SELECT {columns} FROM {table}
            WHERE {unindexed}{span}+from_epoch <= {epoch} AND to_epoch > {epoch}
            ORDER BY {order} LIMIT {most}
        )
        ORDER BY {merged_order} LIMIT {most}
    ) merged
    ORDER BY {merged_order} LIMIT {take}
) r ON true

-- name: proof
SELECT floor,
        EXISTS (SELECT 1 FROM archive_batches WHERE resource = '{resource}' AND epoch = {epoch} AND token = {token}) AS proven,
        (SELECT max(epoch) FROM archive_batches WHERE resource = '{resource}' AND confirmed) AS confirmed
    FROM archive_head WHERE resource = '{resource}'

-- name: cold_span
-- The bounds of the time alone leave out the chunks of a table that is cut by time.
{at} >= $1 AND {at} <= $3
            AND ({at}, {id}) >= ($1, $2) AND ({at}, {id}) < ($3, $4)

-- name: from_key
{at} >= {key_at} AND ({at}, {id}) >= ({key_at}, {key_id})

-- name: below_key
{at} <= {key_at} AND ({at}, {id}) < ({key_at}, {key_id})

-- name: span_of_days
{at} >= ($1 AT TIME ZONE 'UTC')::date AND {at} <= ($3 AT TIME ZONE 'UTC')::date
            AND ({at}::timestamp, {id}) >= ($1 AT TIME ZONE 'UTC', $2)
            AND ({at}::timestamp, {id}) < ($3 AT TIME ZONE 'UTC', $4)

-- name: containing
-- lower() folds ASCII alone.
strpos(lower({column} COLLATE "C"), {text}) > 0

-- name: cold_children
(SELECT count(*) FROM {child} WHERE {owner} = {row} AND +from_epoch <= {epoch} AND to_epoch IS NULL)
        + (SELECT count(*) FROM {child} WHERE {owner} = {row} AND +from_epoch <= {epoch} AND to_epoch > {epoch})


-- name: blocks_locate
-- Down the tree: running sums over level 1, then over the level 0 blocks under the one found. A block that did not
-- exist yet at the epoch has no delta there, one that is empty at it never passes the running sum. The inner ORDER BY
-- lets the sums run along the index and stop where the rank is reached.
WITH tops AS (
    SELECT upper_at, upper_id, n, (sum(n) OVER newest_first)::bigint AS run,
        lead(upper_at) OVER newest_first AS next_at, lead(upper_id) OVER newest_first AS next_id
    FROM (
        SELECT upper_at, upper_id, sum(n)::bigint AS n FROM {blocks}
        WHERE scope = $1 AND level = 1 AND from_epoch <= $2
        GROUP BY upper_at, upper_id ORDER BY upper_at DESC, upper_id DESC
    ) AS blocks
    WINDOW newest_first AS (ORDER BY upper_at DESC, upper_id DESC)
),
top AS MATERIALIZED (
    SELECT upper_at, upper_id, run - n AS newer,
        coalesce(next_at, '-infinity') AS next_at, coalesce(next_id, '-9223372036854775808') AS next_id
    FROM tops WHERE run > $3 ORDER BY upper_at DESC, upper_id DESC LIMIT 1
),
leaves AS (
    SELECT blocks.upper_at, blocks.upper_id, blocks.n,
        (sum(blocks.n) OVER (ORDER BY blocks.upper_at DESC, blocks.upper_id DESC))::bigint + top.newer AS run
    FROM top, LATERAL (
        SELECT b.upper_at, b.upper_id, sum(b.n)::bigint AS n FROM {blocks} b
        WHERE b.scope = $1 AND b.level = 0 AND b.from_epoch <= $2
            AND (b.upper_at, b.upper_id) <= (top.upper_at, top.upper_id)
            AND (b.upper_at, b.upper_id) > (top.next_at, top.next_id)
        GROUP BY b.upper_at, b.upper_id ORDER BY b.upper_at DESC, b.upper_id DESC
    ) AS blocks
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
    (SELECT coalesce(sum(b.n), 0)::bigint FROM {blocks} b
     WHERE b.scope = $1 AND b.level = 1 AND b.from_epoch <= $2
        AND (b.upper_at, b.upper_id) > (top.upper_at, top.upper_id))
    + (SELECT coalesce(sum(b.n), 0)::bigint FROM {blocks} b
       WHERE b.scope = $1 AND b.level = 0 AND b.from_epoch <= $2
        AND (b.upper_at, b.upper_id) > (leaf.upper_at, leaf.upper_id)
        AND (b.upper_at, b.upper_id) <= (top.upper_at, top.upper_id)) AS newer
FROM top, leaf

-- name: blocks_matching
-- The inner ORDER BY lets the blocks come along the index, so that no more are looked at than asked for.
WITH last AS MATERIALIZED (
    SELECT upper_at, upper_id FROM {blocks}
    WHERE scope = $1 AND level = 0 AND (upper_at, upper_id) >= ($5, $6)
    ORDER BY upper_at, upper_id LIMIT 1
),
closed AS MATERIALIZED (
    SELECT min(created_at) AS oldest FROM {table} WHERE +{scope} = $1 AND to_epoch > $2
),
looked AS MATERIALIZED (
    SELECT b.upper_at, b.upper_id, row_number() OVER (ORDER BY b.upper_at {direction}, b.upper_id {direction}) AS place,
        coalesce(b.upper_at >= closed.oldest, false) OR coalesce(signed.has_bits, true) AS matches
    FROM last CROSS JOIN closed CROSS JOIN LATERAL (
        SELECT upper_at, upper_id, max(from_epoch) AS from_epoch FROM {blocks}
        WHERE scope = $1 AND level = 0
            AND (upper_at, upper_id) >= ($3, $4) AND (upper_at, upper_id) <= (last.upper_at, last.upper_id)
        GROUP BY upper_at, upper_id ORDER BY upper_at {direction}, upper_id {direction} LIMIT $7
    ) b LEFT JOIN LATERAL (
        SELECT {bits} AS has_bits FROM {signatures} s
        WHERE s.scope = $1 AND s.upper_at = b.upper_at AND s.upper_id = b.upper_id AND s.from_epoch = b.from_epoch
        LIMIT 1
    ) signed ON true
)
SELECT looked.upper_at, looked.upper_id, older.upper_at AS lower_at, older.upper_id AS lower_id, looked.place, looked.matches
FROM looked LEFT JOIN LATERAL (
    SELECT upper_at, upper_id FROM {blocks}
    WHERE scope = $1 AND level = 0 AND (upper_at, upper_id) < (looked.upper_at, looked.upper_id)
    ORDER BY upper_at DESC, upper_id DESC LIMIT 1
) older ON true
WHERE looked.matches OR looked.place = (SELECT count(*) FROM looked)
ORDER BY looked.place

-- name: gram_bit
get_bit(substring(s.bits FROM ({probe} / 8 % length(s.bits))::int + 1 FOR 1), ({probe} % 8)::int) = 1

-- name: hot_slice
WITH s AS MATERIALIZED (
    {state}
),
c AS MATERIALIZED (
    SELECT
        CASE WHEN $7 THEN (SELECT count(*) FROM {table} WHERE {where}{span}) END AS n,
        CASE WHEN $7 THEN (
            SELECT count(*) FROM {table}
            WHERE {where}{at} <= s.cold_newest_at AND {span} AND ({at}, {id}) < (s.cold_newest_at, s.cold_newest_id)
        ) END AS late
    FROM s
)
SELECT {state_columns}, c.n, c.late,
    r.*{extra}
FROM s CROSS JOIN c LEFT JOIN (
    -- Skipping past the end would walk through every row.
    SELECT {columns} FROM {table}
    WHERE {where}{span} AND coalesce($6 < (SELECT n FROM c), true)
    ORDER BY {order} LIMIT $5 OFFSET $6
) r ON true
ORDER BY {row_order}

-- name: ids_from_place
= ANY (ARRAY(
        SELECT id FROM {table} WHERE {where}$2 < (SELECT n FROM c)
        ORDER BY {order} LIMIT $1 OFFSET $2
    ))

-- name: hot_rows
-- The limit that is a number tells the planner how few rows are wanted, as in cold_rows.
SELECT {state_columns},
    r.*{extra}
FROM (
    {state}
) s LEFT JOIN (
    SELECT * FROM (
        SELECT {columns} FROM {table}{conditions}
        ORDER BY {order} LIMIT {most}
    ) most
    ORDER BY {merged_order} LIMIT {take}
) r ON true

-- name: state_with_bound
SELECT a.epoch, a.token, a.cold_newest_at, a.cold_newest_id, l.incarnation,
        pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS bound
    FROM archive_state a LEFT JOIN live_state l ON true WHERE a.resource = '{resource}'

-- name: state_of_children
SELECT epoch, token,
        CASE WHEN cold_newest_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {parent} WHERE id = {owner})
            THEN TIMESTAMPTZ '9999-12-31 23:59:59.999999+00' END AS cold_newest_at,
        CASE WHEN cold_newest_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {parent} WHERE id = {owner})
            THEN 9223372036854775807 END AS cold_newest_id
    FROM archive_state WHERE resource = '{resource}'

-- name: changes
-- Bound and rows are of one snapshot. Each part has a limit of its own, so that none is read further than its index says.
WITH s AS MATERIALIZED (
    SELECT l.incarnation, l.floor, pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS bound,
        a.epoch, a.token, a.cold_newest_at, a.cold_newest_id
    FROM live_state l CROSS JOIN ({state}) a
),
c AS MATERIALIZED (
    (
        SELECT 0 AS place, live_version::text::bigint AS version, id, scope
        FROM (SELECT live_version, id, {scope} AS scope FROM {table}) t
        WHERE live_version >= $1::text::xid8 AND live_version < pg_snapshot_xmin(pg_current_snapshot())
            AND (live_version > $1::text::xid8 OR id >= $2){scopes}
        ORDER BY live_version, id LIMIT $3
    ) UNION ALL (
        SELECT 1, version, id, scope FROM live_moved
        WHERE version >= $1 AND version < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
            AND (version > $1 OR id >= $2){scopes}
        ORDER BY version, id LIMIT $3
    ) UNION ALL (
        SELECT 2, version, id, scope FROM live_erased
        WHERE version >= $1 AND version < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
            AND (version > $1 OR id >= $2){scopes}
        ORDER BY version, id LIMIT $3
    )
    ORDER BY version, id LIMIT $3
)
SELECT s.incarnation, s.floor, s.bound, s.epoch, s.token, s.cold_newest_at, s.cold_newest_id,
    c.place, c.version AS at_version, c.id AS at_id, c.scope, {columns}
FROM s LEFT JOIN c ON true LEFT JOIN {table} r ON c.place = 0 AND r.id = c.id
ORDER BY c.version, c.id
