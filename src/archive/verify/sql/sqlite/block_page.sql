-- verify.block_page
-- ?1 scope, ?2 level, ?3 ?4 upper bound, ?5 how many: the blocks after that one, with their rows now.
SELECT scope, level, upper_at, upper_id, sum(n) AS n FROM {blocks}
WHERE (scope, level, upper_at, upper_id) > (?1, ?2, ?3, ?4)
GROUP BY scope, level, upper_at, upper_id ORDER BY scope, level, upper_at, upper_id LIMIT ?5
