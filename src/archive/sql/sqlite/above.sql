-- archive.above
-- ?1 resource, ?2 epoch: batches hot knows nothing of.
SELECT epoch, kind, confirmed FROM archive_batches WHERE resource = ?1 AND epoch > ?2 ORDER BY epoch
