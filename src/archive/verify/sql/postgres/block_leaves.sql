-- verify.block_leaves
-- $1 scope, $2 $3 older bound (exclusive), $4 $5 newer bound: what the level 0 blocks in between hold together, and
-- whether one of them ends there too.
SELECT coalesce(sum(n), 0)::bigint AS n, coalesce(bool_or((upper_at, upper_id) = ($4, $5)), false) AS ends FROM {blocks}
WHERE scope = $1 AND level = 0 AND (upper_at, upper_id) > ($2, $3) AND (upper_at, upper_id) <= ($4, $5)
