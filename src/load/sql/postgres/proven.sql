-- load.proven
-- $1 resource, $2 epoch, $3 token
SELECT count(*) AS n FROM archive_batches WHERE resource = $1 AND epoch = $2 AND token = $3
