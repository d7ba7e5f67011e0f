-- verify.next_batch
-- $1 resource, $2 epoch: the first entry of the journal from there on.
SELECT epoch, kind, row_count, digest, confirmed FROM archive_batches
WHERE resource = $1 AND epoch >= $2 ORDER BY epoch LIMIT 1
