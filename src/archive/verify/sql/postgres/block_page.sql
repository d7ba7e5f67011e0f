-- verify.block_page
-- $1 scope, $2 level, $3 $4 upper bound, $5 how many: the blocks after that one, with their rows now.
SELECT scope, level::bigint AS level, upper_at, upper_id, sum(n)::bigint AS n FROM {blocks} b
WHERE (scope, level, upper_at, upper_id) > ($1, $2, $3, $4)
GROUP BY b.scope, b.level, b.upper_at, b.upper_id ORDER BY b.scope, b.level, b.upper_at, b.upper_id LIMIT $5
