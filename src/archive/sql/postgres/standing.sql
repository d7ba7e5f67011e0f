-- archive.standing
-- $1 resource, $2 epoch, $3 token: whether the journal has that move, and the last one it knows to be committed in hot.
SELECT EXISTS (SELECT 1 FROM archive_batches WHERE resource = $1 AND epoch = $2 AND token = $3) AS proven,
    (SELECT max(epoch) FROM archive_batches WHERE resource = $1 AND confirmed) AS confirmed
