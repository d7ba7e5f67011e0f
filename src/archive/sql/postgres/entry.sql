-- archive.entry
-- $1 resource, $2 epoch
SELECT row_count, digest FROM archive_batches WHERE resource = $1 AND epoch = $2
