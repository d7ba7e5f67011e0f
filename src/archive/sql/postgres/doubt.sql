-- archive.doubt
-- $1 resource, $2 epoch, $3 what they are from now on: batches above it that brought rows and that nobody has confirmed.
UPDATE archive_batches SET kind = $3 WHERE resource = $1 AND epoch > $2 AND kind = 'archive' AND NOT confirmed
