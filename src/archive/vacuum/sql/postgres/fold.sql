-- vacuum.fold
-- $1 scopes, $2 floor: the newest delta of a block up to the floor becomes the sum of them all. A block that holds
-- nothing any more stays: it may bound others.
UPDATE {blocks} b SET n = folded.n
FROM (
    SELECT scope, level, upper_at, upper_id, max(from_epoch) AS from_epoch, sum(n) AS n FROM {blocks}
    WHERE scope = ANY($1) AND from_epoch <= $2
    GROUP BY scope, level, upper_at, upper_id HAVING count(*) > 1
) folded
WHERE (b.scope, b.level, b.upper_at, b.upper_id, b.from_epoch)
    = (folded.scope, folded.level, folded.upper_at, folded.upper_id, folded.from_epoch)
