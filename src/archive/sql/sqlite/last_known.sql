-- archive.last_known
-- ?1 resource, ?2 epoch: the last move up to it that the journal has.
SELECT coalesce(max(epoch), 0) AS epoch FROM archive_batches WHERE resource = ?1 AND epoch <= ?2
