-- verify.block_before
-- $1 scope, $2 level, $3 $4 a key: the upper bound of the last block that ends before it.
SELECT upper_at, upper_id FROM {blocks}
WHERE scope = $1 AND level = $2 AND (upper_at, upper_id) < ($3, $4)
ORDER BY upper_at DESC, upper_id DESC LIMIT 1
