-- archive.noted
-- ?1 what the ids are of: all that were erased.
SELECT id FROM archive_erasures WHERE resource = ?1 ORDER BY id
