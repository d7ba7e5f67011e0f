-- archive.erased_with
-- $1 what the ids are of, $2 ids, $3 epoch: the move that erases them.
UPDATE archive_erasures SET pending = $3 WHERE resource = $1 AND id = ANY ($2) AND pending IS NOT NULL
