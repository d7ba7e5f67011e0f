-- archive.doubtful
-- $1 resource: moves that hot has perhaps never committed.
SELECT epoch, kind FROM archive_batches WHERE resource = $1 AND (NOT confirmed OR kind = 'doubtful')
