-- vacuum.subtract
-- $1 resource, $2 epoch, $3 rows, $4 digest without them, $5 digest with them: rows leave the batch they came with.
UPDATE archive_batches SET row_count = row_count - $3, digest = $4 WHERE resource = $1 AND epoch = $2 AND digest = $5
