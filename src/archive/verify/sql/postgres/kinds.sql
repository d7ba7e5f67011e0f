-- verify.kinds
-- $1 resource, $2 epochs
SELECT epoch, kind FROM archive_batches WHERE resource = $1 AND epoch = ANY($2)
