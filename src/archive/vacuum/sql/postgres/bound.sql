-- vacuum.bound
-- $1 resource, $2 an instant: the last move that was finished by then and comes before every move that was not, or
-- that hot has not been seen to commit; and the floor there is. Locks the claim row.
SELECT floor, (
    SELECT max(epoch) FROM archive_batches WHERE resource = $1 AND confirmed AND epoch < coalesce(
        (SELECT min(epoch) FROM archive_batches WHERE resource = $1 AND (NOT confirmed OR finished > $2)),
        9223372036854775807)
) AS bound
FROM archive_head WHERE resource = $1 FOR UPDATE
