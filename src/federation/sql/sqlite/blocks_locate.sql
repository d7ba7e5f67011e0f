-- blocks.locate
-- ?1 scope, ?2 epoch, ?3 rank: the level 0 block that holds the row of this rank, newest first.
-- Down the tree: running sums over level 1, then over the level 0 blocks under the one found. A block that did not
-- exist yet at the epoch has no delta there, one that is empty at it never passes the running sum.
WITH tops AS (
    SELECT upper_at, upper_id, n, sum(n) OVER newest_first AS run,
        lead(upper_at) OVER newest_first AS next_at, lead(upper_id) OVER newest_first AS next_id
    FROM (
        SELECT upper_at, upper_id, sum(n) AS n FROM {blocks}
        WHERE scope = ?1 AND level = 1 AND from_epoch <= ?2
        GROUP BY upper_at, upper_id
    )
    WINDOW newest_first AS (ORDER BY upper_at DESC, upper_id DESC)
),
top AS MATERIALIZED (
    SELECT upper_at, upper_id, run - n AS newer,
        coalesce(next_at, -9223372036854775808) AS next_at, coalesce(next_id, -9223372036854775808) AS next_id
    FROM tops WHERE run > ?3 ORDER BY upper_at DESC, upper_id DESC LIMIT 1
),
leaves AS (
    SELECT upper_at, upper_id, n,
        sum(n) OVER (ORDER BY upper_at DESC, upper_id DESC) + (SELECT newer FROM top) AS run
    FROM (
        SELECT b.upper_at, b.upper_id, sum(b.n) AS n FROM top
        JOIN {blocks} b ON b.scope = ?1 AND b.level = 0
            AND (b.upper_at, b.upper_id) <= (top.upper_at, top.upper_id)
            AND (b.upper_at, b.upper_id) > (top.next_at, top.next_id)
        WHERE b.from_epoch <= ?2
        GROUP BY b.upper_at, b.upper_id
    )
)
SELECT upper_at, upper_id, run - n AS newer FROM leaves
WHERE run > ?3 ORDER BY upper_at DESC, upper_id DESC LIMIT 1
