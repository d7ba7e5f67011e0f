-- vacuum.foldable
-- $1 scope, $2 floor, $3 how many: scopes from that one on with blocks that have several deltas up to the floor.
SELECT DISTINCT scope FROM (
    SELECT scope FROM {blocks} WHERE scope >= $1 AND from_epoch <= $2
    GROUP BY scope, level, upper_at, upper_id HAVING count(*) > 1
) several
ORDER BY scope LIMIT $3
