-- archive.undo_erased
-- ?1 what the ids are of, ?2 epoch: they are still to be erased.
UPDATE archive_erasures SET pending = 0 WHERE resource = ?1 AND pending = ?2
