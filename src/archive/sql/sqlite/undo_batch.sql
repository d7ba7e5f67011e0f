-- archive.undo_batch
-- ?1 resource, ?2 epoch: never a batch that a hot commit has confirmed.
DELETE FROM archive_batches WHERE resource = ?1 AND epoch = ?2 AND confirmed = 0
