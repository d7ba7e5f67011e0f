-- blocks.from
-- $1 scope, $2 level, $3 $4 key: the blocks that hold this key or newer ones, oldest first, and their rows now.
SELECT upper_at, upper_id, sum(n)::bigint AS n FROM {blocks}
WHERE scope = $1 AND level = $2 AND (upper_at, upper_id) >= ($3, $4)
GROUP BY upper_at, upper_id ORDER BY upper_at, upper_id
