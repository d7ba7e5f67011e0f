-- archive.undo_batch
-- $1 resource, $2 epoch: never a batch that hot has been seen to commit.
DELETE FROM archive_batches WHERE resource = $1 AND epoch = $2 AND (NOT confirmed OR kind = 'doubtful')
