-- archive.erased_wholly
-- ?1 what the ids are of, ?2 ids: nothing is left of them.
UPDATE archive_erasures SET pending = NULL WHERE resource = ?1 AND id IN (SELECT value FROM json_each(?2))
