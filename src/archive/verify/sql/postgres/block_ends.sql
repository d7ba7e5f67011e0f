-- verify.block_ends
-- $1 scopes, $2 $3 the greatest key: on how many levels each of them has a block without end.
SELECT scope, count(DISTINCT level) AS n FROM {blocks}
WHERE scope = ANY($1) AND level IN (0, 1) AND upper_at = $2 AND upper_id = $3
GROUP BY scope
