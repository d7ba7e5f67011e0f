-- verify.block_deltas
-- ?1 epoch: what its move counted, by scope and level.
SELECT scope, level, sum(n) AS n FROM {blocks} WHERE from_epoch = ?1 GROUP BY scope, level
