-- blocks.rank
-- ?1 scope, ?2 epoch, ?3 ?4 key: the level 0 block the key lies in, and how many rows are newer than that block.
-- A block bound that was split off after the epoch has no delta there and must not be met: it is not yet a bound.
WITH top AS MATERIALIZED (
    SELECT upper_at, upper_id FROM {blocks}
    WHERE scope = ?1 AND level = 1 AND from_epoch <= ?2 AND (upper_at, upper_id) >= (?3, ?4)
    ORDER BY upper_at, upper_id LIMIT 1
),
leaf AS MATERIALIZED (
    SELECT upper_at, upper_id FROM {blocks}
    WHERE scope = ?1 AND level = 0 AND from_epoch <= ?2 AND (upper_at, upper_id) >= (?3, ?4)
    ORDER BY upper_at, upper_id LIMIT 1
)
SELECT leaf.upper_at, leaf.upper_id,
    (SELECT coalesce(sum(n), 0) FROM {blocks} b
     WHERE b.scope = ?1 AND b.level = 1 AND b.from_epoch <= ?2
        AND (b.upper_at, b.upper_id) > (SELECT upper_at, upper_id FROM top))
    + (SELECT coalesce(sum(n), 0) FROM {blocks} b
       WHERE b.scope = ?1 AND b.level = 0 AND b.from_epoch <= ?2
        AND (b.upper_at, b.upper_id) > (SELECT upper_at, upper_id FROM leaf)
        AND (b.upper_at, b.upper_id) <= (SELECT upper_at, upper_id FROM top)) AS newer
FROM top, leaf
