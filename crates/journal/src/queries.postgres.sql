-- name: lock_claim
SELECT claimed FROM archive_head WHERE resource = $1 FOR UPDATE

-- name: vacuum_bound
SELECT floor, (
    SELECT max(epoch) FROM archive_batches WHERE resource = $1 AND confirmed AND epoch < coalesce(
        (SELECT min(epoch) FROM archive_batches WHERE resource = $1 AND (NOT confirmed OR finished > $2)),
        9223372036854775807)
) AS bound
FROM archive_head WHERE resource = $1 FOR UPDATE
