-- archive.confirm
-- $1 resource, $2 epoch: hot stands at it, so every batch up to it is committed there.
UPDATE archive_batches SET confirmed = true WHERE resource = $1 AND epoch <= $2 AND NOT confirmed
