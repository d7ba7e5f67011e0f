-- vacuum.drop_folded
-- $1 scopes, $2 floor: the deltas that are part of the sum now.
DELETE FROM {blocks} b
WHERE b.scope = ANY($1) AND b.from_epoch < $2 AND EXISTS (
    SELECT 1 FROM {blocks} newer
    WHERE (newer.scope, newer.level, newer.upper_at, newer.upper_id) = (b.scope, b.level, b.upper_at, b.upper_id)
        AND newer.from_epoch > b.from_epoch AND newer.from_epoch <= $2
)
