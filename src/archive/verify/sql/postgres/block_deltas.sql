-- verify.block_deltas
-- $1 epoch: what its move counted, by scope and level.
SELECT scope, level::bigint AS level, sum(n)::bigint AS n FROM {blocks} b WHERE from_epoch = $1
GROUP BY b.scope, b.level
