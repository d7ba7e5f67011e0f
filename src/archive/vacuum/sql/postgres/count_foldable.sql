-- vacuum.count_foldable
-- $1 floor: how many deltas would become part of another.
SELECT coalesce(sum(n - 1), 0)::bigint AS n FROM (
    SELECT count(*) AS n FROM {blocks} WHERE from_epoch <= $1 GROUP BY scope, level, upper_at, upper_id
) deltas
